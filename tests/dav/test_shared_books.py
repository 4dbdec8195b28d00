"""Shared books: what each member's devices have of one, that a reader's changes are theirs alone, and nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync import verification
from sync.database.engine import Session
from sync.export import exporting
from sync.organisations import members, organisations
from sync.revisions import address_books, roster_news
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER
from sync.shared_books import access, books, layers, past, telling
from sync.sign_in import deletion
from tests.support import clubs, dav, shared
from tests.support.clock import HOUR, StoppedClock
from tests.support.push_service import push_service
from tests.support.shared import Device, Member, Shelf, card
from tests.support.site import Site
from tests.support.subscribing import rows, set_all, subscribe, wanted

STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


class Scene:
    """Anna and bert write the book, carl and dora read it, and emil is no member."""

    def __init__(self, site: Site) -> None:
        self.shelf: Shelf = shared.shelf(site)
        self.anna, self.bert = (self.shelf.member(login, WRITER) for login in ("anna", "bert"))
        self.carl, self.dora = (self.shelf.member(login) for login in ("carl", "dora"))
        self.emil = self.shelf.stranger("emil")
        self.phone = self.anna.device()

    def add(self, name: str, *lines: str) -> str:
        """Let anna add a contact, and return its name."""
        self.phone.put(f"{self.phone.book}{name.lower()}.vcf", card(name, *lines), if_none_match="*")
        return f"{name.lower()}.vcf"

    def choose(self, device: Device, *, choice: bool | None) -> None:
        """Let carl choose whether a device is shown the book."""
        self.shelf.database.write(lambda s: access.show(s, self.carl.id, device.id, choice=choice))

    def everybody(self) -> list[dict[str, str]]:
        """Return what the devices of all members have."""
        return [each.sync(style) for each in (self.anna, self.bert, self.carl, self.dora) for style in STYLES]


@pytest.fixture
def scene(site: Site) -> Scene:
    return Scene(site)


@pytest.fixture(autouse=True)
def verified(scene: Scene) -> object:
    yield
    with scene.shelf.database.reading() as session:
        assert list(verification.findings(session)) == []


def listed(device: dav.Client) -> list[str]:
    """Return the address books in a home, in their order."""
    found = device.propfind(device.principal, names=("{DAV:}displayname", "{DAV:}resourcetype"))
    return [href for href in found if href != device.principal]


def lines(text: str, name: str) -> list[str]:
    """Return the lines of a property."""
    return [line for line in text.splitlines() if line.startswith(name)]


def test_a_book_is_a_further_collection_of_each_member_and_of_nobody_else(scene: Scene) -> None:
    for member in (scene.anna, scene.carl):
        device = member.device()
        assert listed(device) == [member.home("contacts"), member.home(scene.shelf.path)]
        found = device.propfind(device.principal, names=("{DAV:}displayname", "{DAV:}current-user-privilege-set"))
        own, other = (found[member.home(path)] for path in ("contacts", scene.shelf.path))
        assert other.text("{DAV:}displayname") == "Customers"
        rights = [[each[0].tag for each in of.properties["{DAV:}current-user-privilege-set"]] for of in (own, other)]
        assert rights[0] == rights[1]
    outsider = scene.emil.device()
    assert listed(outsider) == [scene.emil.home("contacts")]
    assert outsider.request("PROPFIND", outsider.book, headers={"Depth": "0"}).status == 404


def test_a_mac_is_shown_it_only_where_the_person_asked(scene: Scene) -> None:
    macs = [scene.carl.device(user_agent=shared.MAC), scene.carl.device(user_agent=shared.IPHONE)]
    both = [scene.carl.home("contacts"), scene.carl.home(scene.shelf.path)]
    assert [listed(each) for each in macs] == [both[:1], both]
    for device, choice in zip(macs, (True, False), strict=True):
        scene.choose(device, choice=choice)
    assert [listed(each) for each in macs] == [both, both[:1]]
    scene.choose(macs[0], choice=None)
    assert listed(macs[0]) == both[:1]


def test_what_a_writer_changes_reaches_everybody_by_token(scene: Scene) -> None:
    assert all(found == {} for found in scene.everybody())
    name = scene.add("Plumber", "TEL:+49 30 1")
    assert all(set(found) == {"Plumber"} for found in scene.everybody())
    other = scene.bert.device()
    before = other.get(other.book + name)
    other.put(other.book + name, card("Plumber", "TEL:+49 30 2"), if_match=before.etag)
    assert all(lines(found["Plumber"], "TEL") == ["TEL:+49 30 2"] for found in scene.everybody())
    other.delete(other.book + name)
    assert all(found == {} for found in scene.everybody())


def test_what_a_reader_changes_is_theirs_alone(scene: Scene) -> None:
    name = scene.add("Plumber", "TEL:+49 30 1")
    scene.everybody()
    device = scene.carl.device()
    before = device.get(device.book + name)
    sent = card("Plumber", "TEL:+49 30 1", "NOTE:rings twice", "TEL:+49 30 77")
    assert device.put(device.book + name, sent, if_match=before.etag) == ""
    assert device.get(device.book + name).etag != before.etag
    for style in STYLES:
        mine = scene.carl.sync(style)["Plumber"]
        assert "NOTE:rings twice" in mine
        assert len(lines(mine, "TEL")) == 2
        for other in (scene.anna, scene.bert, scene.dora):
            text = other.sync(style)["Plumber"]
            assert "rings" not in text
            assert lines(text, "TEL") == ["TEL:+49 30 1"]
    scene.phone.put(scene.phone.book + name, card("Plumber", "TEL:+49 30 5"))
    mine = scene.carl.sync()["Plumber"]
    assert "NOTE:rings twice" in mine
    assert any("5" in line for line in lines(mine, "TEL"))
    assert not any(line.endswith("30 1") for line in lines(mine, "TEL"))


def test_a_reader_adds_and_deletes_for_themselves(scene: Scene) -> None:
    name = scene.add("Plumber")
    scene.everybody()
    device = scene.carl.device()
    device.delete(device.book + name)
    device.put(device.book + "mine.vcf", card("Mine"), if_none_match="*")
    assert set(scene.carl.sync()) == {"Mine"}
    assert all(set(each.sync()) == {"Plumber"} for each in (scene.anna, scene.bert, scene.dora))
    # A device that puts it back under another name gives it back under its own.
    device.put(device.book + "again.vcf", card("Plumber"))
    for style in STYLES:
        assert set(scene.carl.sync(style)) == {"Mine", "Plumber"}
    assert device.request("GET", device.book + "again.vcf").status == 404
    with pytest.raises(dav.Failed) as refused:
        device.put(device.book + "third.vcf", card("Plumber"))
    assert refused.value.condition == "{urn:ietf:params:xml:ns:carddav}no-uid-conflict"


def test_a_contact_of_a_reader_gives_way_to_everybodys_of_the_same_name_and_is_not_lost(scene: Scene) -> None:
    device = scene.carl.device()
    device.put(device.book + "new.vcf", card("Mine", uid="mine"))
    scene.everybody()
    scene.phone.put(scene.phone.book + "new.vcf", card("Everybodys", uid="theirs"))
    assert all(set(found) == {"Everybodys"} for found in scene.everybody())
    scene.phone.delete(scene.phone.book + "new.vcf")
    assert [set(each.sync()) for each in (scene.anna, scene.carl, scene.dora)] == [set(), {"Mine"}, set()]


def test_changes_of_two_writers_who_do_not_know_of_each_other_are_merged(scene: Scene) -> None:
    name = scene.add("Plumber", "TEL:+49 30 1", "EMAIL:old@example.org")
    one, other = scene.phone, scene.bert.device()
    one.sync_collection(), other.sync_collection()
    one.put(one.book + name, card("Plumber", "TEL:+49 30 2", "EMAIL:old@example.org"))
    other.put(other.book + name, card("Plumber", "TEL:+49 30 1", "EMAIL:new@example.org"))
    text = scene.carl.sync()["Plumber"]
    assert lines(text, "TEL") == ["TEL:+49 30 2"]
    assert lines(text, "EMAIL") == ["EMAIL:new@example.org"]
    stale = one.get(one.book + name).etag
    other.put(other.book + name, card("Plumber", "TEL:+49 30 3"))
    with pytest.raises(dav.Failed) as refused:
        one.put(one.book + name, card("Plumber", "TEL:+49 30 4"), if_match=stale)
    assert refused.value.status == 412


def test_changes_are_merged_although_the_clock_was_put_back_since_the_devices_came(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoppedClock(monkeypatch)
    name = scene.add("Plumber", "TEL:+49 30 1", "EMAIL:old@example.org")
    one, other = scene.phone, scene.bert.device()
    one.sync_collection(), other.sync_collection()
    clock.put(clock.now() - 3 * HOUR)
    one.put(one.book + name, card("Plumber", "TEL:+49 30 2", "EMAIL:old@example.org"))
    other.put(other.book + name, card("Plumber", "TEL:+49 30 1", "EMAIL:new@example.org"))
    text = scene.carl.sync()["Plumber"]
    assert lines(text, "TEL") == ["TEL:+49 30 2"]
    assert lines(text, "EMAIL") == ["EMAIL:new@example.org"]


def test_two_devices_of_a_reader_add_without_knowing_of_each_other(scene: Scene) -> None:
    name = scene.add("Plumber")
    one, other = scene.carl.device(), scene.carl.device()
    one.sync_collection(), other.sync_collection()
    one.put(one.book + name, card("Plumber", "NOTE:first"))
    other.put(other.book + name, card("Plumber", "TEL:+49 30 9"))
    text = scene.carl.sync()["Plumber"]
    assert "NOTE:first" in text
    assert lines(text, "TEL") == ["TEL:+49 30 9"]


def test_a_stale_card_of_a_reader_keeps_nothing_that_everybody_let_go_of(scene: Scene) -> None:
    name = scene.add("Plumber", "TEL:+49 30 1")
    device = scene.carl.device()
    device.sync_collection()
    scene.phone.put(scene.phone.book + name, card("Plumber", "TEL:+49 30 2"))
    device.put(device.book + name, card("Plumber", "TEL:+49 30 1", "NOTE:mine"))
    text = scene.carl.sync()["Plumber"]
    assert lines(text, "TEL") == ["TEL:+49 30 2"]
    assert "NOTE:mine" in text


def test_whoever_leaves_has_nothing_of_it_from_that_moment_on(scene: Scene) -> None:
    scene.add("Plumber")
    scene.everybody()
    device = scene.carl.replicas["data"].client
    device.put(device.book + "plumber.vcf", card("Plumber", "NOTE:kept"))
    scene.shelf.club.leave(scene.carl.id)
    gone(scene.carl, device)
    scene.shelf.club.join(scene.carl.id)
    assert "NOTE:kept" in scene.carl.sync()["Plumber"]


def gone(member: Member, device: dav.Client) -> None:
    """Assert that nothing of a book can be had or changed by a device."""
    assert listed(device) == [member.home("contacts")]
    plumber = device.book + "plumber.vcf"
    for method, path in (("PROPFIND", device.book), ("REPORT", device.book), ("GET", plumber), ("DELETE", plumber)):
        body = '<sync-collection xmlns="DAV:"><sync-token/><prop/></sync-collection>' if method == "REPORT" else ""
        answer = device.request(method, path, body, {"Depth": "0"})
        assert answer.status == 404, method
        assert "Plumber" not in answer.text
    assert device.request("PUT", plumber, card("Plumber"), {"Content-Type": dav.VCARD_TYPE}).status == 409


def test_the_end_of_a_book_and_of_an_organisation_end_it_for_all(scene: Scene) -> None:
    scene.add("Plumber")
    scene.everybody()
    second = shared.shelf(scene.shelf.site, "Doctors", club=scene.shelf.club)
    database = scene.shelf.database
    database.write(lambda session: books.remove(session, second.id))
    assert listed(scene.phone) == [scene.anna.home("contacts"), scene.anna.home(scene.shelf.path)]
    database.write(lambda session: organisations.remove(session, scene.shelf.club.id))
    for member in (scene.anna, scene.carl):
        gone(member, member.replicas["data"].client)
    members.tidy(database)
    assert books.tidy(database) == 1
    assert books.tidy(database) == 0


def test_who_may_what_can_change_and_no_overlay_ever_becomes_everybodys(scene: Scene) -> None:
    name = scene.add("Plumber", "TEL:+49 30 1")
    device = scene.carl.device()
    device.put(device.book + name, card("Plumber", "TEL:+49 30 1", "NOTE:private"))
    scene.everybody()
    scene.shelf.grant(scene.carl, WRITER)
    assert "private" not in scene.carl.sync()["Plumber"]
    fresh = device.get(device.book + name)
    device.put(device.book + name, (fresh.text or "").replace("+49 30 1", "+49 30 2"), if_match=fresh.etag)
    assert lines(scene.dora.sync()["Plumber"], "TEL") == ["TEL:+49 30 2"]
    assert "private" not in scene.dora.sync()["Plumber"]
    scene.shelf.grant(scene.carl, READER)
    assert "NOTE:private" in scene.carl.sync()["Plumber"]
    scene.shelf.grant(scene.carl, NO_ACCESS)
    gone(scene.carl, device)
    scene.shelf.database.write(lambda s: books.take_back(s, scene.shelf.id, scene.carl.id))
    assert "NOTE:private" in scene.carl.sync()["Plumber"]
    scene.shelf.database.write(lambda s: books.set_everybody(s, scene.shelf.id, NO_ACCESS))
    gone(scene.carl, device)


@pytest.mark.parametrize("is_changed_meanwhile", [False, True])
def test_a_card_from_the_time_of_a_reader_makes_no_note_everybodys(scene: Scene, *, is_changed_meanwhile: bool) -> None:
    name = scene.add("Plumber", "TEL:+49 30 1", "EMAIL:old@example.org")
    held = scene.carl.device()
    held.sync_collection()
    held.put(held.book + name, card("Plumber", "TEL:+49 30 1", "EMAIL:old@example.org", "NOTE:mine alone"))
    scene.shelf.grant(scene.carl, WRITER)
    if is_changed_meanwhile:
        scene.phone.sync_collection()
        scene.phone.put(scene.phone.book + name, card("Plumber", "TEL:+49 30 2", "EMAIL:old@example.org"))
    # The device has not looked since, and names no state.
    held.put(held.book + name, card("Plumber", "TEL:+49 30 1", "EMAIL:new@example.org", "NOTE:mine alone"))
    for member in (scene.bert, scene.carl):
        text = member.sync()["Plumber"]
        assert "NOTE" not in text
        assert lines(text, "EMAIL") == ["EMAIL:new@example.org"]
        assert lines(text, "TEL") == [f"TEL:+49 30 {2 if is_changed_meanwhile else 1}"]


def test_history_says_who_changed_what_and_can_be_had_back(scene: Scene) -> None:
    name = scene.add("Plumber", "TEL:+49 30 1")
    other = scene.bert.device()
    other.put(other.book + name, card("Plumber", "TEL:+49 30 2"))
    other.delete(other.book + name)
    database, key = scene.shelf.database, scene.shelf.id
    with database.reading() as session:
        found = past.changes(session, key)
    assert [(each.what, each.account_id) for each in found] == [
        ("removed", scene.bert.id),
        ("changed", scene.bert.id),
        ("added", scene.anna.id),
    ]
    assert {each.name for each in found} == {"Plumber"}
    first = found[1]

    def restore(session: Session) -> None:
        past.restore(session, access.base(session, key), scene.anna.id, first.entry_id, first.before)

    database.write(restore)
    assert all(lines(found["Plumber"], "TEL") == ["TEL:+49 30 1"] for found in scene.everybody())
    with database.reading() as session:
        assert past.changes(session, key)[0].what == "added"


def test_a_writer_who_deletes_their_account_leaves_the_book_as_it_is(scene: Scene) -> None:
    scene.add("Plumber")
    scene.everybody()
    deletion.leave(scene.shelf.database, scene.anna.id)
    roster_news.work(scene.shelf.database)
    assert all(set(each.sync()) == {"Plumber"} for each in (scene.bert, scene.carl, scene.dora))
    with scene.shelf.database.reading() as session:
        assert [each.account_id for each in past.changes(session, scene.shelf.id)] == [scene.anna.id]
        assert address_books.books_of(session, scene.anna.id) == []


def test_an_export_has_the_books_that_somebody_may_read(scene: Scene) -> None:
    scene.add("Plumber")
    device = scene.carl.device()
    device.put(device.book + "plumber.vcf", card("Plumber", "NOTE:mine"))
    with scene.shelf.database.reading() as session:
        mine, theirs = (exporting.contacts(session, each.id) for each in (scene.carl, scene.emil))
    assert "NOTE:mine" in mine
    assert "Plumber" not in theirs


def test_contacts_are_moved_and_copied_as_elsewhere(scene: Scene) -> None:
    name = scene.add("Plumber")
    anna, carl = scene.phone, scene.carl.device()

    def sent(device: dav.Client, method: str, source: str, target: str) -> int:
        return device.request(method, source, headers={"Destination": f"http://evercard.test{target}"}).status

    assert sent(carl, "MOVE", carl.book + name, "/carl/contacts/x.vcf") == 403
    assert sent(anna, "COPY", anna.book + name, "/anna/contacts/x.vcf") == 201
    assert sent(anna, "MOVE", anna.book + name, "/anna/contacts/y.vcf") == 409
    anna.delete("/anna/contacts/x.vcf")
    assert sent(anna, "MOVE", anna.book + name, "/anna/contacts/y.vcf") == 201
    assert all(found == {} for found in scene.everybody())
    assert sent(anna, "MOVE", "/anna/contacts/y.vcf", anna.book + "back.vcf") == 201
    assert all(set(found) == {"Plumber"} for found in scene.everybody())


def test_a_shared_book_is_neither_made_nor_deleted_nor_renamed_by_a_device(scene: Scene) -> None:
    device = scene.phone
    assert device.request("DELETE", device.book).status == 403
    assert device.request("MKCOL", f"{device.book}inside/").status == 403
    assert device.request("MKCOL", device.book).status in (403, 405)
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    assert "403 Forbidden" in device.request("PROPPATCH", device.book, body).text
    assert listed(device) == [scene.anna.home("contacts"), scene.anna.home(scene.shelf.path)]


def test_members_of_one_organisation_see_nothing_of_anothers_books(scene: Scene) -> None:
    scene.add("Plumber")
    other = shared.shelf(scene.shelf.site, "Doctors", club=clubs.found(scene.shelf.database, "Hospital"))
    outsider = other.member("fred", WRITER)
    device = outsider.device()
    assert listed(device) == [outsider.home("contacts"), outsider.home(other.path)]
    device.book = outsider.home(scene.shelf.path)
    for path in (device.book, f"{device.book}plumber.vcf"):
        assert device.request("PROPFIND", path, headers={"Depth": "0"}).status == 404
    assert device.request("PUT", f"{device.book}x.vcf", card("X"), {"Content-Type": dav.VCARD_TYPE}).status == 409
    with pytest.raises(dav.Failed):
        device.sync_collection(scene.phone.book_token())
    scene.shelf.database.write(lambda s: books.grant(s, scene.shelf.id, outsider.id, WRITER))
    assert device.request("PROPFIND", device.book, headers={"Depth": "0"}).status == 404


def test_news_of_it_is_noted_for_members_by_the_worker(scene: Scene) -> None:
    scene.add("Plumber")
    telling.work(scene.shelf.database)
    scene.add("Doctor")
    scene.add("Baker")
    assert telling.work(scene.shelf.database) == 4
    assert telling.work(scene.shelf.database) == 0


def with_layer(scene: Scene, member: Member) -> None:
    """Let a member have something of their own in the book, which a registration needs."""
    scene.shelf.database.write(lambda session: layers.ensure(session, access.of_id(session, member.id, scene.shelf.id)))


def test_nobody_has_news_of_a_book_that_they_do_not_see_any_more(scene: Scene) -> None:
    database, book_id = scene.shelf.database, scene.shelf.id
    scene.add("Plumber")
    telling.work(database)
    with push_service() as service:
        for member in (scene.bert, scene.carl, scene.dora):
            with_layer(scene, member)
            asked = replace(wanted(service.subscribe()), endpoint=f"https://push.example.org/{member.login}")
            subscribe(database, member.id, asked, book_id=book_id)

    def told() -> set[int]:
        """Change something, and return who has news of it."""
        set_all(database, has_content=False)
        scene.phone.put(f"{scene.phone.book}plumber.vcf", card("Plumber", f"NOTE:{len(scene.phone.exchanges)}"))
        telling.work(database)
        return {each.viewer_id for each in rows(database) if each.has_content}

    bert, carl, dora = scene.bert, scene.carl, scene.dora
    assert told() == {bert.id, carl.id, dora.id}
    scene.shelf.grant(carl, NO_ACCESS)
    assert told() == {bert.id, dora.id}
    database.write(lambda s: books.set_everybody(s, book_id, NO_ACCESS))
    assert told() == {bert.id}
    scene.shelf.club.leave(bert.id)
    assert told() == set()
    scene.shelf.club.join(bert.id)
    scene.shelf.grant(dora, READER)
    assert told() == {bert.id, dora.id}
