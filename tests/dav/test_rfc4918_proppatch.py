"""
Setting properties, RFC 4918, 9.2 (PROPPATCH), 14.19, 14.23, 14.26 and 15.

What does not apply, or is done otherwise:

- 4.3, 9.2 and 14.26, dead properties, are in `test_dead_properties`. Names of the standards that are not known are
  refused: what they mean is not for clients to say. A title has no needless spaces.
- 15.2, displayname, which SHOULD NOT be protected: that of the principal is the login, that of the root the server's.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.dav.asking import BOOK, NS, place, propertyupdate, propfind, responses, snapshot, statuses
from tests.dav.test_rfc4918_properties import EVERYWHERE, OK
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site

FORBIDDEN, FAILED = "HTTP/1.1 403 Forbidden", "HTTP/1.1 424 Failed Dependency"


def proppatch(site: Site, person: Person, content: str, path: str = BOOK) -> Answer:
    """Send a PROPPATCH."""
    return site.call("PROPPATCH", path, propertyupdate(content), person=person)


def title(site: Site, person: Person) -> str:
    """Return what the address book is called."""
    return propfind(site, BOOK, "<D:displayname/>", person=person).xml.findtext(".//D:displayname", "", NS)


def setting(props: str) -> str:
    """Return the instruction to set properties."""
    return f"<D:set><D:prop>{props}</D:prop></D:set>"


def removing(props: str) -> str:
    """Return the instruction to remove properties."""
    return f"<D:remove><D:prop>{props}</D:prop></D:remove>"


@pytest.mark.parametrize(
    "protected",
    [
        "<D:resourcetype/>",
        "<D:getetag>x</D:getetag>",
        "<D:sync-token>x</D:sync-token>",
        "<C:supported-address-data/>",
        "<D:current-user-privilege-set/>",
        "<D:owner><D:href>/ben/</D:href></D:owner>",
        "<D:unheard-of>1</D:unheard-of>",
    ],
)
def test_what_is_protected_is_refused_and_takes_the_rest_along(lasting: Lasting, protected: str) -> None:
    """Sections 9.2 and 9.2.1: all or nothing; 403 SHOULD say why, 424 is for the others."""
    answer = proppatch(lasting.site, lasting.circle.anna, setting(f"<D:displayname>New</D:displayname>{protected}"))
    (name,) = statuses(answer).keys() - {"displayname"}
    assert statuses(answer) == {"displayname": FAILED, name: FORBIDDEN}
    assert answer.xml.find(".//D:error/D:cannot-modify-protected-property", NS) is not None
    assert title(lasting.site, lasting.circle.anna) == "Contacts"


@EVERYWHERE
@pytest.mark.parametrize("instruction", [setting, removing])
@pytest.mark.parametrize("name", ["getetag", "resourcetype", "getlastmodified", "getcontentlength", "getcontenttype"])
def test_what_the_server_makes_nobody_sets(
    lasting: Lasting, which: str, instruction: Callable[[str], str], name: str
) -> None:
    """Sections 15.4 to 15.7 and 15.9: protected properties; to remove one that is not there is no error."""
    path = place(lasting.circle, which)
    before = snapshot(lasting.site, lasting.circle.anna)
    is_there = statuses(propfind(lasting.site, path, f"<D:{name}/>", person=lasting.circle.anna))[name] == OK
    answer = proppatch(lasting.site, lasting.circle.anna, instruction(f"<D:{name}/>"), path)
    assert statuses(answer) == {name: OK if instruction is removing and not is_there else FORBIDDEN}
    assert snapshot(lasting.site, lasting.circle.anna) == before


@ON_SQLITE
def test_instructions_are_followed_in_the_order_of_the_document(site: Site, anna: Person) -> None:
    """Section 9.2: MUST be processed in document order, so that the last one counts."""
    one, two = setting("<D:displayname>One</D:displayname>"), setting("<D:displayname>Two</D:displayname>")
    gone = removing("<D:displayname/>")
    for content, expected in ((one + two, "Two"), (two + one, "One"), (gone + two, "Two"), (two + gone, "")):
        assert statuses(proppatch(site, anna, content)) == {"displayname": OK}
        assert title(site, anna) == expected


@ON_SQLITE
@pytest.mark.parametrize("order", [1, -1])
def test_what_was_done_before_an_error_is_undone(site: Site, anna: Person, order: int) -> None:
    """Section 9.2: if any error occurs, all executed instructions MUST be undone, wherever in the order it is."""
    both = [
        setting("<D:displayname>New</D:displayname>"),
        removing("<D:getetag/>"),
        setting("<D:getetag>x</D:getetag>"),
    ]
    answer = proppatch(site, anna, "".join(both[::order]))
    assert statuses(answer) == {"displayname": FAILED, "getetag": FORBIDDEN}
    assert title(site, anna) == "Contacts"


@ON_SQLITE
def test_to_remove_what_is_not_there_is_no_error(site: Site, anna: Person) -> None:
    """Section 14.23: and it leaves everything else of the request as it is."""
    content = removing('<x xmlns="urn:x"/><D:nothing/>') + setting("<D:displayname>New</D:displayname>")
    assert statuses(proppatch(site, anna, content)) == {"x": OK, "nothing": OK, "displayname": OK}
    assert title(site, anna) == "New"


@pytest.mark.parametrize(
    "content", ["", "<D:set/>", "<D:set><D:prop/></D:set>", "<D:other><D:prop><D:x/></D:prop></D:other>"]
)
def test_a_request_without_instructions_does_nothing(lasting: Lasting, content: str) -> None:
    """Sections 14.19 and 17: what is not an instruction is not there."""
    answer = proppatch(lasting.site, lasting.circle.anna, content)
    assert (answer.status, statuses(answer)) == (207, {})
    assert list(responses(answer)) == [BOOK]


@pytest.mark.parametrize("path", ["/", "/anna/"])
def test_outside_the_book_nothing_can_be_named(lasting: Lasting, path: str) -> None:
    """Section 15.2, where it is done otherwise; the refusal is about the very resource that was named."""
    answer = proppatch(lasting.site, lasting.circle.anna, setting("<D:displayname>x</D:displayname>"), path)
    assert (statuses(answer), list(responses(answer))) == ({"displayname": FORBIDDEN}, [path])


@ON_SQLITE
def test_a_title_is_kept_and_changes_no_card(site: Site, circle: Circle) -> None:
    """Sections 15.2 and 15.7: a property alone SHOULD NOT change any ETag or date, and its text comes back as XML."""
    before = snapshot(site, circle.anna)
    markup = "Freunde &amp; <![CDATA[<Familie>]]> é \U0001f600"
    assert statuses(proppatch(site, circle.anna, setting(f"<D:displayname>{markup}</D:displayname>"))) == {
        "displayname": OK
    }
    assert title(site, circle.anna) == "Freunde & <Familie> é \U0001f600"
    assert snapshot(site, circle.anna) == before
