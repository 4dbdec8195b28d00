"""
A browser without a screen: an HTTP client that keeps cookies and fills in forms as they are in the page.

    visitor = Visitor(server)
    page = visitor.get("/sign-in").submit("/sign-in", login="anna", password="…")
    assert page.path == "/"

Paths are those below ``/.web``. It goes through the whole server, by its WSGI callable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
from jinja2.bccache import Bucket, BytecodeCache
from lxml import html
from typing_extensions import override

from radicale_plugin.server.application import Application
from radicale_plugin.web import Web
from radicale_plugin.web.portal import Portal
from sync.sign_in import sessions
from tests.support import site
from tests.support.site import Site, Transport

#: The origin of a site in this process (see `tests.support.site`).
ORIGIN = "http://evercard.test"
ROOT = "/.web"
#: Options with which a server sends e-mail; nobody listens there.
MAILING = {"smtp_host": "127.0.0.1", "smtp_port": "9", "smtp_security": "none", "mail_from": "cards@example.org"}
Values = Mapping[str, str | list[str]]


class _Compiled(BytecodeCache):
    """The compiled templates of this process: most tests have a portal of their own, which would compile them anew."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@contextmanager
def opened(database_url: str, **options: str) -> Iterator[Site]:
    """Make a site with a portal for *database_url*; *options* are Evercard's own."""
    storage = {"type": "radicale_plugin.storage", "base_url": ORIGIN, "sign_up": "open", **options}
    with site.opened(database_url, web={"type": "radicale_plugin.web"}, storage=storage) as made:
        portal_of(made).jinja_env.bytecode_cache = _COMPILED
        yield made


def query(**values: str) -> str:
    """Return values as the query of an address."""
    return urlencode(values)


def without_tokens(text: str) -> str:
    """Return a page without the tokens of its forms, which are others each time."""
    return re.sub(r'(name="csrf_token" value=")[^"]*', r"\1", text)


def portal_of(server: Site) -> Portal:
    """Return the Flask application of a site whose web plugin is the portal."""
    application = server.application._application
    assert isinstance(application, Application)
    web = application._web
    assert isinstance(web, Web)
    return web.portal


class Page:
    """An answer of the portal."""

    def __init__(self, visitor: Visitor, response: httpx.Response) -> None:
        """Remember who asked."""
        self.visitor = visitor
        self.response = response

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """The path below ``/.web`` that the answer came from, after redirects, with its query."""
        url = self.response.url
        return url.raw_path.decode().removeprefix(ROOT)

    @property
    def location(self) -> str:
        """Where the answer sends the browser: a path below ``/.web``, or all of it where it leads elsewhere."""
        said: str = self.response.headers.get("Location", "")
        split = urlsplit(urljoin(str(self.response.url), said))
        if f"{split.scheme}://{split.netloc}" != ORIGIN or not split.path.startswith(f"{ROOT}/"):
            return said
        return split.path.removeprefix(ROOT) + (f"?{split.query}" if split.query else "")

    @property
    def document(self) -> html.HtmlElement:
        """The page."""
        return html.fromstring(self.response.text)

    @property
    def text(self) -> str:
        """What can be read on the page, with single spaces and one kind of hyphen."""
        body = self.document.find("body")
        assert body is not None
        return _said(body)

    @property
    def told(self) -> list[str]:
        """What the page tells as done or wrong, in its order."""
        found = self.document.xpath("//*[@role='alert' or @role='status']")
        return [_said(node) for node in found]

    def form(self, action: str) -> html.FormElement:
        """Return the form whose action is a path below ``/.web``, which has to be on the page once."""
        own = urlsplit(str(self.response.url)).path
        found = [
            form
            for form in self.document.forms
            if urlsplit(form.get("action") or own).path == ROOT + action and form.method.lower() == "post"
        ]
        assert len(found) == 1, (action, [form.get("action") for form in self.document.forms])
        return found[0]

    def fields(self, action: str) -> dict[str, str | list[str]]:
        """Return what a browser would send of a form as it stands, without pressing a button that has a name."""
        values: dict[str, str | list[str]] = {}
        for name, value in self.form(action).form_values():
            before = values.get(name)
            if before is None:
                values[name] = value
            else:
                values[name] = [*([before] if isinstance(before, str) else before), value]
        return values

    def submit(self, action: str, /, **values: str | list[str]) -> Page:
        """Fill *values* into a form of the page, send it, and follow where that leads."""
        form = self.form(action)
        known = {*form.fields.keys(), *(node.get("name") for node in form.xpath(".//button[@name]"))}
        assert known >= values.keys(), (known, values)
        target = form.get("action") or str(self.response.url.raw_path.decode())
        return self.visitor.send(target, {**self.fields(action), **values}).followed()

    def upload(self, action: str, name: str, data: bytes, /, **values: str) -> Page:
        """Choose a file in the field *name* of a form of the page, send it, and follow where that leads."""
        said = {key: value for key, value in {**self.fields(action), **values}.items() if key != name}
        sent = self.visitor.client.post(ROOT + action, data=said, files={name: ("x", data)}, headers={"Origin": ORIGIN})
        return Page(self.visitor, sent).followed()

    def followed(self) -> Page:
        """Return the page that this answer redirects to, or this one."""
        if not self.response.is_redirect:
            return self
        return Page(self.visitor, self.visitor.client.get(self.response.headers["Location"])).followed()


