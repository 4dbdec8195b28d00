"""
What Anna has of her own: contacts that are also somebody's card, and earlier versions of what she wrote.

Everything is made once in a database, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from sync.books import edit_conflicts, entries
from sync.contacts import apart, duplicates, linking
from sync.database.engine import Database, Session
from sync.fields import field_from_text
from sync.merging.three_way import Clash
from sync.models import Entry
from sync.revisions import address_books, versions
from sync.revisions.address_books import CONTACTS_PATH, Book

#: A contact of Anna's own that has the number of her father, who is called Chen Bo.
PAPA = "papa.vcf"
#: One that has David's number at work, and is one with his card.
DAVE = "dave.vcf"
#: One that was changed, and one that was deleted.
DENTIST, PLUMBER = "dentist.vcf", "plumber.vcf"


def made(session: Session, ids: Mapping[str, int]) -> dict[str, int]:
    """Make what Anna has, unless she has it, and return the ids of the entries by the names above."""
    anna = ids["anna"]
    book = address_books.find_book(session, anna, CONTACTS_PATH)
    assert book is not None
    if _id(session, anna, PLUMBER) is None:
        _write(session, book, PAPA, "Papa", "TEL;TYPE=CELL:+86 139 0013 9000", "NOTE:Likes tea")
        _write(session, book, DAVE, "Dave", "TEL;TYPE=WORK:+49 30 5555 0190", "NOTE:Knows a good printer")
        linking.link(session, anna, _known(session, anna, DAVE), ids["david"])
        for number in ("0100", "0101", "0102"):
            _write(session, book, DENTIST, "Dr. Zahn", f"TEL:+49 30 5555 {number}")
        _write(session, book, PLUMBER, "Plumber", "TEL:+49 30 5555 0177")
        entries.remove(session, book, PLUMBER, lambda _etag: None)
        for note in ("Owes me a book", "Gave the book back"):
            _annotate(session, book, ids["chiara"], note)
    return {name: _known(session, anna, name) for name in (PAPA, DAVE, DENTIST, PLUMBER)}


def twins(session: Session, ids: Mapping[str, int]) -> tuple[int, int]:
    """Return two contacts that may be one person, made if there are none; and one that was merged is there as well."""
    merged(session, ids)
    return _known(session, ids["anna"], "twin.vcf"), _known(session, ids["anna"], "other twin.vcf")


def merged(session: Session, ids: Mapping[str, int]) -> int:
    """Return the contact that was made one with another, made so unless it is."""
    anna = ids["anna"]
    book = address_books.find_book(session, anna, CONTACTS_PATH)
    assert book is not None
    if _id(session, anna, "gone twin.vcf") is None:
        _write(session, book, "twin.vcf", "Grandma Li", "TEL;TYPE=CELL:+86 139 0013 7000", "NOTE:Likes walnuts")
        _write(session, book, "other twin.vcf", "李奶奶", "TEL:+8613900137000", "EMAIL:li@example.org")
        _write(session, book, "kept twin.vcf", "Bakery", "TEL:+49 30 5555 0155")
        _write(session, book, "gone twin.vcf", "Bakery", "TEL:+49 30 5555 0155", "URL:https://bakery.example.org")
        one, other = (_known(session, anna, name) for name in ("kept twin.vcf", "gone twin.vcf"))
        duplicates.merge(session, anna, one, other)
        apart.keep(session, anna, one, _known(session, anna, "twin.vcf"))
    return _known(session, anna, "gone twin.vcf")


def disputed(database: Database, viewer_id: int) -> None:
    """Let two devices change the note of a contact."""
    database.write(lambda session: _dispute(session, viewer_id))


def conflict(session: Session, viewer_id: int) -> int:
    """Return a conflict of a person's, made if there is none."""
    if not (found := edit_conflicts.of_person(session, viewer_id)):
        _dispute(session, viewer_id)
        found = edit_conflicts.of_person(session, viewer_id)
    return found[0].id


def _dispute(session: Session, viewer_id: int) -> None:
    book = address_books.find_book(session, viewer_id, CONTACTS_PATH)
    assert book is not None
    _write(session, book, "disputed.vcf", "Dr. Zahn", "NOTE:later")
    clash = Clash(field_from_text("note", "later"), field_from_text("note", "earlier"))
    edit_conflicts.record(session, viewer_id, _known(session, viewer_id, "disputed.vcf"), 0, [clash])


def kept(session: Session, viewer_id: int) -> list[tuple[int, int, str]]:
    """Return entry id, revision and kind of entry of every version that is kept, the last first."""
    return [(entry.id, version.revision, entry.kind) for entry, version in versions.of_person(session, viewer_id)]


def _write(session: Session, book: Book, href: str, name: str, *lines: str) -> None:
    said = "".join(f"{line}\r\n" for line in lines)
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{href}\r\nFN:{name}\r\nN:{name};;;;\r\n{said}END:VCARD\r\n"
    entries.write(session, book, href, card.encode(), lambda _etag: None)


def _annotate(session: Session, book: Book, owner_id: int, note: str) -> None:
    """Let a device add a note to somebody's card."""
    href = session.scalars(select(Entry.href).where(Entry.viewer_id == book.viewer_id, Entry.id == owner_id)).one()
    text = next(entry.text for entry in entries.texts(session, book) if entry.href == href)
    lines = [line for line in text.split("\r\n") if not line.startswith("NOTE")]
    lines.insert(-2, f"NOTE:{note}")
    entries.write(session, book, href, "\r\n".join(lines).encode(), lambda _etag: None)


def _known(session: Session, viewer_id: int, href: str) -> int:
    found = _id(session, viewer_id, href)
    assert found is not None
    return found


def _id(session: Session, viewer_id: int, href: str) -> int | None:
    return session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.href == href)).first()
