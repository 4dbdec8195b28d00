"""Where the server stands: below a path of a reverse proxy, and behind any WSGI server."""

from __future__ import annotations

import io
from typing import Any
from wsgiref.validate import validator

import pytest

from sync.database.engine import Database
from tests.dav.asking import BOOK, gone, href_in, multiget_body, propfind, report, responses, sync_body, texts
from tests.support import factories, people
from tests.support.site import ON_SQLITE, Lasting, Site, collected, opened


@ON_SQLITE
def test_below_a_path_every_href_begins_with_it(database_url: str, database: Database, no_sleep: None) -> None:
    """The proxy takes the path off, the answers put it on, and a request may only name hrefs that have it."""
    anna = people.register(database, "anna")
    with opened(database_url, server={"script_name": "/books"}) as site:
        for path in ("/", "/.well-known/carddav"):
            found = propfind(site, path, "<D:current-user-principal/>", person=anna)
            assert href_in(found, "D:current-user-principal") == "/books/anna/"
            assert site.call("GET", path).header("Location").startswith("/books/")
        home = propfind(site, "/anna/", "<D:resourcetype/>", depth="1", person=anna)
        assert list(responses(home)) == ["/books/anna/", "/books/anna/contacts/"]
        assert site.call("PUT", f"{BOOK}x.vcf", factories.vcard("x"), person=anna).status == 201
        synced = report(site, anna, sync_body())
        assert "/books/anna/contacts/x.vcf" in responses(synced)
        answer = report(site, anna, multiget_body(["/books/anna/contacts/x.vcf", "/anna/contacts/x.vcf"]))
        assert (list(texts(answer)), gone(answer)) == (["/books/anna/contacts/x.vcf"], {"/anna/contacts/x.vcf"})
        conflict = site.call("PUT", f"{BOOK}y.vcf", factories.vcard("x"), person=anna)
        assert b"<D:href>/books/anna/contacts/x.vcf</D:href>" in conflict.body


REQUESTS = [
    ("PROPFIND", "/", b""),
    ("PROPFIND", "/anna/contacts/", b""),
    ("REPORT", "/anna/contacts/", sync_body("", "<D:getetag/>").encode()),
    ("GET", "/anna/contacts/missing.vcf", b""),
    ("GET", "/", b""),
    ("GET", "/.health", b""),
    ("HEAD", "/anna/contacts/missing.vcf", b""),
    ("HEAD", "/anna/contacts/", b""),
    ("PUT", "/anna/contacts/x.vcf", b"no card"),
    ("DELETE", "/anna/contacts/missing.vcf", b""),
    ("PROPPATCH", "/anna/contacts/", b"no document"),
    ("MKCOL", "/anna/new/", b""),
]


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_it_speaks_wsgi_to_the_letter(lasting: Lasting, method: str, path: str, body: bytes, *, signed: bool) -> None:
    """PEP 3333, as the validator of the standard library reads it, so any WSGI server will do."""
    environ = Site.environ(method, path, body, {"Depth": "1"}, lasting.circle.anna if signed else None)
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
        statuses.append(status)
        return io.BytesIO().write

    application: Any = lasting.site.application
    start: Any = start_response
    answer = collected(validator(application)(environ, start))
    assert len(statuses) == 1
    assert method != "HEAD" or answer == b""


def test_an_answer_has_the_length_that_it_says(lasting: Lasting) -> None:
    """Also where it is large enough to come from a file, and where there is no body."""
    for names in ("<D:getetag/>", "<D:getetag/>" + "".join(f'<x{n} xmlns="urn:x"/>' for n in range(200))):
        answer = propfind(lasting.site, BOOK, names, depth="1", person=lasting.circle.anna)
        assert answer.header("Content-Length") == str(len(answer.body))
    for method, path, _ in REQUESTS:
        answer = lasting.site.call(method, path, person=lasting.circle.anna)
        assert method == "HEAD" or answer.header("Content-Length") == str(len(answer.body))