class Visitor:
    """Somebody at a browser, signed in nowhere yet."""

    def __init__(self, server: Site, *, language: str = "en", address: str = "192.0.2.1") -> None:
        """Open a browser at *address* whose user prefers *language*."""
        self.site = server
        headers = {"Accept-Language": language, "User-Agent": "Test"}
        self.client = httpx.Client(transport=Transport(server, address), base_url=ORIGIN, headers=headers)
        self._token, self._tokened_by = "", {"no": "cookie"}

    def signed_in(self, account_id: int) -> Self:
        """Sign in without a password, which takes a while to check."""
        token = self.site.database.write(lambda session: sessions.start(session, account_id, "Test"))
        portal = portal_of(self.site)
        # When the next end of anybody's comes is looked up now and then, and no matter of any page.
        portal.watch.is_due()
        serializer = portal.session_interface.get_signing_serializer(portal)  # type: ignore[attr-defined]
        value = serializer.dumps({"visit": token})
        self.client.cookies.set("evercard", value, domain="evercard.test", path=f"{ROOT}/")
        return self

    def get(self, path: str, **headers: str) -> Page:
        """Open a page, without following where it leads."""
        return Page(self, self.client.get(ROOT + path, headers={k.replace("_", "-"): v for k, v in headers.items()}))

    def token(self) -> str:
        """Return a token that this visitor's forms may carry, which is good for as long as the cookies are the same."""
        if self._tokened_by != self._cookies():
            self._token = str(self.get("/").fields("/language")["csrf_token"])
            self._tokened_by = self._cookies()
        return self._token

    def _cookies(self) -> dict[str, str]:
        return {cookie.name: str(cookie.value) for cookie in self.client.cookies.jar}

    def post(self, path: str, values: Values | None = None, *, origin: str | None = ORIGIN) -> Page:
        """Send *values* with a valid token to a path below ``/.web``."""
        return self.send(ROOT + path, {"csrf_token": self.token(), **(values or {})}, origin=origin)

    def send(self, target: str, values: Values, *, origin: str | None = ORIGIN) -> Page:
        """Send just *values*."""
        headers = {} if origin is None else {"Origin": origin}
        return Page(self, self.client.post(target, data=dict(values), headers=headers))


def _said(node: html.HtmlElement) -> str:
    return " ".join(str(node.text_content()).replace("\u2011", "-").split())
