"""Pages stay small on the wire, however many people and fields there are: each is asked for as a browser does it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from benchmarks import people
from sync.database.engine import Session
from sync.profiles import profiles
from sync.queries import connected_people
from sync.sharing import grants, groups, visibility
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.factories import content
from tests.support.forms import ORIGIN, ROOT, Visitor
from tests.support.site import Site

MOST = 60_000
PEOPLE, FIELDS, GROUPS = 1_000, 60, 12
#: Lists that are turned over and searched.
FURTHER = ("/people/?q=p00", "/people/?page=10", "/people/?by=number", "/sharing/people?page=3", "/friends/?page=2")
#: What a browser says of itself when somebody follows a link within the portal, or sends a form.
BROWSER = {"Accept-Encoding": "gzip, deflate, br", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}


def _grown(session: Session, anna: int) -> None:
    """Let Anna have so many fields and groups, each of which sees many of the fields."""
    for number in range(FIELDS - len(visibility.fields_of(session, anna))):
        said = ("mobile", f"+1 555 555 {number:04}"), ("email", f"anna.{number}@department.example.org")
        profiles.add_field(session, anna, content(*said[number % 2]))
    for number in range(GROUPS - len(groups.groups_of(session, anna))):
        groups.create(session, anna, f"Section {number} of the rowing club")
    found = [each.id for each in groups.groups_of(session, anna)]
    fields = [each.id for each in visibility.fields_of(session, anna)]
    for place, group_id in enumerate(found):
        grants.grant(session, anna, group_id, [field for at, field in enumerate(fields) if at % (place + 2)])


@pytest.fixture
def visitor(cast: Cast, cast_site: Site) -> Visitor:
    """Return Anna at her browser, with 1,000 connections, 60 fields and 12 groups."""
    anna = cast.ids[walk.WHO]
    hub = cast_site.database.write(lambda session: people.hub_of(session, anna, walk.WHO, PEOPLE))
    people.surround(cast_site.database, [hub], with_cards=True)
    cast_site.database.write(lambda session: _grown(session, anna))
    return Visitor(cast_site).signed_in(anna)


def _sent(visitor: Visitor, method: str, path: str, form: str = "") -> int:
    """Return how many octets the answer has as it is sent to a browser."""
    cookies = "; ".join(f"{each.name}={each.value}" for each in visitor.client.cookies.jar)
    headers = {**BROWSER, "Cookie": cookies}
    if form:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
    answer = visitor.site.call(method, f"{ROOT}{path}", form, headers)
    # Something of every address is shown, or leads to what is.
    assert answer.status < 400 or form, (path, answer.status)
    return len(answer.body)


def test_no_page_of_many_people_and_fields_is_large_on_the_wire(visitor: Visitor, cast: Cast, cast_site: Site) -> None:
    """Every page, asked for from another of the portal's own; see `radicale_plugin.web` for what is compressed."""
    found = walk.addresses(cast_site, "GET", cast.ids)
    pages = [*(path for endpoint, path in found if endpoint not in walk.NO_PAGE), *FURTHER]
    sizes = {path: _sent(visitor, "GET", path) for path in pages}
    assert {path: size for path, size in sizes.items() if size > MOST} == {}
    # The largest is there, and would be far above without what keeps it small.
    assert len(visitor.get("/sharing/").response.content) > 3 * MOST


@pytest.mark.parametrize(
    ("opened", "action"), [("/card/add/birthday", "/card/add/birthday"), ("/sharing/", "/sharing/preview")]
)
def test_a_large_page_that_answers_a_form_is_as_small_on_the_wire(visitor: Visitor, opened: str, action: str) -> None:
    """One that is refused, and one that shows what would be, where there are no scripts."""
    page = visitor.get(opened)
    form = opened if action == opened else "/sharing/"
    text = urlencode(page.fields(form), doseq=True)
    assert len(visitor.send(f"{ROOT}{action}", page.fields(form)).response.content) > MOST
    assert 1_000 < _sent(visitor, "POST", action, text) < MOST


def test_the_numbers_are_those_that_are_promised(visitor: Visitor, cast: Cast, cast_site: Site) -> None:
    anna = cast.ids[walk.WHO]
    with cast_site.database.reading() as session:
        assert len(visibility.fields_of(session, anna)) == FIELDS
        assert len(groups.groups_of(session, anna)) == GROUPS
        assert connected_people.page_of(session, anna).total > PEOPLE
    assert visitor.get("/people/").status == 200
