"""
The If header, RFC 4918, 10.4, by which a request is done in certain states only; RFC 6578, 5 is in `test_rfc6578`.

What does not apply, or is done otherwise:

- 10.4.1, submitting lock tokens: nothing can be locked (class 2), so that no token of a lock is ever matched.
- 10.4.3, a header that cannot be read: it is a bad request, because a condition must not get lost.
- 10.4.4, entity tags of collections: they have none, but an address book has its sync token.
"""

from __future__ import annotations

import pytest

from radicale_plugin.server.wsgi import MAX_HEADER
from tests.dav.asking import BOOK, propfind, put, report, snapshot, sync_body, token
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Circle, Lasting, Site

PATH = BOOK + "x.vcf"
ONE, TWO = factories.vcard("x"), factories.vcard("x", "NOTE:two")
LOCK = "<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>"


@ON_SQLITE
@pytest.mark.parametrize(
    ("header", "met"),
    [
        ("([{etag}])", True),
        ('(["other"])', False),
        ("(W/{etag})", None),
        ("([W/{etag}])", True),
        ('(["other"]) ([{etag}])', True),
        ('(["other"])([{etag}])', True),
        ('([{etag}] ["other"])', False),
        ("([{etag}] [{etag}])", True),
        ('(Not ["other"])', True),
        ("(Not [{etag}])", False),
        ("(not [{etag}])", False),
        ('([{etag}] Not ["other"])', True),
        (f"({LOCK})", False),
        (f"({LOCK} [{{etag}}])", False),
        (f"({LOCK}) (Not <DAV:no-lock>)", True),
        ("(<DAV:no-lock>)", False),
        (f"(Not {LOCK} <DAV:no-lock>)", False),
        (f"<{PATH}> ([{{etag}}])", True),
        (f"<http://evercard.test{PATH}> ([{{etag}}])", True),
        (f'<{PATH}> (["other"]) ([{{etag}}])', True),
        (f"<{BOOK}y.vcf> ([{{etag}}])", False),
        (f"<{BOOK}y.vcf> (Not [{{etag}}])", True),
        (f"<{BOOK}y.vcf> ([{{etag}}]) <{PATH}> ([{{etag}}])", True),
        (f"<{BOOK}> (Not <urn:x>)", True),
        (f"<{BOOK}> (<urn:x>)", False),
        ("<{path}> ( [{etag}] )", True),
        ("\t([{etag}])  ", True),
    ],
)
def test_a_request_is_done_when_a_list_is_true(site: Site, anna: Person, header: str, met: bool | None) -> None:  # noqa: FBT001
    """Sections 10.4.3 and 10.4.4: all conditions of any list; otherwise the request MUST be rejected with 412."""
    put(site, anna, PATH, ONE)
    etag = site.call("GET", PATH, person=anna).header("ETag")
    said = header.format(etag=etag, path=PATH)
    answer = put(site, anna, PATH, TWO, If=said)
    assert answer.status == (400 if met is None else 204 if met else 412)
    assert site.call("GET", PATH, person=anna).body == (TWO if met else ONE)


@ON_SQLITE
@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "garbage",
        '"etag"',
        "()",
        "(",
        '["etag"]',
        "<urn:x>",
        f"<{PATH}>",
        "(Not)",
        '(Not Not ["a"])',
        '(["a"]) trailing',
        '(["a"]',
        '((["a"]))',
        '(["a"]) <urn:x>  (["a"]',
        '("a")',
        f"(Not [{'x' * 9_000}])",
        "(" * 9_000,
        '(["a"])' * 2_000 + "!",
    ],
)
def test_a_header_that_cannot_be_read_lets_nothing_happen(site: Site, anna: Person, header: str) -> None:
    """Section 10.4.2: what is not in the syntax is a bad request, never a request without a condition."""
    put(site, anna, PATH, ONE)
    assert put(site, anna, PATH, TWO, If=header).status == (400 if len(header) <= MAX_HEADER else 431)
    assert site.call("GET", PATH, person=anna).body == ONE


def test_every_method_heeds_it(lasting: Lasting) -> None:
    """Section 10.4.1: if all lists fail, the request MUST fail with 412, whatever the method."""
    headers = {"If": "(<DAV:no-lock>)", "Destination": BOOK + "z.vcf", "Depth": "0", "Content-Type": "text/xml"}
    anna, site = lasting.circle.anna, lasting.site
    text = site.call("GET", lasting.circle.own, person=anna).body
    title = b'<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname></prop></set></propertyupdate>'
    for method, path, body, kind in (
        ("GET", lasting.circle.entry, b"", ""),
        ("HEAD", lasting.circle.entry, b"", ""),
        ("PROPFIND", BOOK, b"", ""),
        ("REPORT", BOOK, sync_body().encode(), "text/xml"),
        ("PUT", lasting.circle.own, text, "text/vcard"),
        ("PUT", lasting.circle.entry, text, "text/vcard"),
        ("PUT", BOOK + "new.vcf", ONE, "text/vcard"),
        ("DELETE", lasting.circle.entry, b"", ""),
        ("MOVE", lasting.circle.entry, b"", ""),
        ("COPY", lasting.circle.entry, b"", ""),
        ("PROPPATCH", BOOK, title, "text/xml"),
    ):
        answer = site.call(method, path, body, {**headers, "Content-Type": kind}, person=anna)
        assert answer.status == 412, (method, path)


@ON_SQLITE
def test_several_states_can_be_named_at_once(site: Site, circle: Circle) -> None:
    """Section 10.4.2: tagged lists are about any resources, here the book and two of its entries."""
    put(site, circle.anna, PATH, ONE)
    etag = site.call("GET", circle.entry, person=circle.anna).header("ETag")
    newest = token(report(site, circle.anna, sync_body()))
    wrong = f'<{circle.entry}> (["other"]) <{BOOK}> (<urn:x>) <{PATH}> (<{newest}>)'
    assert put(site, circle.anna, PATH, TWO, If=wrong).status == 412
    assert put(site, circle.anna, PATH, TWO, If=f"{wrong} <{circle.entry}> ([{etag}])").status == 204


def test_what_belongs_to_others_is_in_no_state(lasting: Lasting) -> None:
    """Section 10.4.4: somebody else's resource is as one that is not there, so a condition tells nothing of it."""
    site, circle = lasting.site, lasting.circle
    (theirs, *_), newest = snapshot(site, circle.ben)
    etag = site.call("GET", theirs, person=circle.ben).header("ETag")
    for tag, state in ((theirs, f"[{etag}]"), ("/ben/contacts/", f"<{newest}>"), ("/nobody/contacts/", f"<{newest}>")):
        for header, status in ((f"<{tag}> ({state})", 412), (f"<{tag}> (Not {state})", 207)):
            answer = propfind(site, BOOK, "<D:displayname/>", person=circle.anna, If=header)
            assert answer.status == status
