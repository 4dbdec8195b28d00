"""An open page learns that something else is to be seen on it: by one small answer, asked for by its ETag."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sync.database.engine import Database
from sync.meeting import open_pages
from sync.sharing import connections
from sync.sign_in import sessions
from tests.support import meeting
from tests.support.factories import connect, connected, field, group, person, put, set_field, vcard
from tests.support.forms import Page, Visitor, portal_of
from tests.support.site import Site
from tests.support.statements import sent

LIVE = "/live/"


class OpenPage:
    """A page of somebody's that stays open, and asks as its script does."""

    def __init__(self, visitor: Visitor, path: str = "/requests/") -> None:
        """Open the page."""
        self.visitor = visitor
        (place,) = visitor.get(path).document.xpath("//*[@id='live']")
        self.version, self.state = place.get("data-version"), json.loads(place.get("data-state"))

    def ask(self) -> Page:
        """Ask whether anything is another."""
        return self.visitor.get(LIVE, If_None_Match=self.version)

    def look(self) -> set[str]:
        """Return what is another by now, nothing where the answer is that all is as it was."""
        answer = self.ask()
        if answer.status == 304:
            assert answer.response.content == b""
            return set()
        state = json.loads(answer.response.text)
        changed = {name for name in state if state[name] != self.state[name]}
        self.version, self.state = answer.response.headers["ETag"], state
        assert changed, "another version of the same"
        return changed


@pytest.fixture
def anna(site: Site) -> int:
    """Anna, who has a page open."""
    return person(site.database, "anna")


@pytest.fixture
def opened(site: Site, anna: int) -> OpenPage:
    """Return Anna's page."""
    return OpenPage(Visitor(site).signed_in(anna))


def _ids(database: Database) -> tuple[int, int, int]:
    """Return Anna, to whom Bert shows his number and hides his QQ number, and Bert, and Carl whom she does not know."""
    anna, bert = connected(database, "anna", "bert")
    return anna, bert, person(database, "carl")


def test_an_open_page_learns_of_requests(site: Site, opened: OpenPage, anna: int) -> None:
    assert opened.look() == set()
    bo, cleo = person(site.database, "bo"), person(site.database, "cleo")
    meeting.ask(site.database, bo, anna)
    assert opened.look() == {"asking", "requests"}
    assert opened.state["asking"] == 1
    assert opened.look() == set()
    meeting.ask(site.database, cleo, anna)
    assert opened.look() == {"asking", "requests"}
    meeting.decline(site.database, anna, bo)
    assert opened.look() == {"asking", "requests"}
    meeting.confirm(site.database, anna, cleo)
    assert opened.look() == {"asking", "requests", "cards"}
    assert opened.state["asking"] == 0


def test_who_asked_learns_of_the_answer(site: Site, opened: OpenPage, anna: int) -> None:
    bo = person(site.database, "bo")
    meeting.ask(site.database, anna, bo)
    assert opened.look() == {"requests"}
    meeting.decline(site.database, bo, anna)
    assert opened.look() == {"requests"}


def test_what_is_not_shown_changes_nothing(site: Site) -> None:
    """Neither what others do nor what is hidden makes another answer, and what is shown does."""
    anna, bert, carl = _ids(site.database)
    shown, hidden = field(site.database, bert), field(site.database, bert, "qq", "10001")
    group(site.database, bert, "Friends", [anna], [shown])
    opened = OpenPage(Visitor(site).signed_in(anna), "/activity/")
    silent: list[Callable[[], object]] = [
        lambda: set_field(site.database, bert, hidden, "10002", "qq"),
        lambda: field(site.database, carl),
        lambda: connect(site.database, bert, carl),
        lambda: meeting.ask(site.database, person(site.database, "dora"), bert),
    ]
    for change in silent:
        change()
        assert opened.look() == set()
    set_field(site.database, bert, shown, "+86 139 1234 5678")
    assert opened.look() == {"cards"}
    site.database.write(lambda session: connections.hide(session, anna, bert))
    assert opened.look() == {"cards"}


def test_whoever_is_blocked_asks_unheard(site: Site, opened: OpenPage, anna: int) -> None:
    """Nobody's request is told that the page of requests would not show."""
    bo, cleo = person(site.database, "bo"), person(site.database, "cleo")
    meeting.ask(site.database, bo, anna)
    assert opened.look() == {"asking", "requests"}
    meeting.block(site.database, bo, anna)
    opened.look()
    assert (opened.state["asking"], meeting.requests(site.database, anna)) == (0, [])
    meeting.block(site.database, anna, cleo)
    opened.look()
    meeting.ask(site.database, cleo, anna)
    assert opened.look() == set()


def test_a_page_is_older_than_what_it_asks_for(site: Site, opened: OpenPage, anna: int) -> None:
    """What changes while a page is made is told afterwards: how things stood is read before the page is."""
    views = portal_of(site).view_functions
    original = views["requests.index"]

    def slow() -> Any:
        meeting.ask(site.database, person(site.database, "bo"), anna)
        return original()

    views["requests.index"] = slow
    page = OpenPage(opened.visitor)
    assert page.look() == {"asking", "requests"}


def test_own_contacts_are_told_too(site: Site, opened: OpenPage, anna: int) -> None:
    put(site.database, anna, "one.vcf", vcard())
    assert opened.look() == {"cards"}


def test_a_page_of_who_was_signed_out_is_told_so(site: Site, opened: OpenPage, anna: int) -> None:
    site.database.write(lambda session: sessions.end_all(session, anna))
    answer = opened.ask()
    assert (answer.status, json.loads(answer.response.text)) == (200, {"who": None})
    assert "ETag" not in answer.response.headers
    assert json.loads(Visitor(site).get(LIVE).response.text) == {"who": None}


@pytest.mark.parametrize("cookie", ["", "x", "1-1-" + "a" * 32, f"{2**63:x}-1-" + "a" * 32])
def test_no_made_up_session_is_told_anything(site: Site, anna: int, cookie: str) -> None:
    assert open_pages.read(site.database, cookie) is None
    assert open_pages.read(site.database, f"{anna:x}-{cookie}") is None


def test_another_person_in_the_same_browser_is_another(site: Site, opened: OpenPage) -> None:
    """So that a page of Anna's does not count what Bo is asked."""
    opened.visitor.signed_in(person(site.database, "bo"))
    state = json.loads(opened.ask().response.text)
    assert state["who"] not in (None, opened.state["who"])


def test_asking_is_one_statement_that_writes_nothing(site: Site, opened: OpenPage, anna: int) -> None:
    """A page that is left open is no use of the session either, which ends when it would have ended."""
    with site.database.reading() as session:
        (before,) = sessions.sessions_of(session, anna)
    spent: list[float] = []
    site.database.observe_quick(spent.append)
    with sent(site.database.engine) as statements:
        opened.ask()
    assert (len(spent), list(statements)) == (1, [])
    with site.database.reading() as session:
        (after,) = sessions.sessions_of(session, anna)
    assert (after.last_seen_at, after.expires_at) == (before.last_seen_at, before.expires_at)


def test_the_parts_of_an_open_page_take_no_message_away(site: Site, opened: OpenPage, anna: int) -> None:
    """What was done is said on the page that follows, whatever open page asks for its parts in between."""
    bo = person(site.database, "bo")
    meeting.ask(site.database, bo, anna)
    assert opened.visitor.post(f"/requests/{bo}/decline").status == 303
    assert opened.visitor.get("/requests/", HX_Target="live").told == []
    assert opened.visitor.get("/requests/").told == ["You have declined. They may ask again."]
