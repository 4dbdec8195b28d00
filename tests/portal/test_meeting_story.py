"""How people come together, in a real browser, with a mail server that gets real letters from the worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sync.accounts import addresses, preference_changes
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.sign_in import credentials
from tests.portal import strangers
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support import newcomers
from tests.support.chromium import NARROW, PortalServer, comes_true
from tests.support.factories import served
from tests.support.hands import SCRIPTS
from tests.support.letters import Mailbox, mail_server
from tests.support.meeting import are_connected
from tests.support.server import PATIENCE


class Stage:
    """A server that sends e-mail, the demo's people, and Gerda and Hugo, whom Chiara does not know."""

    def __init__(self, chromium: Browser, server: PortalServer, database: Database, mailbox: Mailbox) -> None:
        """Remember them."""
        self.chromium, self.server, self.database, self.mailbox = chromium, server, database, mailbox
        self.has_scripts = True

    def window(self, **options: object) -> AbstractContextManager[Page]:
        """Open a browser of somebody's own."""
        return browsers.opened(self.chromium, self.server, java_script_enabled=self.has_scripts, **options)

    def id(self, login: str) -> int:
        """Return who has a login."""
        with self.database.reading() as session:
            return accounts.find(session, login)

    def connected(self, one: str, other: str) -> bool:
        """Whether two people are connected, and so have each other's card on their phones."""
        ids = self.id(one), self.id(other)
        found = are_connected(self.database, *ids)
        if found:
            assert all(served(self.database, *pair) is not None for pair in (ids, ids[::-1]))
        return found

    def letter(self, number: int, purpose: str) -> str:
        """Wait for a letter, counted from 1, and return the link in it."""
        deadline = time.monotonic() + PATIENCE
        while len(self.mailbox.letters) < number:
            assert time.monotonic() < deadline, self.server.log.read_text()
            time.sleep(0.1)
        return self.mailbox.link(purpose)


@pytest.fixture
def stage(chromium: Browser, cast: Cast, tmp_path: Path) -> Iterator[Stage]:
    """Yield the stage."""
    database = Database(cast.url)
    hashed = credentials.hash_password(PASSWORD)

    def fill(session: Session) -> None:
        for login in ("gerda", "hugo"):
            credentials.set_password_hash(session, strangers.stranger(session, login), hashed)
            addresses.add(session, accounts.find(session, login), "email", f"{login}@example.org")
        addresses.add(session, cast.ids["chiara"], "email", "chiara@example.org")

    database.write(fill)
    with mail_server() as mailbox:
        options = {"smtp_host": "127.0.0.1", "smtp_port": str(mailbox.port), "smtp_security": "none"}
        with PortalServer(cast.url, tmp_path, options={**options, "mail_from": "cards@example.org"}) as server:
            yield Stage(chromium, server, database, mailbox)
            assert "Traceback" not in server.log.read_text()
    database.dispose()


