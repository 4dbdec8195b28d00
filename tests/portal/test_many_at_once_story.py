"""The secretary of a club of 80 brings everybody in by one pasted list, on a phone, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from sync.database import accounts
from sync.database.engine import Database
from sync.models import Errand, RateLimit
from sync.sharing import groups
from tests.portal.conftest import Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support import newcomers
from tests.support.chromium import NARROW, PortalServer
from tests.support.hands import READERS, Hand, Looks, words
from tests.support.letters import Mailbox, mail_server
from tests.support.letters import words as letter_words
from tests.support.server import PATIENCE

CLUB = "Lantern Chess Club 灯笼棋社"
MEMBERS = tuple(f"member{number}@example.org" for number in range(80))
A_DAY = 20


class Office:
    """The secretary's server, which sends e-mail to *mailbox*."""

    def __init__(self, server: PortalServer, database: Database, mailbox: Mailbox) -> None:
        """Remember them."""
        self.server, self.database, self.mailbox = server, database, mailbox

    def letters(self, number: int) -> list[str]:
        """Wait for so many letters, and return to whom they went."""
        self._wait(lambda: len(self.mailbox.letters) >= number)
        return [str(letter["To"]) for letter in self.mailbox.letters]

    def another_day(self, number: int) -> list[str]:
        """Let a day pass for the limits and for what waits, and return to whom there were letters after it."""
        self.database.write(lambda session: session.execute(update(RateLimit).values(full_at=0)))

        def carried_on() -> bool:
            self.database.write(lambda session: session.execute(update(Errand).values(due_at=0)))
            return len(self.mailbox.letters) >= number

        self._wait(carried_on)
        return self.letters(number)

    def _wait(self, come: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not come():
            assert time.monotonic() < deadline, self.server.log.read_text()
            time.sleep(0.2)


@pytest.fixture
def office(cast: Cast, tmp_path: Path) -> Iterator[Office]:
    """Yield the office."""
    database = Database(cast.url)
    with mail_server() as mailbox:
        options = {"smtp_host": "127.0.0.1", "smtp_port": str(mailbox.port), "smtp_security": "none"}
        with PortalServer(cast.url, tmp_path, options={**options, "mail_from": "cards@example.org"}) as server:
            yield Office(server, database, mailbox)
            assert "Traceback" not in server.log.read_text()
    database.dispose()


def invite(page: Page, looks: Looks, say: Callable[[str], str]) -> Hand:
    """Make the club's group and invite its members into it, from the first page on."""
    hand, menu = Hand(page), page.locator("nav.nav")
    hand.tap(menu.get_by_role("link", name=say("People")))
    hand.tap(page.get_by_role("link", name=say("Edit groups")))
    hand.type("name", CLUB)
    hand.tap(page.get_by_role("button", name=say("Make the group")))
    hand.tap(menu.get_by_role("link", name=say("Share")))
    hand.tap(page.get_by_role("link", name=say("Invite somebody")))
    hand.tap(page.get_by_role("link", name=say("Invite many people")))
    expect(page.get_by_role("main")).to_contain_text(f"{A_DAY}")
    hand.type("addresses", "\n".join(MEMBERS))
    hand.choose("group", CLUB)
    hand.type("message", "Our cards for the season.")
    hand.tap(page.get_by_role("button", name=say("Send the invitations")))
    looks.at("invited")
    return hand


@READERS
def test_a_secretary_brings_80_people_in_by_one_pasted_list_with_9_clicks(
    chromium: Browser, office: Office, cast: Cast, locale: str, *, script: bool
) -> None:
    """At most 10 are allowed, from the first page on; each of the 80 gets one letter, over as many days as it takes."""
    options = {"locale": locale, "viewport": NARROW, "has_touch": True, "java_script_enabled": script}
    with browsers.opened(chromium, office.server, **options) as page:
        sign_in(page)
        looks = Looks(page, f"secretary-{locale}")
        hand = invite(page, looks, words(locale))
        assert hand.taps == 9
        told = page.get_by_role("status")
        expect(told.first).to_contain_text(f"{A_DAY}")
        expect(told.nth(1)).to_contain_text(f"{len(MEMBERS) - A_DAY}")
        assert looks.wrong == []
    assert len(office.letters(A_DAY)) == A_DAY
    assert ("邀请" in letter_words(office.mailbox.letters[0])) == (locale == "zh-CN")
    if locale == "zh-CN" and script:
        days = [office.another_day(sent) for sent in range(2 * A_DAY, len(MEMBERS) + 1, A_DAY)]
        assert sorted(days[-1]) == sorted(MEMBERS)

    with browsers.opened(chromium, office.server, **options) as page:
        page.goto(office.mailbox.link("invitation"))
        newcomers.sign_up(page, "eighty", "correct horse battery", "Eve")
        expect(page.get_by_role("main")).to_contain_text("陈安娜 Anna Chen")
    with office.database.reading() as session:
        (club,) = (group for group in groups.groups_of(session, cast.ids["anna"]) if group.name == CLUB)
        assert groups.members(session, cast.ids["anna"], club.id) == [accounts.find(session, "eighty")]
