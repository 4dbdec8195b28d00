"""The first hour in a real browser, on a phone's screen: from the link in a message to the cards on the phone."""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from sync.database import accounts
from sync.database.engine import Database, Session
from sync.meeting import invitation_links
from sync.sign_in import credentials
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support import dav, newcomers
from tests.support.chromium import NARROW, PortalServer
from tests.support.hands import Hand, Looks
from tests.support.pictures import portrait

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1"
NAME, NUMBER = "王芳", "+86 139 0000 1111"


@pytest.fixture
def database(cast: Cast) -> Iterator[Database]:
    """Yield the database of the server."""
    database = Database(cast.url)
    yield database
    database.dispose()


@pytest.fixture
def link(database: Database, cast: Cast, server: PortalServer) -> str:
    """Return the link that Bo sends his mother."""

    def make(session: Session) -> str:
        link_id = invitation_links.create(session, cast.ids["bo"], label="Mama", at_once=True, uses=1)
        return invitation_links.token_for(session, cast.ids["bo"], link_id)

    return f"{server.url}/.web/join?token={database.write(make)}"


def downloaded(hand: Hand) -> dict[str, str]:
    """Download the profile, and return what an iPhone learns from it."""
    with hand.page.expect_download() as download:
        hand.tap(hand.page.locator("form[action$='/devices/profile'] button"))
    (account,) = plistlib.loads(Path(download.value.path()).read_bytes())["PayloadContent"]
    return {"login": account["CardDAVUsername"], "password": account["CardDAVPassword"]}


def cards(server: PortalServer, login: str, password: str) -> list[str]:
    """Return the texts of the cards that a phone gets."""
    with dav.http(server.url) as connection:
        phone = dav.Replica(dav.Client(connection, login, password))
        phone.sync()
        return [dav.unfolded(card.text or "") for card in phone.cards.values()]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_mother_invited_by_her_son_has_her_cards_after_5_taps_and_3_typed_fields(
    chromium: Browser, server: PortalServer, cast: Cast, database: Database, link: str, locale: str
) -> None:
    """At most 8 and 3 are allowed from the link to the phone; so 3 taps are left for what the phone itself asks."""
    options = {"locale": locale, "viewport": NARROW, "has_touch": True, "user_agent": IPHONE}
    with browsers.opened(chromium, server, **options) as page:
        hand, looks = Hand(page), Looks(page, f"first-hour-{locale}")
        hand.open(link)
        looks.at("1-about")
        hand.type("name", NAME)
        hand.type("number", NUMBER)
        hand.tap(page.locator("main button.big"))
        expect(page.locator("article.vcard")).to_contain_text(NUMBER)
        looks.at("2-access")
        expect(page.locator("main [name=login]")).to_have_value("wangfang")
        hand.type("password", PASSWORD)
        hand.tap(page.locator("main button.big"))
        expect(page).to_have_url(f"{server.url}/.web/devices/new/iphone")
        expect(page.locator("main .told").first).to_contain_text("陈博 Chen Bo")
        expect(page.locator("img.code")).to_have_count(0)
        looks.at("3-iphone")
        hand.tap(page.locator("main button.big"))
        phone = downloaded(hand)
        waiting = page.locator("section.wait")
        expect(waiting.locator(".ring.go")).to_be_visible()
        looks.at("4-waiting")

        mine = cards(server, **phone)
        # The page is not touched again.
        expect(waiting.locator(".ring.ok")).to_be_visible()
        expect(waiting.locator("h2")).to_contain_text({"en-US": "is connected", "zh-CN": "已连接"}[locale])
        expect(waiting).to_contain_text({"en-US": "2 cards", "zh-CN": "2 张名片"}[locale])
        assert len(mine) == 2
        looks.at("5-connected")
        assert (hand.taps, hand.typed) == (5, 3)

        page.goto(link)
        expect(page.locator("main .told").first).to_contain_text("陈博 Chen Bo")
        expect(page).to_have_url(f"{server.url}/.web/people/{cast.ids['bo']}")
        page.goto("./")
        looks.at("6-home")
        assert looks.wrong == []

    bo = cast.ids["bo"]
    _id, password = database.write(lambda session: credentials.add_device(session, bo, "Bo's phone"))
    (hers,) = [card for card in cards(server, "bo", password) if f"FN:{NAME}" in card]
    assert NUMBER in hers
    with database.reading() as session:
        assert accounts.find(session, "wangfang")


def test_a_mother_without_scripts_has_her_cards_after_6_taps_and_3_typed_fields(
    chromium: Browser, server: PortalServer, link: str
) -> None:
    """In Chinese; looking whether her phone is there is a tap, too."""
    options = {"java_script_enabled": False, "viewport": NARROW, "user_agent": IPHONE, "locale": "zh-CN"}
    with browsers.opened(chromium, server, **options) as page:
        hand = Hand(page)
        hand.open(link)
        hand.type("name", NAME)
        hand.type("number", NUMBER)
        hand.tap(page.locator("main button.big"))
        expect(page.locator("article.vcard")).to_contain_text(NUMBER)
        hand.type("password", PASSWORD)
        hand.tap(page.locator("main button.big"))
        hand.tap(page.locator("main button.big"))
        phone = downloaded(hand)
        with page.expect_popup() as opened:
            hand.tap(page.get_by_role("link", name="查看是否已连接"))
        waits = opened.value
        expect(waits.locator(".ring.go")).to_be_visible()
        assert len(cards(server, **phone)) == 2
        while not waits.locator(".ring.ok").count():
            waits.get_by_role("link", name="再次查看").click()
        expect(waits.locator("h2").first).to_contain_text("已连接")
        assert (hand.taps, hand.typed) == (6, 3)
        expect(page.locator("#secret")).to_have_count(1)


def test_the_other_pages_of_the_first_hour(chromium: Browser, server: PortalServer, cast: Cast) -> None:
    """Forgetting a password, signing up without having been invited, and the first photo."""
    for locale in ("en-US", "zh-CN"):
        with browsers.opened(chromium, server, locale=locale, viewport=NARROW) as page:
            looks = Looks(page, f"first-hour-{locale}")
            page.goto("sign-up")
            looks.at("7-sign-up")
            page.goto("forgotten")
            looks.at("8-forgotten")
            page.locator("main [name=name]").fill("bo")
            page.locator("main button.big").click()
            expect(page.locator("main .told")).to_be_visible()
            looks.at("9-asked")
            page.goto("sign-up")
            newcomers.sign_up(page, f"cleo-{locale[:2]}", PASSWORD)
            page.locator("nav.nav").wait_for()
            page.goto("card/photo")
            looks.at("10-photo")
            file = FilePayload(name="me.jpg", mimeType="image/jpeg", buffer=portrait(1))
            page.locator("input[type=file]").set_input_files(file)
            page.locator("main form .acts .btn").first.click()
            page.locator("main .told form").wait_for()
            looks.at("11-photo-shown")
            page.locator("main .told form button").click()
            expect(page.locator("main .told form")).to_have_count(0)
            expect(page.locator("main .told")).to_have_count(1)
            assert looks.wrong == []