def sign_in(page: Page, login: str, *, go: bool = True) -> None:
    if go:
        page.goto("sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.locator("nav.nav").wait_for()


def search(page: Page, text: str) -> None:
    page.goto("find/")
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("button", name="Search").click()


def tells(page: Page, said: str) -> None:
    expect(page.locator("main .told")).to_contain_text(said)


def show(page: Page, name: str) -> None:
    """Keep a picture of a page, on which nothing is wrong."""
    if browsers.has_scripts(page):
        browsers.picture(page, f"meeting-{name}")
    assert browsers.look(page) == []


@SCRIPTS
def test_people_come_together(stage: Stage, *, script: bool) -> None:
    stage.has_scripts = script
    with stage.window() as page:
        sign_in(page, "chiara")
        _by_a_question(stage, page)
        _by_mail(stage, page)
        _by_an_invitation(stage, page)
        _by_a_link(stage, page)


def _by_a_question(stage: Stage, page: Page) -> None:
    gerda = stage.id("gerda")
    stage.database.write(
        lambda session: preference_changes.set_question(session, gerda, strangers.QUESTION, strangers.ANSWER)
    )
    search(page, strangers.NAME)
    page.get_by_role("heading", name="Gerda Vogel").wait_for()
    show(page, "found")
    for answer, said in (("Lübeck", "That is not the answer."), (" ｋｉｅｌ", "That is right")):
        page.get_by_label(strangers.QUESTION).fill(answer)
        page.get_by_role("button", name="Answer").click()
        tells(page, said)
    assert stage.connected("chiara", "gerda")


def _by_mail(stage: Stage, page: Page) -> None:
    search(page, "hugo@example.org")
    page.get_by_text("Ask to be connected").click()
    page.get_by_label("Message, which you need not write").fill("We met on the ferry.")
    page.get_by_role("button", name="Send the request").click()
    tells(page, "You have asked.")
    link = stage.letter(1, "request")
    assert stage.mailbox.letters[-1]["To"] == "hugo@example.org"
    # A program that looks into e-mail for its user opens links, and decides nothing by that.
    assert httpx.get(link, trust_env=False).status_code == 200
    assert not stage.connected("chiara", "hugo")
    with stage.window(viewport=NARROW) as phone:
        phone.goto(link)
        expect(phone.get_by_role("main")).to_contain_text("We met on the ferry.")
        show(phone, "letter")
        phone.get_by_role("button", name="Confirm").click()
        tells(phone, "You are connected now.")
        phone.goto(link)
        expect(phone.locator("h1")).to_contain_text("does not work any more")
    assert stage.connected("chiara", "hugo")
    stage.letter(2, "unsubscribe")
    assert stage.mailbox.letters[-1]["To"] == "chiara@example.org"


def _by_an_invitation(stage: Stage, page: Page) -> None:
    page.goto("find/")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail address or phone number").fill("eve@example.org")
    page.get_by_label("Message").fill("Have my card!")
    show(page, "invite")
    page.get_by_role("button", name="Send the invitation").click()
    tells(page, "on its way")
    link = stage.letter(3, "invitation")
    with stage.window(viewport=NARROW, color_scheme="dark") as phone:
        phone.goto(link)
        expect(phone.locator("h1")).to_have_text("Chiara Rossi invites you")
        show(phone, "invitation")
        newcomers.sign_up(phone, "eve", PASSWORD, "Eve Ek")
        expect(phone.locator("main .told").first).to_have_text("You are connected with Chiara Rossi.")
    assert stage.connected("chiara", "eve")


def _by_a_link(stage: Stage, page: Page) -> None:
    page.goto("find/")
    page.get_by_role("link", name="My links and QR codes").click()
    page.get_by_label("What it is for").fill("Chess club")
    page.get_by_label("Connect at once, without asking me").check()
    show(page, "links")
    page.get_by_role("button", name="Make a link").click()
    comes_true(page.locator("img.qr"), "image => image.complete && image.naturalWidth > 100")
    show(page, "code")
    link = page.get_by_label("Address").input_value()
    with stage.window() as other:
        other.goto(link)
        other.get_by_role("main").get_by_role("link", name="Sign in").click()
        sign_in(other, "bo", go=False)
        assert not stage.connected("chiara", "bo")
        show(other, "join")
        other.get_by_role("button", name="Connect").click()
        tells(other, "You are connected with Chiara Rossi.")
    assert stage.connected("chiara", "bo")


@SCRIPTS
def test_public_friends_are_seen_as_strangers_see_them(stage: Stage, *, script: bool) -> None:
    """Ivy knows five and makes Bo, David and Emil public; Chiara sees what Bo and David show, and nothing of Emil."""
    stage.has_scripts = script
    with stage.window() as ivy:
        sign_in(ivy, "ivy")
        ivy.goto("friends/")
        for name in ("陈博 Chen Bo", "大卫·穆勒 David Müller", "Emil Lindqvist"):
            ivy.get_by_role("button", name=f"Make public {name}").click()
            tells(ivy, "can see now that you know")
        show(ivy, "make-public")
    with stage.window(viewport=NARROW) as chiara:
        sign_in(chiara, "chiara")
        chiara.goto("friends/")
        chiara.get_by_role("link", name="Whom they know 王艾薇 Ivy Wang").click()
        chiara.get_by_role("heading", name="大卫·穆勒 David Müller").wait_for()
        seen = chiara.locator("main").inner_text()
        for shown in ("陈博 Chen Bo", "+86 139 0013 9000", "Fishing", "+49 30 5555 0190"):
            assert shown in seen
        for hidden in ("Emil", "+46 70 555", "1957", "chenbo@mail.example", "Typesetter"):
            assert hidden not in seen
        chiara.get_by_text("Ask to be connected").first.click()
        show(chiara, "public-friends")
        chiara.get_by_role("button", name="Send the request").click()
        tells(chiara, "You have asked.")
