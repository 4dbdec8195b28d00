"""
What people do with what is theirs, in a real browser, with scripts and without: each story from its page to its end.

Chiara looks after contacts of her own; Anna makes an exception for her; Bo joins a choir and writes its shared address
book; Emil writes his card, with a photo; David forgets his password and leaves.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from sync.accounts import addresses
from sync.database.engine import Database, Session
from sync.organisations import members, organisations
from sync.revisions.shared_states import WRITER
from sync.shared_books import books
from sync.sign_in import credentials
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer, comes_true
from tests.support.hands import Window
from tests.support.letters import Mailbox, mail_server
from tests.support.pictures import portrait
from tests.support.waiting import until

FETCHED = "image => image.complete && image.naturalWidth > 100 && image.naturalWidth === image.naturalHeight"


@dataclass(frozen=True)
class Place:
    """A server that sends e-mail, and a browser in whose windows scripts run or do not."""

    chromium: Browser
    server: PortalServer
    mailbox: Mailbox
    ids: dict[str, int]
    has_scripts: bool

    @contextmanager
    def window(self, login: str) -> Iterator[Window]:
        """Open a window of somebody's, who is signed in."""
        options = {"viewport": NARROW, "has_touch": True, "java_script_enabled": self.has_scripts}
        with browsers.opened(self.chromium, self.server, **options) as page:
            yield Window(page, login, PASSWORD, "en-US", "own-things")


