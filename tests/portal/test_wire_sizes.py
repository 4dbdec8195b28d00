"""Pages stay small on the wire, however many people and fields there are: each is asked for as a browser does it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest
from lxml import html

from benchmarks import people
from sync.database.engine import Session
from sync.fields import field_from_photo
from sync.profiles import profiles
from sync.queries import connected_people
from sync.sharing import grants, groups, visibility
from sync.vcard.photos import MAX_OCTETS
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.factories import content
from tests.support.forms import ORIGIN, ROOT, Visitor
from tests.support.pictures import largest
from tests.support.site import Answer, Site

MOST = 60_000
PEOPLE, FIELDS, GROUPS = 1_000, 60, 12
#: Lists that are turned over and searched.
FURTHER = ("/people/?q=p00", "/people/?page=10", "/people/?by=number", "/sharing/people?page=3", "/friends/?page=2")
#: What a browser says of itself when somebody follows a link within the portal, or sends a form.
BROWSER = {"Accept-Encoding": "gzip, deflate, br", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}


def _grown(session: Session, anna: int) -> None:
    """Let Anna have a large photo, and so many fields and groups, each of which sees many of the fields."""
    photo = next(each.id for each in visibility.fields_of(session, anna) if each.kind == "photo")
    profiles.set_field(session, anna, photo, field_from_photo(largest()))
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


def _asked(visitor: Visitor, method: str, path: str, form: str = "", **more: str) -> Answer:
    """Ask for something as a browser does, which says so much *more* of itself."""
    cookies = "; ".join(f"{each.name}={each.value}" for each in visitor.client.cookies.jar)
    headers = {**BROWSER, "Cookie": cookies, **{name.replace("_", "-"): value for name, value in more.items()}}
    if method == "POST":
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
    return visitor.site.call(method, f"{ROOT}{path}", form, headers)


def _sent(visitor: Visitor, method: str, path: str, form: str = "") -> int:
    """Return how many octets the answer has as it is sent to a browser."""
    answer = _asked(visitor, method, path, form)
    # Something of every address is shown, or leads to what is.
    assert answer.status < 400 or form, (path, answer.status)
    return len(answer.body)


def _text(answer: Answer) -> str:
    is_compressed = answer.header("Content-Encoding") == "gzip"
    return (gzip.decompress(answer.body) if is_compressed else answer.body).decode()


class Part(NamedTuple):
    """What a script of a page asks for: as htmx does it, with the *headers* that it adds."""

    method: str
    path: str
    form: str
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """The same for two that differ in a number alone."""
        return re.sub(r"\d+", "0", f"{self.method} {self.path} {self.headers['HX_Target']}")


def _parts(path: str, text: str) -> Iterator[Part]:
    """Yield what the scripts of a page may ask for."""
    document = html.document_fromstring(text)
    for node in document.xpath("//*[@hx-get or @hx-post]"):
        method = "GET" if node.get("hx-get") else "POST"
        within = node.get("hx-include", "").removeprefix("#") or node.get("form", "")
        form = next((each for each in document.forms if within and each.get("id") == within), node)
        said = form.form_values() if isinstance(form, html.FormElement) else []
        options = [[(node.get("name"), each.get("value", ""))] for each in node.xpath("self::select//option")]
        address = node.get(f"hx-{method.lower()}").removeprefix(ROOT)
        headers = {"Sec_Fetch_Mode": "cors", "HX_Request": "true", "HX_Current_URL": f"{ORIGIN}{ROOT}{path}"}
        headers |= {"HX_Target": node.get("hx-target", "").removeprefix("#")}
        for chosen in options or [[]]:
            values = urlencode([*(said if method == "POST" else []), *chosen])
            query = f"?{values}" if method == "GET" and values else ""
            yield Part(method, f"{address}{query}", values if method == "POST" else "", headers)


def _largest(visitor: Visitor, part: Part) -> int:
    """Return how many octets the largest answer has until nothing leads on."""
    answer = _asked(visitor, part.method, part.path, part.form, **part.headers)
    size = len(answer.body)
    while answer.status == 303:
        split = urlsplit(answer.header("Location") or "")
        on = split.path.removeprefix(ROOT) + (f"?{split.query}" if split.query else "")
        answer = _asked(visitor, "GET", on, **part.headers)
        size = max(size, len(answer.body))
    assert answer.status < 500, part
    return size


def test_no_page_of_many_people_and_fields_is_large_on_the_wire(visitor: Visitor, cast: Cast, cast_site: Site) -> None:
    """Every page, asked for from another of the portal's own; see `radicale_plugin.web` for what is compressed."""
    found = walk.addresses(cast_site, "GET", cast.ids)
    pages = [*(path for endpoint, path in found if endpoint not in walk.NO_PAGE), *FURTHER]
    answers = {path: _asked(visitor, "GET", path) for path in pages}
    assert {path: answer.status for path, answer in answers.items() if answer.status >= 400} == {}
    sizes = {path: len(answer.body) for path, answer in answers.items()}
    assert {path: size for path, size in sizes.items() if size > MOST} == {}
    texts = {path: _text(answer) for path, answer in answers.items()}
    # Each photo has an address, and is fetched once.
    assert [path for path, text in texts.items() if "data:image/jpeg" in text] == []
    # The largest is there, and would be far above without what keeps it small.
    assert len(visitor.get("/sharing/").response.content) > 3 * MOST
    parts = {part.kind: part for path, text in texts.items() for part in _parts(path, text)}
    assert {"GET /card/?who=group-0 looks-card", "POST /card/fields/0/move fields"} <= parts.keys()
    sizes = {kind: _largest(visitor, part) for kind, part in parts.items()}
    assert {kind: size for kind, size in sizes.items() if size > MOST} == {}


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
    assert 0.9 * MAX_OCTETS < len(largest()) <= MAX_OCTETS
    assert visitor.get("/people/").status == 200
