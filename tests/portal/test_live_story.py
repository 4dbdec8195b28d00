"""Pages that stay open, in a real browser: what others do is on them without anybody loading them anew."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from sync.accounts import addresses
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.sharing import grants, groups
from sync.sharing.visibility import CONNECTIONS, fields_of
from sync.sign_in import credentials
from tests.portal import strangers
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support import meeting
from tests.support.chromium import NARROW, PortalServer, comes_true
from tests.support.factories import field, group, person
from tests.support.waiting import until

#: Milliseconds after the page moved, before which what is pressed counts for nothing.
MOVED = 1_000


@pytest.fixture
def database(cast: Cast) -> Iterator[Database]:
    """Yield the demo's database, in which there is Hugo too, who sorts people into Family."""
    database = Database(cast.url)
    hashed = credentials.hash_password(PASSWORD)

    def fill(session: Session) -> None:
        hugo = strangers.stranger(session, "hugo")
        credentials.set_password_hash(session, hugo, hashed)
        addresses.add(session, hugo, "email", "hugo@example.org")

    database.write(fill)
    group(database, _id(database, "hugo"), "Family")
    yield database
    database.dispose()


def _id(database: Database, login: str) -> int:
    with database.reading() as session:
        return accounts.find(session, login)


def _sign_in(page: Page, login: str, path: str = "") -> None:
    page.goto("sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").click()
    page.locator("nav.nav").wait_for()
    page.goto(path)
    page.evaluate("window.isSame = true")


def _is_same(page: Page) -> None:
    """Claim that the page was not loaded anew."""
    comes_true(page, "() => window.isSame === true")


def _ask(page: Page, address: str, message: str) -> None:
    page.goto("find/")
    page.get_by_role("searchbox").fill(address)
    page.get_by_role("button", name="Search").click()
    page.get_by_text("Ask to be connected").click()
    page.get_by_label("Message, which you need not write").fill(message)
    page.get_by_role("button", name="Send the request").click()
    expect(page.locator("main .told")).to_contain_text("You have asked.")


@pytest.mark.usefixtures("cast")
def test_a_request_comes_to_an_open_page(chromium: Browser, server: PortalServer, database: Database) -> None:
    """Chiara asks Hugo, who has the page open: the badge and the request are there, and it is said, not shouted."""
    with browsers.opened(chromium, server) as hugo, browsers.opened(chromium, server, viewport=NARROW) as chiara:
        _sign_in(hugo, "hugo", "requests/")
        card = hugo.context.new_page()
        card.goto("card/")
        badge = hugo.locator("nav.nav .badge")
        expect(badge).to_be_hidden()
        _sign_in(chiara, "chiara")
        _ask(chiara, "hugo@example.org", "We met on the ferry.")
        expect(hugo.get_by_role("listitem").filter(has_text="We met on the ferry.")).to_be_visible()
        for page in (hugo, card):
            expect(page.locator("nav.nav .badge")).to_be_visible()
            expect(page.locator("nav.nav .badge")).to_have_text(re.compile(r"^1\s+requests$"))
            expect(page.get_by_role("status").filter(has_text="Somebody asks")).to_have_count(1)
        _is_same(hugo)
        assert browsers.look(hugo) == []
        browsers.picture(hugo, "live-request")
        _nothing_is_lost(database, hugo)
        hugo.get_by_role("button", name=re.compile("Confirm Chiara")).click()
        expect(hugo.locator("main .told")).to_contain_text("You are connected now.")
        expect(badge).to_have_text(re.compile(r"^1\s"))
        _what_is_over_is_said(hugo, card)


def _nothing_is_lost(database: Database, hugo: Page) -> None:
    """While Hugo decides where to put Chiara, somebody else asks: what he chose stays, and where he is."""
    hugo.wait_for_timeout(MOVED)
    row = hugo.get_by_role("listitem").filter(has_text="We met on the ferry.")
    box = row.get_by_role("checkbox", name="Family")
    box.check()
    box.focus()
    place = row.bounding_box()
    meeting.ask(database, _id(database, "bo"), _id(database, "hugo"), "From the lighthouse")
    shown = hugo.get_by_role("button", name="Show it")
    expect(shown).to_be_visible()
    expect(hugo.locator("nav.nav .badge")).to_have_text(re.compile(r"^2\s"))
    expect(hugo.get_by_text("From the lighthouse")).to_have_count(0)
    expect(box).to_be_focused()
    until(lambda: row.bounding_box() == place)
    assert browsers.look(hugo) == []
    browsers.picture(hugo, "live-something-new")
    shown.click()
    expect(hugo.get_by_text("From the lighthouse")).to_be_visible()
    expect(box).to_be_checked()
    _is_same(hugo)
    hugo.wait_for_timeout(MOVED)


def _what_is_over_is_said(hugo: Page, card: Page) -> None:
    """Signed out in one window, the other says so, and asks no more."""
    hugo.goto("settings/")
    hugo.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(card.get_by_text("You are not signed in here any more.").last).to_be_visible()
    assert browsers.look(card) == []
    asked: list[str] = []
    card.on("request", lambda request: asked.append(request.url))
    card.wait_for_timeout(8_000)
    assert asked == []


def test_what_changes_on_a_card_comes_to_open_activity(
    chromium: Browser, server: PortalServer, database: Database, cast: Cast
) -> None:
    """In the reader's language; and whoever does not see the field has a page on which nothing happens."""
    bo, phone = cast.ids["bo"], field(database, cast.ids["bo"], "mobile", "+86 139 7777 0001")

    def grant(session: Session) -> None:
        everybody = groups.find(session, bo, CONNECTIONS).id
        grants.grant(session, bo, everybody, [each.id for each in fields_of(session, bo) if each.id == phone])

    with browsers.opened(chromium, server, locale="zh-CN") as anna:
        _sign_in(anna, "anna", "activity/")
        person(database, "somebody")
        expect(anna.get_by_text("+86 139 7777 0001")).to_have_count(0)
        database.write(grant)
        expect(anna.get_by_text("+86 139 7777 0001")).to_be_visible()
        expect(anna.get_by_role("status").filter(has_text="有人更新了名片。")).to_have_count(1)
        _is_same(anna)
        assert browsers.look(anna) == []


def test_an_open_page_asks_less_and_less_and_a_hidden_one_never(chromium: Browser, server: PortalServer) -> None:
    with browsers.opened(chromium, server) as page:
        page.clock.install()
        _sign_in(page, "anna", "card/")
        asked: list[int] = []
        page.on("response", lambda answer: asked.append(answer.status) if "/live/" in answer.url else None)

        def seconds(count: int) -> int:
            before = len(asked)
            for _ in range(count):
                page.clock.run_for(1_000)
                page.evaluate("fetch('/.web/static/mark.svg')")
            return len(asked) - before

        assert 9 <= seconds(60) <= 14
        assert 7 <= seconds(150) <= 12
        page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        time.sleep(0.2)
        assert seconds(90) == 0
        page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert 1 <= seconds(2) <= 2
        assert set(asked) == {304}
