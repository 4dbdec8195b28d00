"""
Who asks, as RFC 5397 tells it.

What does not apply, or is done otherwise:

- 3, DAV:unauthenticated for whoever has not signed in: nothing is told to them but 401, so that nobody ever sees it.
- 3, several principals of one person, of which the same one SHOULD always be named: there is one.
- 3, COPY and MOVE: the value is made for each request, and so is never copied or moved.
"""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, NAMES, NS, propfind, responses
from tests.support import people
from tests.support.site import ON_SQLITE, Lasting, Site, basic

NAME = "<D:current-user-principal/>"


@pytest.mark.parametrize("depth", ["0", "1"])
def test_every_resource_says_who_asks(lasting: Lasting, depth: str) -> None:
    """The value is one href, of the principal of the person who is signed in, on every resource (RFC 5397, 3)."""
    for path in ("/", "/anna/", BOOK, lasting.circle.entry, lasting.circle.own):
        for node in responses(propfind(lasting.site, path, NAME, depth=depth, person=lasting.circle.anna)).values():
            (found,) = node.findall("D:propstat/D:prop/D:current-user-principal", NS)
            assert [child.tag for child in found] == ["{DAV:}href"]
            assert found.findtext("D:href", "", NS) == "/anna/"


def test_the_principal_that_is_named_is_one(lasting: Lasting) -> None:
    """The URL leads to a principal, whose principal-URL it is (RFC 5397, 3; RFC 3744, 4.2)."""
    answer = propfind(lasting.site, "/anna/", "<D:principal-URL/><D:resourcetype/>", person=lasting.circle.anna)
    assert answer.xml.findtext(".//D:principal-URL/D:href", "", NS) == "/anna/"
    assert answer.xml.find(".//D:resourcetype/D:principal", NS) is not None


@ON_SQLITE
def test_each_person_is_told_of_themselves(site: Site) -> None:
    """The value depends on who asks, and on nothing else (RFC 5397, 3)."""
    for login in ("anna", "ben"):
        person = people.register(site.database, login)
        answer = propfind(site, "/", NAME, person=person)
        assert answer.xml.findtext(".//D:current-user-principal/D:href", "", NS) == f"/{login}/"


@pytest.mark.parametrize("authorization", ["", "Basic", "Bearer x", basic("anna", "wrong"), basic("nobody", "wrong")])
def test_who_is_not_signed_in_is_nobody(lasting: Lasting, authorization: str) -> None:
    """Without credentials that are right there is no answer but 401, so DAV:unauthenticated is never told."""
    headers = {"Authorization": authorization} if authorization else {}
    answer = propfind(lasting.site, "/", NAME, person=None, **headers)
    assert answer.status == 401
    assert b"principal" not in answer.body


def test_nobody_becomes_somebody_else(lasting: Lasting) -> None:
    """The property is protected (RFC 5397, 3): setting it is refused."""
    body = (
        f"<D:propertyupdate {NAMES}><D:set><D:prop><D:current-user-principal><D:href>/ben/</D:href>"
        "</D:current-user-principal></D:prop></D:set></D:propertyupdate>"
    )
    for path in ("/", "/anna/", BOOK):
        answer = lasting.site.call("PROPPATCH", path, body, person=lasting.circle.anna)
        assert answer.xml.findtext(".//D:propstat/D:status", "", NS) == "HTTP/1.1 403 Forbidden"
        assert answer.xml.find(".//D:error/D:cannot-modify-protected-property", NS) is not None
