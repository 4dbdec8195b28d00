"""The story of a phone: signed up, set up by the profile in a real browser, shut out; and of somebody who leaves."""

from __future__ import annotations

import plistlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from sync.accounts import addresses, preference_changes
from sync.database import accounts
from sync.database.engine import Database
from sync.sharing import connections
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support import dav, newcomers
from tests.support.chromium import NARROW, PortalServer

#: What a phone exports: somebody who is here, somebody who is not, and a card that no program can read.
PHONE = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dora from school\r\nTEL:+1 202 555 0188\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dentist\r\nTEL:+1 202 555 0189\r\nEND:VCARD\r\n"
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Broken\r\nno colon\r\nEND:VCARD\r\n"
)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Yield what closes the connections of the phones."""
    with ExitStack() as stack:
        yield stack


def sign_up(page: Page, login: str) -> None:
    page.goto("sign-up")
    newcomers.sign_up(page, login, PASSWORD, name="Cleo")
    page.locator("nav.nav").wait_for()


def sign_in(page: Page, login: str) -> None:
    page.goto("sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.locator("nav.nav").wait_for()


def set_up(page: Page, client: str) -> None:
    """Go from the list to the page with the password."""
    page.goto("devices/")
    page.locator(f"a[href$='/devices/new/{client}']").click()
    page.locator("main form button").first.click()
    page.locator("#secret").wait_for(state="attached")


def downloaded(page: Page) -> dict[str, Any]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the profile").click()
    (account,) = plistlib.loads(Path(download.value.path()).read_bytes())["PayloadContent"]
    assert download.value.suggested_filename.endswith(".mobileconfig")
    found: dict[str, Any] = account
    return found


def connect(cast: Cast, login: str, other: str) -> None:
    database = Database(cast.url)
    database.write(lambda session: connections.connect(session, accounts.find(session, login), cast.ids[other]))
    database.dispose()


def prove(cast: Cast, login: str, number: str) -> None:
    database = Database(cast.url)
    account_id = database.write(lambda session: accounts.find(session, login))
    database.write(lambda session: addresses.add(session, account_id, addresses.SMS, number))
    database.write(lambda session: preference_changes.decide_about_number(session, account_id, found=True))
    database.dispose()


def phone_of(stack: ExitStack, account: dict[str, Any]) -> dav.Replica:
    """Return a phone that knows nothing but what stands in the profile."""
    scheme = "https" if account["CardDAVUseSSL"] else "http"
    server = stack.enter_context(dav.http(f"{scheme}://{account['CardDAVHostName']}:{account['CardDAVPort']}"))
    client = dav.Client(server, account["CardDAVUsername"], account["CardDAVPassword"])
    home = "{urn:ietf:params:xml:ns:carddav}addressbook-home-set"
    found = client.propfind(account["CardDAVPrincipalURL"], (home,), depth="0")[account["CardDAVPrincipalURL"]]
    assert found.properties[home][0].text == account["CardDAVPrincipalURL"]
    return dav.Replica(client)


def ask_contacts(page: Page, look: Callable[[Page, str], None]) -> None:
    """Take the contacts of a phone over, and ask who of them is here."""
    page.goto("settings/contacts")
    file = FilePayload(name="phone.vcf", mimeType="text/vcard", buffer=PHONE)
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Take them over").click()
    page.locator("[role=status]").first.wait_for()
    look(page, "imported")
    page.get_by_label("Dora from school").check()
    page.get_by_role("button", name="Ask those who are ticked").click()
    page.locator("[role=status]").first.wait_for()
    expect(page.locator("main")).to_contain_text("You have asked 1 person.")


def test_a_phone_from_signing_up_to_leaving(
    chromium: Browser, server: PortalServer, cast: Cast, stack: ExitStack
) -> None:
    wrong: list[str] = []

    def look(page: Page, name: str) -> None:
        browsers.picture(page, f"setting-up-{name}")
        wrong.extend(f"{name}: {line}" for line in browsers.look(page))

    with browsers.opened(chromium, server, viewport=NARROW, has_touch=True) as page:
        sign_up(page, "cleo")
        set_up(page, "iphone")
        look(page, "iphone")
        cleo = phone_of(stack, downloaded(page))
        cleo.sync()
        assert [name for card in cleo.cards.values() for name, _ in dav.contents(card) if name == "FN"] == ["FN"]

        connect(cast, "cleo", "bo")
        for login, number in (("david", "+12025550188"), ("cleo", "+12025550189")):
            prove(cast, login, number)
        cleo.sync()
        assert len(cleo.cards) == 2

        # What a device was given is noted at once, and written down within a second or so.
        for _ in range(40):
            page.goto("devices/")
            if page.locator("ul.list .good").count():
                break
            page.wait_for_timeout(250)
        look(page, "devices")
        expect(page.locator("ul.list .good")).to_have_count(1)
        page.get_by_role("button", name="Shut out").click()
        page.locator("[role=status]").first.wait_for()
        assert cleo.client.request("PROPFIND", cleo.client.book).status == 401

        for client in ("android", "thunderbird"):
            set_up(page, client)
            look(page, client)

    with browsers.opened(chromium, server, locale="zh-CN", color_scheme="dark") as page:
        sign_in(page, "bo")
        set_up(page, "other")
        look(page, "other")
        bo_s_connections = stack.enter_context(dav.http(server.url))
        bo = dav.Replica(dav.Client(bo_s_connections, "bo", page.locator("#secret").input_value()))
        bo.sync()
        before = len(bo.cards)

    with browsers.opened(chromium, server) as page:
        sign_in(page, "cleo")
        ask_contacts(page, look)
        page.goto("settings/leave")
        look(page, "leave")
        page.locator("input[type=password]").fill(PASSWORD)
        page.get_by_role("button", name="Delete my account for good").click()
        page.locator("[role=status]").first.wait_for()
        look(page, "left")
    bo.sync()
    assert len(bo.cards) == before - 1
    assert wrong == []
