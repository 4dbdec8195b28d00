"""Shared address books in the portal: read by members, changed by writers, and seen by nobody else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sync.database.engine import Database
from sync.revisions.shared_states import WRITER
from sync.shared_books import access, past
from tests.support import shared
from tests.support.forms import Visitor
from tests.support.shared import Member, Shelf
from tests.support.site import Site


@dataclass
class Scene:
    """Anna writes the book and bert reads it; carl is no member."""

    shelf: Shelf
    anna: Member
    bert: Member
    carl: Member

    @property
    def database(self) -> Database:
        """Where they are."""
        return self.shelf.database

    @property
    def root(self) -> str:
        """Where the book is in the portal."""
        return f"/shared-books/{self.shelf.id}"

    def visitor(self, member: Member) -> Visitor:
        """Return somebody's browser."""
        return Visitor(self.shelf.site).signed_in(member.id)

    def entry_id(self) -> int:
        """Return the contact that was changed last."""
        with self.database.reading() as session:
            return past.changes(session, self.shelf.id)[0].entry_id


@pytest.fixture
def scene(site: Site) -> Scene:
    shelf = shared.shelf(site)
    return Scene(shelf, shelf.member("anna", WRITER), shelf.member("bert"), shelf.stranger("carl"))


def test_a_writer_adds_changes_deletes_and_brings_back_for_everybody(scene: Scene) -> None:
    anna = scene.visitor(scene.anna)
    assert "What you change, you change for everybody." in anna.get("/shared-books/").text
    new = f"{scene.root}/new"
    made = anna.get(new).submit(new, name="Plumber", mobile="+49 30 1").followed()
    assert "Plumber" in made.text
    assert "Last changed by anna." in made.text
    contact = f"{scene.root}/contacts/{scene.entry_id()}"
    page = anna.get(f"{contact}/edit")
    saved = next(each for each in page.document.xpath("//form/@action") if each.endswith("/fields/2"))
    changed = page.submit(saved.removeprefix("/.web"), text="+49 30 2").followed()
    assert "30 2" in changed.text
    assert set(scene.bert.sync()) == {"Plumber"}
    assert "30 2" in scene.bert.sync()["Plumber"]
    gone = anna.get(contact).submit(f"{contact}/delete").followed()
    assert "There is no contact in this address book yet." in gone.text
    assert scene.bert.sync() == {}
    history = anna.get(f"{scene.root}/history")
    address = history.document.xpath("//a[contains(@href, '/history/')]/@href")[0].removeprefix("/.web")
    back = anna.get(address).submit(address).followed()
    assert back.told == ["It is as it was, for everybody who sees this address book."]
    assert "30 2" in scene.bert.sync()["Plumber"]


def test_a_reader_sees_what_they_have_and_changes_nothing_for_others(scene: Scene) -> None:
    phone = scene.anna.device()
    phone.put(f"{phone.book}p.vcf", shared.card("Plumber", "TEL:+49 30 1"))
    device, bert = scene.bert.device(), scene.visitor(scene.bert)
    device.put(f"{device.book}p.vcf", shared.card("Plumber", "TEL:+49 30 1", "NOTE:rings twice"))
    contact = f"{scene.root}/contacts/{scene.entry_id()}"
    assert "rings twice" in bert.get(contact).text
    assert "rings twice" not in scene.visitor(scene.anna).get(contact).text
    assert bert.get(contact).document.xpath("//form[contains(@action, '/delete')]") == []
    device.delete(f"{device.book}p.vcf")
    shown = bert.get(contact).submit(f"{contact}/show").followed()
    assert shown.told == ["It is back. Your devices fetch it when they look next."]
    assert set(scene.bert.sync()) == {"Plumber"}
    for path in ("delete", "fields/1", "fields/1/remove", "add/mobile"):
        bert.post(f"{contact}/{path}", {"seen": "", "text": "x"})
    bert.post(f"{scene.root}/new", {"name": "Mine"})
    assert set(scene.anna.sync()) == {"Plumber"}
    with scene.database.reading() as session:
        assert [each.account_id for each in past.changes(session, scene.shelf.id)] == [scene.anna.id]


def test_whoever_is_no_member_finds_nothing_of_it(scene: Scene) -> None:
    phone = scene.anna.device()
    phone.put(f"{phone.book}p.vcf", shared.card("Plumber"))
    phone.put(f"{phone.book}p.vcf", shared.card("Plumber", "NOTE:x"))
    with scene.database.reading() as session:
        last = past.changes(session, scene.shelf.id)[0]
        assert access.books_of(session, scene.carl.id) == []
    carl = scene.visitor(scene.carl)
    assert "No organisation shares an address book with you." in carl.get("/shared-books/").text
    contact = f"{scene.root}/contacts/{last.entry_id}"
    for path in ("/", "/new", "/history", f"/history/{last.entry_id}/{last.before}"):
        assert carl.get(f"{scene.root}{path}").status == 404
    assert [carl.get(each).status for each in (contact, f"{contact}/edit")] == [404, 404]
