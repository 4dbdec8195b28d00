"""What devices replaced or deleted, and bringing it back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from sync import settings, verification
from sync.accounts import usage
from sync.books import entries, restoring
from sync.contacts import linking
from sync.database.engine import Database
from sync.errors import Conflict, NotFound, UIDConflict
from sync.models import AddressBook, Entry, EntryVersion, VersionTotal, now
from sync.revisions import address_books, versions
from sync.revisions.address_books import Book
from sync.revisions.versions import Kept, superfluous
from sync.settings import Limits, Settings
from tests.support import factories
from tests.support.statements import sent


def kept(database: Database, viewer_id: int) -> list[tuple[int, int, bytes]]:
    """Return entry id, revision and content of everything that is kept of a person's, the newest first."""
    with database.reading() as session:
        found = versions.of_person(session, viewer_id)
        return [(entry.id, version.revision, version.content) for entry, version in found]


def restore(database: Database, viewer_id: int, entry_id: int, revision: int) -> None:
    """Bring a version back."""
    book = factories.book(database, viewer_id)
    database.write(lambda session: restoring.restore(session, book, entry_id, revision))


def text(database: Database, viewer_id: int, href: str) -> str:
    """Return what a device gets of an entry, empty when it is gone."""
    return next((found.text for found in factories.contents(database, viewer_id) if found.href == href), "")


def test_what_was_replaced_and_deleted_comes_back(database: Database) -> None:
    """A private contact has every version that a device gave it, byte for byte, also after it was deleted."""
    (anna,) = factories.people(database, "anna")
    one, two = factories.vcard("u", "NOTE:one"), factories.vcard("u", "NOTE:two")
    for data in (one, two, two):
        factories.put(database, anna, "x.vcf", data)
    factories.delete(database, anna, "x.vcf")
    found = kept(database, anna)
    assert [content for _, _, content in found] == [two, one]
    before = factories.book(database, anna).revision
    restore(database, anna, *found[1][:2])
    assert text(database, anna, "x.vcf") == one.decode()
    assert factories.book(database, anna).revision == before + 1
    restore(database, anna, *found[0][:2])
    assert text(database, anna, "x.vcf") == two.decode()
    assert one in [content for _, _, content in kept(database, anna)]


def test_an_overlay_that_was_overwritten_comes_back(database: Database) -> None:
    """What a viewer added can be restored, and is still seen by nobody else."""
    anna, bao = factories.connected(database, "anna", "bao")
    href = factories.href_of(database, bao, anna)
    clean = text(database, bao, href)
    for note in ("one", "two"):
        factories.put(database, bao, href, clean.replace("END:VCARD", f"NOTE:{note}\r\nEND:VCARD").encode())
    assert "NOTE:two" in text(database, bao, href)
    ((entry_id, revision, _),) = kept(database, bao)
    restore(database, bao, entry_id, revision)
    assert "NOTE:one" in text(database, bao, href)
    assert kept(database, anna) == []


def test_a_version_whose_uid_was_taken_stays_where_it_is(database: Database) -> None:
    """Two entries never have one UID, not even by restoring; and what is not kept is not found."""
    (anna,) = factories.people(database, "anna")
    factories.put(database, anna, "x.vcf", factories.vcard("u"))
    factories.delete(database, anna, "x.vcf")
    factories.put(database, anna, "y.vcf", factories.vcard("u"))
    ((entry_id, revision, _),) = kept(database, anna)
    with pytest.raises(UIDConflict):
        restore(database, anna, entry_id, revision)
    with pytest.raises(NotFound):
        restore(database, anna, entry_id, revision + 100)
    assert text(database, anna, "x.vcf") == ""


def test_versions_are_paged_and_found_one_by_one(database: Database) -> None:
    anna, bao = factories.people(database, "anna", "bao")
    for note in ("one", "two", "three"):
        factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:{note}"))
    everything = kept(database, anna)
    with database.reading() as session:
        pages = [versions.of_person(session, anna, count=1, offset=at) for at in range(3)]
        assert [[version.content for _, version in found] for found in pages] == [
            [everything[0][2]],
            [everything[1][2]],
            [],
        ]
        entry_id, revision, content = everything[1]
        entry, version = versions.find(session, anna, entry_id, revision)
        assert (entry.id, version.content) == (entry_id, content)
        for viewer, number in ((anna, revision + 100), (bao, revision)):
            with pytest.raises(NotFound):
                versions.find(session, viewer, entry_id, number)
    with pytest.raises(NotFound):
        database.write(lambda session: restoring.bring_back(session, bao, entry_id, revision))
    database.write(lambda session: restoring.bring_back(session, anna, entry_id, revision))
    assert text(database, anna, "x.vcf").encode() == content


