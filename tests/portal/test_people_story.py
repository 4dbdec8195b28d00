"""Anna sorts the people she knows in a real browser, on a phone and by keyboard, and Chiara's phone follows."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sync.database.engine import Database
from sync.sign_in import credentials
from tests.portal import keepsakes, walk
from tests.portal.conftest import Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer
from tests.support.factories import href_of
from tests.support.hands import SCRIPTS

BANK, QQ = "6222 0000 0000 0138", "10001234"


class Phone:
    """Chiara's phone, which has Anna's card."""

    def __init__(self, server: PortalServer, cast: Cast) -> None:
        """Give it a password, and let it know where Anna's entry is."""
        database = Database(cast.url)
        chiara = cast.ids["chiara"]
        self.password = database.write(lambda session: credentials.add_device(session, chiara, "Phone")[1])
        database.write(lambda session: keepsakes.made(session, cast.ids))
        self.url = f"{server.url}/chiara/contacts/{href_of(database, chiara, cast.ids[walk.WHO])}"
        database.dispose()

    def ask(self) -> httpx.Response:
        """Fetch Anna's card."""
        return httpx.get(self.url, auth=("chiara", self.password))


@pytest.fixture
def phone(server: PortalServer, cast: Cast) -> Phone:
    """Return Chiara's phone."""
    return Phone(server, cast)


def look(page: Page, name: str) -> None:
    if browsers.has_scripts(page):
        browsers.picture(page, name)
    assert browsers.look(page) == []


def make_group(page: Page) -> None:
    """Make a group, put two people into it, and one of them into another: by the keyboard alone."""
    page.goto("groups/")
    page.get_by_label("Name of the group").press_sequentially("Chess club")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Chess club")).to_be_visible()
    page.get_by_role("link", name="Add people").press("Enter")
    page.get_by_label("Chiara Rossi").press("Space")
    page.get_by_label("Emil Lindqvist").press("Space")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.get_by_role("status").first).to_have_text("2 people are added.")
    look(page, "people-story-group")
    page.get_by_role("link", name="Chiara Rossi").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chiara Rossi")


def sort(page: Page, name: str, *, shown: bool) -> None:
    """Put Chiara into a group or take her out, and see at once what that means."""
    page.get_by_label(name).set_checked(shown)
    page.get_by_role("region", name="In your groups").get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    sees = page.get_by_role("region", name="What they see of you")
    expect(sees).to_contain_text(BANK) if shown else expect(sees).not_to_contain_text(BANK)


def part(page: Page) -> None:
    """Leave Chiara, and keep what there is of her."""
    page.get_by_label("More about Chiara Rossi").click()
    look(page, "people-story-menu")
    page.get_by_role("link", name="Disconnect").click()
    look(page, "people-story-disconnect")
    expect(page.get_by_label("Keep their card")).to_be_checked()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status").first).to_contain_text("kept as a contact of your own")
    expect(page.get_by_role("main")).not_to_contain_text("Chiara")


def make_one(page: Page) -> None:
    """Make the contact Papa one with the card of Anna's father, and take the two apart again."""
    page.get_by_role("link", name="Contacts that are there twice").click()
    page.get_by_role("button", name="Make them one").click()
    expect(page.get_by_role("status").first).to_contain_text("They are one card now.")
    page.get_by_role("link", name="2 contacts were made one with a card").click()
    look(page, "people-story-linked")
    page.get_by_role("button", name="Take apart Papa").click()
    expect(page.get_by_role("status").first).to_contain_text("They are two again")
    expect(page.get_by_role("main")).not_to_contain_text("Papa")


@SCRIPTS
def test_anna_sorts_people_and_chiaras_phone_follows(
    chromium: Browser, server: PortalServer, phone: Phone, cast: Cast, *, script: bool
) -> None:
    assert QQ in phone.ask().text
    with browsers.opened(chromium, server, java_script_enabled=script) as page:
        sign_in(page)
        make_group(page)
        sort(page, "family", shown=True)
        assert BANK in phone.ask().text
        look(page, "people-story-person")
    options = {"viewport": NARROW, "has_touch": True, "java_script_enabled": script}
    with browsers.opened(chromium, server, **options) as page:
        sign_in(page)
        page.goto(f"people/{cast.ids['chiara']}")
        sort(page, "family", shown=False)
        assert BANK not in phone.ask().text
        assert QQ in phone.ask().text
        part(page)
        assert phone.ask().status_code == 404
        make_one(page)
