"""
The whole server in this process: its WSGI callable, called as a WSGI server would.

`Site.call` sends anything, also what no HTTP library would: the target of the request is percent-encoded octets, and
*environ* overrides whatever follows from it. `Transport` lets an `httpx.Client`, and so `tests.support.dav`, use it.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from lxml import etree
from radicale import config
from typing_extensions import override

from radicale_plugin import settings
from radicale_plugin.server import serving
from sync.database.engine import Database
from tests.support.people import Person

#: For ``pytestmark`` of a module that is not about storage.
ON_SQLITE = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
#: What somebody has in their fields here and nobody may see.
SECRETS = ("+49 555 0199 0199", "s3cret@example.org", "Geheimnis")
PLUGINS = {
    "auth": {"type": "radicale_plugin.auth"},
    "rights": {"type": "radicale_plugin.rights"},
    "storage": {"type": "radicale_plugin.storage"},
    "web": {"type": "none"},
}


@dataclass(frozen=True, slots=True)
class Circle:
    """
    Two connected people: *anna*, and *ben* of whom she sees the name, which is the field *shown*, and no `SECRETS`.

    *entry* is the path of ben's card in her address book, *own* of hers.
    """

    anna: Person
    ben: Person
    entry: str
    own: str
    shown: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. *reason* is the rest of the status line."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of a header, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def xml(self) -> etree._Element:
        """The body, which must be XML and say so."""
        assert self.header("Content-Type").startswith("application/xml"), (self.status, self.headers, self.body[:500])
        return etree.fromstring(self.body)

    @property
    def condition(self) -> str:
        """The precondition that was violated (RFC 4918, 16) as ``{namespace}name``, empty where none is named."""
        if not self.header("Content-Type").startswith("application/xml"):
            return ""
        root = self.xml
        return str(root[0].tag) if root.tag == "{DAV:}error" and len(root) else ""


class Site:
    """The server for one database, in this process."""

    def __init__(self, configuration: config.Configuration) -> None:
        """Make the application of *configuration*."""
        self.database: Database = settings.database(configuration)
        self.configuration = configuration
        self.application = serving.wrapped(configuration)

    def call(
        self,
        method: str,
        target: str | bytes,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        *,
        person: Person | None = None,
        environ: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one request and return the answer; *person* signs in."""
        content = body.encode() if isinstance(body, str) else body
        given = self.environ(method, target, content, headers or {}, person)
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, answer_headers: list[tuple[str, str]], exc_info: object = None) -> object:
            answered.append((status, answer_headers))
            return None

        result = self.application({**given, **(environ or {})}, start_response)
        content = collected(result)
        assert len(answered) == 1, "start_response must be called once"
        status, answer_headers = answered[0]
        code, _, reason = status.partition(" ")
        return Answer(int(code), reason, tuple(answer_headers), content)

    @staticmethod
    def environ(
        method: str, target: str | bytes, body: bytes, headers: Mapping[str, str], person: Person | None = None
    ) -> dict[str, Any]:
        """Return the WSGI environment of a request as a WSGI server makes it: the path is octets, read as Latin-1."""
        path, _, query = (target.encode() if isinstance(target, str) else target).partition(b"?")
        result: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": "evercard.test",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": "evercard.test",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if body:
            result["CONTENT_LENGTH"] = str(len(body))
        if person is not None:
            result["HTTP_AUTHORIZATION"] = basic(person.login, person.password)
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            result[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return result


@dataclass(frozen=True, slots=True)
class Lasting:
    """A server that many tests share, and the people in it."""

    site: Site
    circle: Circle


class Transport(httpx.BaseTransport):
    """Lets an `httpx.Client` talk to a site."""

    def __init__(self, site: Site, address: str = "192.0.2.1") -> None:
        """Talk to *site* from *address*."""
        self._site = site
        self._address = address

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        environ = {"REMOTE_ADDR": self._address}
        answer = self._site.call(request.method, request.url.raw_path, body, headers, environ=environ)
        return httpx.Response(answer.status, headers=list(answer.headers), content=answer.body)


def basic(login: str, password: str) -> str:
    """Return the value of an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def collected(result: Iterable[bytes]) -> bytes:
    """Read the body of a WSGI answer to its end, and close it."""
    try:
        return b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()


@contextmanager
def opened(database_url: str, **sections: Mapping[str, str]) -> Iterator[Site]:
    """Make a site for *database_url* and let go of its database afterwards."""
    os.environ["EVERCARD_DATABASE_URL"] = database_url
    try:
        made = config.load()
        for section, options in (*PLUGINS.items(), *sections.items()):
            made.update({section: dict(options)}, "tests")
        site = Site(made)
    finally:
        del os.environ["EVERCARD_DATABASE_URL"]
    yield site
    site.database.dispose()