def test_a_contact_that_is_one_with_a_card_does_not_come_back_beside_it(database: Database) -> None:
    anna, bao = factories.connected(database, "anna", "bao")
    factories.put(database, anna, "x.vcf", factories.vcard("u"))
    with database.reading() as session:
        entry_id = next(entry.id for entry in session.query(Entry) if entry.href == "x.vcf")
    database.write(lambda session: linking.link(session, anna, entry_id, bao))
    ((_, revision, _),) = kept(database, anna)
    with pytest.raises(Conflict):
        restore(database, anna, entry_id, revision)
    database.write(lambda session: linking.unlink(session, anna, entry_id))
    restore(database, anna, entry_id, revision)
    assert text(database, anna, "x.vcf") == factories.vcard("u").decode()


def test_versions_are_kept_for_as_long_as_the_settings_say(database_url: str) -> None:
    """What is older than that goes with the person's next change, and with 0 days nothing is kept at all."""
    for days, left in ((30, 1), (0, 0)):
        database = Database(database_url, Settings(keep_versions_days=days))
        try:
            (anna,) = factories.people(database, f"anna{days}")
            for note in ("one", "two"):
                factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:{note}"))
            assert len(kept(database, anna)) == left

            def grow_old(session: object) -> None:
                for version in session.query(EntryVersion):  # type: ignore[attr-defined]
                    version.replaced_at -= 31 * 86_400
                for total in session.query(VersionTotal):  # type: ignore[attr-defined]
                    total.oldest -= 31 * 86_400

            database.write(grow_old)
            factories.put(database, anna, "x.vcf", factories.vcard("u", "NOTE:three"))
            assert [content for _, _, content in kept(database, anna)] == [factories.vcard("u", "NOTE:two")] * left
        finally:
            database.dispose()


@pytest.mark.parametrize(("number", "size"), [(10, 10**9), (10**9, 1_000)])
def test_of_each_entry_the_last_versions_stay_for_longest(number: int, size: int) -> None:
    """And of those before, the fewer the older they are; an entry that changed once keeps its one."""
    often = [Kept(1, revision, revision, 100) for revision in range(1_000, 0, -1)]
    once = [Kept(2, 1, 1, 100)]
    gone = set(superfluous([*often, *once], number, size))
    left = [each.revision for each in often if each not in gone]
    assert len(left) == 9
    assert not gone & set(once)
    assert left[0] == 1_000
    gaps = [newer - older for newer, older in pairwise(left)]
    assert gaps[0] <= gaps[-1]


def test_where_every_entry_has_one_version_the_oldest_goes() -> None:
    kept = [Kept(entry, 1, 100 - entry, 10) for entry in range(50)]
    assert superfluous(kept, 49, 10**9) == [kept[-1]]
    assert superfluous(kept, 50, 500) == []
    assert len(superfluous(kept, 0, 0)) == 50


def test_what_is_kept_has_a_budget(database_url: str) -> None:
    """Whoever puts a large card again and again fills no disk; others keep what they have."""
    limits = Limits(versions_size=1_000_000)
    database = Database(database_url, Settings(limits=limits))
    anna, bao = factories.people(database, "anna", "bao")
    for number in range(3):
        factories.put(database, bao, "x.vcf", factories.vcard("u", f"NOTE:{number}"))
    for number in range(60):
        factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:{number:0100000d}"))
    database.write(lambda session: versions.thin_out(session, anna))
    last = kept(database, anna)
    assert sum(len(content) for _, _, content in last) <= limits.versions_size
    assert last[0][2] == factories.vcard("u", f"NOTE:{58:0100000d}")
    assert len(kept(database, bao)) == 2
    database.dispose()


def test_the_budget_holds_after_every_change_whatever_else_is_changed_in_between(database_url: str) -> None:
    """Whoever spreads over many entries, and chooses when which is changed, keeps no more than anybody else."""
    database = Database(database_url, Settings(limits=settings.Limits(versions=5, versions_size=4_000)))
    (anna,) = factories.people(database, "anna")
    for number in range(6):
        for place in range(5):
            card = factories.vcard(f"u{place}", f"NOTE:{number:0600d}")
            factories.put(database, anna, f"{place}.vcf", card)
            if factories.book(database, anna).revision % 16 == 15:
                factories.put(database, anna, f"new {number} {place}.vcf", factories.vcard(f"n{number}{place}"))
            sizes = [len(content) for _, _, content in kept(database, anna)]
            assert len(sizes) <= 5
            assert sum(sizes) <= 4_000
    database.dispose()


