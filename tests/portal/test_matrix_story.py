"""
The example that Evercard was built after, on a phone in a real browser, with the presses counted.

Anna shows her father, a friend from the net and a colleague each something else of her card, and all three phones get
just that. Ivy makes three of the five people whom she knows public, and Anna sees what two of them let strangers see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from sync.database.engine import Database, Session
from sync.sharing import grants, groups
from sync.sharing.visibility import GROUP, grants_of
from sync.sign_in import credentials
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support import dav
from tests.support.chromium import NARROW, PortalServer
from tests.support.hands import READERS, Hand, Looks, words

MOBILE, OFFICE, BANK = "+86 138 0013 8000", "+86 10 5555 0121", "6222 0000 0000 0138"
QQ, MAILBOX_Y, MAILBOX_Z = "10001234", "anna@y.example", "anna@z.example"
#: Who of Anna's people is in which group, and what that is to see.
MATRIX = {
    "bo": ("family", {MOBILE, BANK, OFFICE}),
    "chiara": ("net friends", {QQ, MAILBOX_Y}),
    "david": ("colleagues", {MOBILE, MAILBOX_Z}),
}
EVERYTHING = {MOBILE, OFFICE, BANK, QQ, MAILBOX_Y, MAILBOX_Z}


@pytest.fixture
def database(cast: Cast) -> Iterator[Database]:
    """Yield the database of the server, in which Anna's groups have their people and see nothing yet."""
    database = Database(cast.url)
    anna = cast.ids["anna"]

    def take_back(session: Session) -> None:
        given = grants_of(session, anna).by_group
        for group in groups.groups_of(session, anna):
            if group.kind == GROUP:
                grants.take_back(session, anna, group.id, sorted(given.get(group.id, ())))

    database.write(take_back)
    yield database
    database.dispose()


@pytest.fixture
def phones(database: Database, server: PortalServer, cast: Cast) -> Callable[[str], set[str]]:
    """Return what tells which of `EVERYTHING` somebody's phone has of Anna, after it synchronised."""
    passwords = {
        login: database.write(lambda session, it=login: credentials.add_device(session, cast.ids[it], "Phone")[1])  # type: ignore[misc]
        for login in MATRIX
    }
    replicas: dict[str, dav.Replica] = {}

    def has(login: str) -> set[str]:
        with dav.http(server.url) as connection:
            client = dav.Client(connection, login, passwords[login])
            phone = replicas.setdefault(login, dav.Replica(client))
            phone.client = client
            phone.sync()
        (card,) = (text for each in phone.cards.values() if "陈安娜" in (text := dav.unfolded(each.text or "")))
        return {value for value in EVERYTHING if value in card}

    return has


def sign_in(page: Page, login: str) -> None:
    page.goto("sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.locator("nav.nav").wait_for()


def tick(page: Page, hand: Hand, group: str, values: set[str]) -> None:
    """Go to a group of the matrix, which is alone in sight then, and tick what it is to see."""
    hand.tap(page.locator("nav.strip").get_by_role("link", name=group))
    column = page.get_by_role("group", name=group)
    expect(column.locator(".top")).to_be_in_viewport(ratio=0.9)
    for value in sorted(values):
        hand.tap(column.locator("label").filter(has_text=value))


@READERS
def test_three_groups_see_each_something_else_after_13_taps(
    chromium: Browser, server: PortalServer, phones: Callable[[str], set[str]], locale: str, *, script: bool
) -> None:
    assert [phones(login) for login in MATRIX] == [set(), set(), set()]
    say = words(locale)
    options = {"locale": locale, "viewport": NARROW, "has_touch": True, "java_script_enabled": script}
    with browsers.opened(chromium, server, **options) as page:
        sign_in(page, "anna")
        hand, looks = Hand(page), Looks(page, f"matrix-{locale}")
        hand.tap(page.locator("nav.nav").get_by_role("link", name=say("My card")))
        hand.tap(page.locator("nav.segment").get_by_role("link", name=say("Who sees what")))
        for group, values in MATRIX.values():
            tick(page, hand, group, values)
        looks.at("ticked")
        hand.tap(page.locator("#matrix").get_by_role("button", name=say("Save"), exact=True))
        expect(page.locator("#told")).to_contain_text(say("Saved. From now on everybody gets just what is ticked."))
        assert (hand.taps, looks.wrong) == (13, [])
    assert {login: phones(login) for login in MATRIX} == {login: values for login, (_, values) in MATRIX.items()}


@READERS
def test_public_friends_are_made_with_5_taps_and_looked_at_with_4(
    chromium: Browser, server: PortalServer, locale: str, *, script: bool
) -> None:
    say = words(locale)
    options = {"locale": locale, "viewport": NARROW, "has_touch": True, "java_script_enabled": script}
    with browsers.opened(chromium, server, **options) as page:
        sign_in(page, "ivy")
        hand = Hand(page)
        hand.tap(page.locator("nav.nav").get_by_role("link", name=say("People")))
        hand.tap(page.get_by_role("main").get_by_role("link", name=say("Public friends")))
        for name in ("陈博 Chen Bo", "大卫·穆勒 David Müller", "Emil Lindqvist"):
            row = page.locator("li.row").filter(has_text=name)
            hand.tap(row.get_by_role("button"))
            expect(row.locator(".state")).to_contain_text(say("Public"))
        assert hand.taps == 5
    with browsers.opened(chromium, server, **options) as page:
        sign_in(page, "anna")
        hand, looks = Hand(page), Looks(page, f"public-friends-{locale}")
        hand.tap(page.locator("nav.nav").get_by_role("link", name=say("People")))
        hand.tap(page.get_by_role("link", name="王艾薇 Ivy Wang").first)
        hand.tap(page.locator("header.bar details.menu summary"))
        hand.tap(page.get_by_role("link", name=say("Whom they know")))
        main = page.get_by_role("main")
        for shown in ("陈博 Chen Bo", "+86 139 0013 9000", "大卫·穆勒 David Müller", "+49 30 5555 0190"):
            expect(main).to_contain_text(shown)
        for hidden in ("Emil", "+46 70 555", "chenbo@mail.example", "Typesetter"):
            expect(main).not_to_contain_text(hidden)
        looks.at("seen")
        assert (hand.taps, looks.wrong) == (4, [])
