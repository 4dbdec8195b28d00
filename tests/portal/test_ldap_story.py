"""In a browser: the password of a club's directory opens the portal, its group invites, and who is gone is out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from radicale_plugin import settings
from radicale_plugin.option_values import values_of
from sync.database.engine import Database
from sync.ldap import looking
from sync.ldap.client import Client
from sync.organisations import organisations
from sync.settings import Settings
from tests.portal.conftest import Cast
from tests.support import chromium as browsers
from tests.support import slapd
from tests.support.chromium import NARROW, PortalServer
from tests.support.forms import MAILING
from tests.support.slapd import BASE, PASSWORD, Slapd

LOGIN, NUMBER = "ling.wang", "+49 30 5555 0101"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Slapd]:
    """Yield a directory with Ling and Wei in it, of whom Ling plays chess."""
    with slapd.running(tmp_path) as made:
        made.add(LOGIN, displayName="Ling Wang", telephoneNumber=NUMBER)
        made.add("wei")
        made.group("chess", LOGIN)
        yield made


@pytest.fixture
def options(directory: Slapd) -> dict[str, str]:
    """Return the options of a server whose people sign in by it."""
    group = f"Chess Club = (memberOf=cn=chess,{BASE})"
    fields = "name=displayName, office-phone=telephoneNumber"
    return directory.options(sign_up="True", fields=fields, organisations=group)


@pytest.fixture
def database(cast: Cast, options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Yield the database of the server, as the server's worker has it."""
    for name, value in options.items():
        monkeypatch.setenv(f"EVERCARD_{name.upper()}", value)
    database = Database(cast.url, Settings(ldap=settings.ldap_of(values_of(settings.load(None)))))
    database.write(lambda session: organisations.create(session, "Chess Club", []))
    yield database
    database.dispose()


def sign_in(page: Page, password: str) -> None:
    """Type the login and a password, and send them."""
    page.goto("sign-in")
    page.locator("input[name=login]").fill(LOGIN)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button.big").click()


def look(database: Database) -> None:
    """Do what the worker does each hour."""
    looking.look(database, Client(database.settings.ldap))


def test_who_comes_by_the_directory_has_a_card_is_invited_and_is_out_when_they_are_gone(
    chromium: Browser, cast: Cast, directory: Slapd, database: Database, options: dict[str, str], tmp_path: Path
) -> None:
    with (
        PortalServer(cast.url, tmp_path, options={**MAILING, **options}) as server,
        browsers.opened(chromium, server, viewport=NARROW) as page,
    ):
        sign_in(page, "not that password")
        expect(page.locator("main")).to_contain_text("Your login and password of Club work here, too.")
        expect(page.locator("nav.nav")).to_have_count(0)
        sign_in(page, PASSWORD)
        expect(page.locator("nav.nav")).to_be_visible()
        page.goto("card/")
        expect(page.locator("main")).to_contain_text("Ling Wang")
        expect(page.locator("main")).to_contain_text("From your organisation: it is changed there")
        look(database)
        page.goto("")
        expect(page.locator("main")).to_contain_text("Chess Club invites you to join.")
        page.goto("organisations/")
        page.get_by_role("link", name="Look and join").click()
        page.locator("main form button.btn").last.click()
        expect(page.locator("main")).to_contain_text("You are a member now.")
        directory.group("chess", "wei")
        look(database)
        page.goto("organisations/")
        expect(page.locator("main")).to_contain_text("You are in no organisation")
        page.goto("settings/administrators")
        expect(page.locator("main")).to_contain_text("Removed from an organisation")
        directory.remove(LOGIN)
        look(database)
        page.goto("card/")
        expect(page.locator("input[name=password]")).to_be_visible()
        sign_in(page, PASSWORD)
        expect(page.locator("nav.nav")).to_have_count(0)