def old_keep(database: Database, viewer_id: int, entry_id: int, revision: int, content: bytes) -> None:
    """Keep something as a release does that knows of no totals."""

    def change(session: Session) -> None:
        at = now()
        kept = EntryVersion(viewer_id=viewer_id, entry_id=entry_id, revision=revision, replaced_at=at, content=content)
        session.add(kept)
        address_books.raise_revisions(session, [viewer_id], at)

    database.write(change)


def test_the_budget_holds_while_a_release_writes_as_well_that_knows_no_totals(database_url: str) -> None:
    """Whatever it keeps in between is counted, and what was there before anybody knew the number."""
    database = Database(database_url, Settings(limits=settings.Limits(versions=5)))
    (anna,) = factories.people(database, "anna")
    for number in range(2):
        factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:{number}"))
    with database.reading() as session:
        entry_id = next(entry.id for entry in session.query(Entry) if entry.href == "x.vcf")
    for number in range(12):
        old_keep(database, anna, entry_id, -number - 1, b"old")
        if number % 3:
            factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:again {number}"))
            assert len(kept(database, anna)) <= 5
    database.dispose()


def test_what_is_known_of_versions_is_what_is_there(database: Database) -> None:
    """Whatever is kept, in whichever book, and whatever goes with a book."""
    (anna,) = factories.people(database, "anna")
    work = database.write(lambda session: address_books.create(session, anna, "work"))

    def put(book: Book, number: int) -> None:
        card = factories.vcard(f"u{book.id}", f"NOTE:{number}")
        database.write(lambda session: entries.write(session, book, "x.vcf", card, lambda _: None))

    def known() -> list[tuple[int, int]]:
        with database.reading() as session:
            assert versions.miscounted(session, anna, anna) == []
            ours = select(func.sum(AddressBook.revision)).where(AddressBook.viewer_id == anna).scalar_subquery()
            totals = select(VersionTotal.number, VersionTotal.size).where(VersionTotal.raised == ours)
            return [(number, size) for number, size in session.execute(totals)]

    def there() -> tuple[int, int]:
        sizes = [len(content) for _, _, content in kept(database, anna)]
        return len(sizes), sum(sizes)

    for number in range(3):
        for book in (work, factories.book(database, anna)):
            put(book, number)
            assert known() in ([there()], [])
    assert known() == [there()] == [(4, there()[1])]
    database.write(lambda session: address_books.remove(session, work))
    assert there()[0] == 2
    assert known() == []
    put(factories.book(database, anna), 3)
    assert known() == [there()]


def test_a_wrong_total_is_found_and_mended(database: Database) -> None:
    (anna,) = factories.people(database, "anna")
    for number in range(3):
        factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:{number}"))
    assert list(found_by_verify(database)) == []
    database.write(lambda session: session.execute(update(VersionTotal).values(number=1)))
    (problem,) = found_by_verify(database)
    assert "evercard verify --repair" in problem
    verification.repair(database)
    assert list(found_by_verify(database)) == []


def found_by_verify(database: Database) -> list[str]:
    """Return what verification says."""
    with database.reading() as session:
        return [str(each) for each in verification.findings(session)]


def test_nothing_else_is_sent_as_long_as_there_is_room(database: Database) -> None:
    (anna,) = factories.people(database, "anna")
    counts = []
    for number in range(40):
        with sent(database.engine) as statements:
            factories.put(database, anna, "x.vcf", factories.vcard("u", f"NOTE:{number}"))
        counts.append(len(statements))
    # With the first that is kept all are counted; not with those that follow.
    assert set(counts[2:]) == {counts[1] - 1}


def test_an_administrator_sees_who_takes_how_much(database: Database) -> None:
    anna, bao = factories.people(database, "anna", "bao")
    card = factories.vcard("u", "NOTE:" + "x" * 1_000)
    for number in range(2):
        factories.put(database, anna, "x.vcf", card + b"\r\n" * number)
    factories.field(database, bao)
    with database.reading() as session:
        of_anna, of_bao = usage.of_everybody(session)
    assert (of_anna.login, of_anna.entries, of_anna.profile) == ("anna", 1, 0)
    assert of_anna.versions == len(card)
    assert of_anna.octets == of_anna.contacts + of_anna.versions
    assert of_bao.profile == of_bao.history > 0