@pytest.fixture(scope="module", params=[True, False], ids=["with scripts", "without scripts"])
def place(
    request: pytest.FixtureRequest, chromium: Browser, staged: Cast, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Yield the server, with a choir that asks Bo to join, and a phone of his."""
    folder = tmp_path_factory.mktemp("own-things")
    cast = Cast(Path(shutil.copy(staged.file, folder / "cast.sqlite")), staged.ids)
    database = Database(cast.url)

    def prepare(session: Session) -> None:
        choir = organisations.create(session, "Choir")
        for login in ("chiara", "bo"):
            members.invite(session, choir, cast.ids[login])
        members.join(session, choir, cast.ids["chiara"])
        books.create(session, choir, "Customers", WRITER)
        credentials.add_device(session, cast.ids["bo"], "Pixel")
        addresses.add(session, cast.ids["david"], "email", "david@example.org")

    database.write(prepare)
    database.dispose()
    with mail_server() as mailbox:
        options = {"smtp_host": "127.0.0.1", "smtp_port": str(mailbox.port), "smtp_security": "none"}
        with PortalServer(cast.url, folder, options={**options, "mail_from": "cards@example.org"}) as server:
            yield Place(chromium, server, mailbox, cast.ids, bool(request.param))
            assert "Traceback" not in server.log.read_text()


def choose_photo(window: Window, number: int) -> None:
    """Choose a photo, and which part of it by the fields of the form."""
    file = FilePayload(name="me.jpg", mimeType="image/jpeg", buffer=portrait(number))
    window.page.locator("input[type=file]").set_input_files(file)
    for name, key in (("zoom", "ArrowRight"), ("across", "ArrowRight"), ("down", "ArrowLeft")):
        window.page.locator(f"input[name={name}]").press(key)
    window.press("Save")


def add(page: Page, kind: str, text: str) -> None:
    """Add a field of a kind to a card or contact."""
    page.locator("#more").get_by_role("link", name=kind).first.click()
    page.locator("#adding input[name=text]").fill(text)
    page.locator("#adding").get_by_role("button", name="Save").click()


def edit(window: Window, said: str, text: str) -> None:
    """Type another text into the field that says something, on a card or contact."""
    row = window.page.locator(".own > details").filter(has_text=said)
    row.locator("summary").click()
    form = row.locator("form.field-form")
    if not form.count() and row.get_by_role("link", name="Edit").is_visible():
        row.get_by_role("link", name="Edit").click()
    form.locator("input[name=text]").fill(text)
    form.get_by_role("button", name="Save").click()


def write_contact(window: Window, name: str, number: str, new_number: str) -> None:
    """Fill in a new contact, and change its number, which stays open for more."""
    page = window.page
    page.locator("main input[name=name]").fill(name)
    page.locator("main input[name=mobile]").fill(number)
    window.press("Save")
    window.reads(number)
    page.get_by_role("link", name=f"Edit {name}").click()
    edit(window, number.removeprefix("+49 30 "), new_number)
    window.reads(new_number)


def add_photo(window: Window, number: int) -> None:
    """Give the contact that is open a photo, and wait for it."""
    window.page.get_by_role("link", name="Add a photo").click()
    choose_photo(window, number)
    comes_true(window.page.locator("img.picture").first, FETCHED)


def test_contacts_of_one_s_own_are_made_edited_deleted_and_brought_back(place: Place) -> None:
    with place.window("chiara") as chiara:
        page = chiara.page
        page.goto("contacts/")
        page.get_by_role("link", name="New contact").click()
        write_contact(chiara, "Dora Dürer", "+49 30 5555 0101", "+49 30 5555 0102")
        add(page, "E-mail", "dora@example.org")
        chiara.reads("dora@example.org")
        add_photo(chiara, 1)
        chiara.look("contact")
        page.locator(".own > details").filter(has_text="dora@example.org").locator("summary").click()
        page.get_by_role("button", name="Remove: E-mail").click()
        expect(page.locator(".own")).not_to_contain_text("dora@example.org")
        chiara.link("Done")
        page.get_by_label("More about Dora Dürer").click()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("main")).not_to_contain_text("Dora")
        page.goto("contacts/")
        chiara.link("Deleted and replaced")
        chiara.look("deleted")
        page.get_by_role("button", name="Bring it back Dora Dürer").first.click()
        page.goto("contacts/?q=dora")
        page.get_by_role("link", name="Dora Dürer", exact=True).click()
        chiara.reads("+49 30 5555 0102")


def test_an_exception_is_made_for_one_person_and_taken_back(place: Place) -> None:
    secret = "6222 0000 0000 0138"
    with place.window("anna") as anna:
        page = anna.page
        page.goto("sharing/")
        anna.link("Exceptions for single people")
        page.get_by_role("link", name="Chiara Rossi").click()
        expect(page.locator("#preview")).not_to_contain_text(secret)
        for choice, said in (("always", "to_contain_text"), ("groups", "not_to_contain_text")):
            row = page.locator("main form .row").filter(has_text=secret)
            row.locator("select").select_option(choice)
            anna.press("Save")
            anna.is_told("Saved. It is so from now on.")
            getattr(expect(page.locator("#preview")), said)(secret)
        anna.look("exceptions")


def test_somebody_joins_an_organisation_writes_its_shared_book_and_leaves(place: Place) -> None:
    with place.window("bo") as bo:
        page = bo.page
        page.goto("people/")
        page.get_by_role("link", name="Organisations Households").click()
        page.get_by_role("link", name="Look and join Choir").click()
        page.locator("main input[name=field]").first.check()
        bo.press("Join")
        page.goto("people/")
        bo.link("Shared address books")
        page.get_by_role("link", name="Customers").click()
        page.get_by_role("link", name="New contact").first.click()
        write_contact(bo, "Plumber", "+49 30 5555 0201", "+49 30 5555 0202")
        add_photo(bo, 2)
        bo.link("Done")
        bo.look("shared-contact")
        page.get_by_label("More about Plumber").click()
        page.get_by_role("button", name="Delete for everybody").click()
        bo.link("Who changed what")
        page.get_by_role("link", name="What it was Plumber").first.click()
        bo.reads("+49 30 5555 0202")
        bo.press("Bring it back for everybody")
        bo.is_told("It is as it was, for everybody who sees this address book.")
        page.goto("shared-books/")
        page.get_by_role("link", name="Customers").click()
        bo.reads("+49 30 5555 0202")
        page.goto("devices/")
        page.get_by_role("link", name="Shared address books there Pixel").click()
        page.locator("main input[type=radio]").last.check()
        bo.press("Save")
        page.goto("organisations/")
        page.get_by_role("link", name="2 members").click()
        page.get_by_role("link", name="Chiara Rossi").click()
        bo.press("Take off my devices")
        bo.sees("You took this card off your devices.")
        bo.press("Show on my devices")
        expect(page.get_by_role("button", name="Take off my devices")).to_be_visible()
        page.goto("organisations/")
        page.get_by_role("link", name="Leave the organisation Choir").click()
        bo.press("Leave")
        page.goto("shared-books/")
        expect(page.get_by_role("main")).not_to_contain_text("Customers")


def test_a_card_is_written_ordered_given_a_photo_and_undone(place: Place) -> None:
    with place.window("emil") as emil:
        page = emil.page
        page.goto("card/")
        add(page, "Mobile phone", "+46 70 555 0301")
        rows = page.locator(".own > details")
        expect(rows.last).to_contain_text("+46 70 555 0301")
        edit(emil, "555 0301", "+46 70 555 0302")
        expect(rows.last).to_contain_text("+46 70 555 0302")
        count = rows.count()
        if not rows.last.get_by_role("button", name="Move up").is_visible():
            rows.last.locator("summary").click()
        rows.last.get_by_role("button", name="Move up").click()
        expect(rows.nth(count - 2)).to_contain_text("+46 70 555 0302")
        page.goto("card/photo")
        choose_photo(emil, 3)
        comes_true(page.locator("img.picture").first, FETCHED)
        page.goto("card/")
        row = rows.filter(has_text="+46 70 555 0302")
        row.locator("summary").click()
        row.get_by_role("button", name="Remove: ").click()
        expect(page.locator(".own")).not_to_contain_text("+46 70 555 0302")
        page.goto("card/history")
        page.get_by_role("button", name="Undo", exact=True).first.click()
        expect(page.locator(".own")).to_contain_text("+46 70 555 0302")
        emil.look("card")


def test_a_password_is_forgotten_and_the_account_is_left(place: Place) -> None:
    with place.window("david") as david:
        page = david.page
        page.goto("settings/")
        page.get_by_label("Language of these pages").select_option("zh-Hans")
        david.press("Save")
        page.locator("html[lang=zh-Hans]").wait_for()
        page.get_by_role("button", name="English").click()
        page.goto("settings/")
        david.press("Sign out")
        page.goto("sign-in")
        page.get_by_role("link", name="Forgot").click()
        page.locator("main input[name=name]").fill("david")
        david.press("Send the link")
        until(lambda: bool(place.mailbox.letters))
        page.goto(place.mailbox.link("reset"))
        page.get_by_label("New password").fill("quite another password")
        david.press("Change the password")
        page.locator("nav.nav").wait_for()
        page.goto("settings/")
        david.link("What that means, and how to do it")
        david.look("leaving")
        page.locator("main input[name=password]").fill("quite another password")
        david.press("Delete my account for good")
        page.goto("settings/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
