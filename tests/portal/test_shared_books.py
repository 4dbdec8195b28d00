"""Shared address books in the portal: read by members, changed by writers, and seen by nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from sync.contacts import importing
from sync.database.engine import Database
from sync.revisions.shared_states import READER, WRITER
from sync.shared_books import access, past
from sync.sign_in import credentials
from tests.support import shared
from tests.support.factories import vcard
from tests.support.forms import Visitor
from tests.support.pictures import portrait
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


def test_a_device_is_shown_shared_books_as_its_person_chooses(scene: Scene) -> None:
    bert, mac = scene.visitor(scene.bert), scene.bert.device(user_agent=shared.MAC)
    place = f"/shared-books/on/{mac.id}"

    def listed() -> bool:
        return mac.book in mac.propfind(mac.principal, names=("{DAV:}displayname",))

    assert "Shared address books there" in bert.get("/devices/").text
    assert not listed()
    for choice, said, is_listed in (
        ("on", "Shows shared address books", True),
        ("off", "Shows no shared address books", False),
        ("auto", "Shared address books there", False),
    ):
        page = bert.get(place).submit(place, shown=choice).followed()
        assert page.told == ["The device notices when it looks for address books next."]
        assert said in page.text
        assert listed() is is_listed
        assert bert.get(place).fields(place)["shown"] == choice
    assert bert.post(place, {"shown": "nonsense"}).status == 400
    for other in (scene.anna, scene.carl):
        visitor = scene.visitor(other)
        assert [visitor.get(place).status, visitor.post(place, {"shown": "on"}).status] == [404, 404]
    assert not listed()
    scene.carl.device()
    assert "hared address books there" not in scene.visitor(scene.carl).get("/devices/").text
    scene.database.write(lambda session: credentials.revoke_device(session, scene.bert.id, mac.id))
    assert bert.get(place).status == 404


def test_a_writer_takes_a_file_over_for_everybody_and_a_reader_does_not(scene: Scene) -> None:
    place, file = (
        f"{scene.root}/import",
        vcard("one", name="Plumber") + vcard("two", name="Doctor") + b"BEGIN:VCARD\r\n",
    )
    anna, bert = scene.visitor(scene.anna), scene.visitor(scene.bert)
    assert place in "".join(anna.get(f"{scene.root}/").document.xpath("//a/@href"))
    done = anna.get(place).upload(place, "file", file)
    assert "2 contacts are new." in done.text
    assert "1 could not be taken over" in done.text
    assert set(scene.bert.sync()) == {"Doctor", "Plumber"}
    with scene.database.reading() as session:
        found = past.changes(session, scene.shelf.id)
    assert {(each.what, each.account_id) for each in found} == {(past.ADDED, scene.anna.id)}
    assert "2 were there already" in anna.get(place).upload(place, "file", file).text
    assert anna.get(place).upload(place, "file", b"nonsense").status == 400
    assert place not in "".join(bert.get(f"{scene.root}/").document.xpath("//a/@href"))
    for somebody in (bert, scene.visitor(scene.carl)):
        assert 400 <= somebody.get(place).status < 500
        assert 400 <= somebody.post(place, {"file": "x"}).status < 500
    assert set(scene.anna.sync()) == {"Doctor", "Plumber"}


def test_whoever_stops_being_a_writer_while_a_file_is_taken_over_adds_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, anna = f"{scene.root}/import", scene.visitor(scene.anna)
    monkeypatch.setattr(importing, "_BATCH", 1)
    taken = importing._take_over

    def demoted(*given: Any) -> None:
        taken(*given)
        scene.shelf.grant(scene.anna, READER)

    monkeypatch.setattr(importing, "_take_over", demoted)
    refused = anna.get(place).upload(place, "file", vcard("one", name="Plumber") + vcard("two", name="Doctor"))
    assert 400 <= refused.status < 500
    assert set(scene.bert.sync()) == {"Plumber"}


def test_the_contacts_are_saved_as_one_file_as_ones_devices_have_them(scene: Scene) -> None:
    phone, device = scene.anna.device(), scene.bert.device()
    for name in ("Plumber", "Doctor"):
        phone.put(f"{phone.book}{name}.vcf", shared.card(name))
    device.put(f"{device.book}Plumber.vcf", shared.card("Plumber", "NOTE:rings twice"))
    device.put(f"{device.book}mine.vcf", shared.card("Mine"))
    device.delete(f"{device.book}Doctor.vcf")
    place = f"{scene.root}/all"
    said = {}
    for member in (scene.anna, scene.bert):
        page = scene.visitor(member).get(f"{scene.root}/").submit(place)
        assert page.response.headers["Content-Type"] == "text/vcard; charset=utf-8"
        assert page.response.headers["Content-Disposition"] == "attachment; filename=Customers.vcf"
        said[member.login] = page.response.text
    assert said["anna"].count("BEGIN:VCARD") == 2
    assert "rings twice" not in said["anna"]
    assert [said["bert"].count(each) for each in ("FN:Plumber", "rings twice", "FN:Mine", "Doctor")] == [1, 1, 1, 0]
    assert scene.visitor(scene.carl).post(place).status == 404


def test_a_writer_gives_a_contact_a_photo_for_everybody_and_takes_it_off(scene: Scene) -> None:
    phone = scene.anna.device()
    phone.put(f"{phone.book}p.vcf", shared.card("Plumber"))
    device = scene.bert.device()
    device.put(f"{device.book}p.vcf", shared.card("Plumber", "NOTE:rings twice"))
    contact = f"{scene.root}/contacts/{scene.entry_id()}"
    place, anna = f"{contact}/photo", scene.visitor(scene.anna)
    old = anna.get(place)
    done = old.upload(place, "picture", portrait(1))
    assert done.told == ["The photo is saved, for everybody who sees this address book."]
    assert done.document.xpath("//header//img[@class='picture']")
    assert "PHOTO" in scene.anna.sync()["Plumber"]
    assert all(each in scene.bert.sync()["Plumber"] for each in ("PHOTO", "rings twice"))
    again = old.upload(place, "picture", portrait(2))
    assert (again.status, "changed meanwhile" in again.text) == (409, True)
    assert again.upload(place, "picture", portrait(2)).told[0].startswith("The photo is saved")
    assert anna.get(place).upload(place, "picture", b"no picture").status == 400
    for other in (scene.bert, scene.carl):
        visitor = scene.visitor(other)
        assert 400 <= visitor.get(place).status < 500
        assert 400 <= visitor.post(place, {"seen": ""}).status < 500
    page = anna.get(place)
    (remove,) = (each for each in page.document.xpath("//form/@action") if each.endswith("/remove"))
    page.submit(remove.removeprefix("/.web"))
    assert "PHOTO" not in scene.anna.sync()["Plumber"]
    assert "PHOTO" not in scene.bert.sync()["Plumber"]
    with scene.database.reading() as session:
        assert {each.account_id for each in past.changes(session, scene.shelf.id)} == {scene.anna.id}
