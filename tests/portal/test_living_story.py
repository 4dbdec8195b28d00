"""
What a living address book does, on two phones in a real browser and in both languages, each from its page to its end.

Bo doubts a number, and Anna says that it is right. She lets something end by itself and keeps it, takes her birthdays
along as a calendar, shows her groups on a phone, and makes two of her contacts one and two again.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Browser, Page, expect

from sync.database.engine import Database
from sync.sign_in import credentials
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer
from tests.support.factories import put, vcard
from tests.support.hands import READERS, Window

NUMBER = "TEL:+86 139 0013 9001"


@pytest.fixture
def prepared(cast: Cast) -> None:
    """Let Anna have a phone, and a contact twice."""
    database, anna = Database(cast.url), cast.ids["anna"]
    database.write(lambda session: credentials.add_device(session, anna, "Pixel"))
    put(database, anna, "zoe.vcf", vcard("zoe", NUMBER, "BDAY:1990-07-01", name="Zoe Zhang"))
    put(database, anna, "zz.vcf", vcard("zz", NUMBER, "EMAIL:zoe@example.org", name="Zoe Z"))
    database.dispose()


@pytest.mark.usefixtures("prepared")
@READERS
def test_what_a_living_address_book_does_is_done_and_undone_in_a_browser(
    chromium: Browser, server: PortalServer, cast: Cast, locale: str, *, script: bool
) -> None:
    def opened() -> AbstractContextManager[Page]:
        options = {"locale": locale, "viewport": NARROW, "has_touch": True, "java_script_enabled": script}
        return browsers.opened(chromium, server, **options)

    with opened() as one, opened() as other:
        anna, bo = (Window(page, login, PASSWORD, locale, "living") for page, login in ((one, "anna"), (other, "bo")))
        doubted(anna, bo, cast)
        let_end(anna)
        taken_along(anna)
        shown_on_a_phone(anna)
        made_one(anna)


def doubted(anna: Window, bo: Window, cast: Cast) -> None:
    """Bo says of a field that it is not right any more, and Anna that it is."""
    bo.page.goto(f"doubts/of/{cast.ids['anna']}")
    bo.look("card")
    bo.press("Not right any more")
    bo.is_told("They are told that you say so. Nothing else changes.")
    bo.page.goto(f"doubts/of/{cast.ids['anna']}")
    bo.sees("You said so.")
    anna.page.goto("doubts/")
    anna.reads("陈博 Chen Bo")
    anna.look("doubted")
    anna.press("It is right")
    anna.is_told("It stays as it is. Nobody is told what you decided.")
    anna.sees("Nobody doubts anything on your card.")


def let_end(anna: Window) -> None:
    """Something of Anna's ends by itself, until she keeps it."""
    anna.page.goto("ends/")
    anna.page.locator("main select[name=what]").select_option(index=1)
    anna.page.locator("main input[name=day]").fill("2031-05-20")
    anna.press("Let it end then")
    anna.is_told("Saved. It ends by itself; a day before, you are asked once.")
    anna.look("ends")
    anna.press("Keep it for good")
    anna.is_told("It is kept, without an end.")
    anna.sees("Nothing that you share has an end.")


def taken_along(anna: Window) -> None:
    """Anna's birthdays, with those of her own contacts, are a calendar until she ends it."""
    anna.page.goto("calendars/")
    anna.page.locator("main input[name=with_private]").check()
    anna.press("Make an address for it")
    address = anna.page.locator("#address").input_value()
    anna.look("calendar")
    assert "19900701" in anna.page.request.get(address).text()
    anna.link("To the list of calendars")
    anna.sees("with your own contacts")
    anna.press("End")
    anna.is_told("The calendar is ended: its address opens nothing any more.")
    assert anna.page.request.get(address).status == 404


def shown_on_a_phone(anna: Window) -> None:
    """A phone shows Anna's groups."""
    anna.page.goto("devices/")
    link = anna.page.get_by_role("link", name=f"{anna.say('Show your groups there')} Pixel")
    anna.hand.tap(link)
    anna.page.locator("main input[name=shown][value=lists]").check()
    anna.look("lists")
    anna.press("Save")
    anna.is_told("That is what the device shows when it looks next.")
    anna.page.goto("devices/")
    expect(anna.page.get_by_role("link", name=f"{anna.say('Shows your groups')} Pixel")).to_be_visible()


def made_one(anna: Window) -> None:
    """Two contacts are made one, and two again."""
    anna.page.goto("contacts/twice/")
    anna.hand.tap(anna.page.get_by_role("link", name="Zoe Z").first)
    anna.reads("zoe@example.org")
    anna.look("compared")
    anna.press("Make them one")
    anna.is_told("They are one contact now. For 30 days you can take them apart again.")
    anna.page.goto("contacts/twice/done")
    anna.look("one")
    anna.press("Take apart")
    anna.is_told("They are two contacts again. What you changed since stays.")
    anna.page.goto("contacts/twice/")
    expect(anna.page.get_by_role("link", name="Zoe Z").first).to_be_visible()
