"""Entries by their names: the same whether they are few, and read without a transaction, or many."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from sync import fields
from sync.books import entries, entry_texts, overlays
from sync.books.entries import EntryText
from sync.books.entry_texts import BATCH
from sync.database.engine import Database, Session
from sync.models import Entry
from tests.support.factories import book, book_in, connected, field, group, href_of, put, vcard
from tests.support.statements import sent


@pytest.fixture
def hrefs(database: Database) -> list[str]:
    """Return the names of an entry of each sort in anna's book, and one that nothing has; anna is the first person."""
    anna, ben, clara = connected(database, "anna", "ben", "clara")
    for owner, viewer in ((ben, anna), (clara, anna)):
        group(database, owner, "friends", [viewer], [field(database, owner, "note", "Grüße, ä")])
    put(database, anna, "three.vcf", vcard("three", "NOTE:" + "ä" * 200))
    put(database, anna, "ä four.vcf", vcard("four").replace(b"VERSION:3.0", b"VERSION:4.0"))

    def add(session: Session) -> None:
        entry = session.get_one(Entry, (anna, clara))
        overlays.store(session, entry, [fields.field_from_text("nickname", "Cla")])

    database.write(add)
    return [*(href_of(database, anna, who) for who in (anna, ben, clara)), "three.vcf", "ä four.vcf", "nothing.vcf"]


def viewer_of(database: Database, hrefs: list[str]) -> int:
    with database.reading() as session:
        return session.query(Entry).filter(Entry.href == hrefs[0]).one().viewer_id


@pytest.mark.parametrize("version", ["3.0", "4.0", None])
def test_few_names_are_answered_as_many_are(database: Database, hrefs: list[str], version: str | None) -> None:
    anna = viewer_of(database, hrefs)
    with database.reading() as session:
        expected = {entry.href: entry for entry in entries.texts(session, book_in(session, anna), version, hrefs=hrefs)}
    assert set(expected) == set(hrefs) - {"nothing.vcf"}
    many = [*hrefs, *(f"{number}.vcf" for number in range(BATCH))]
    for names in (hrefs, many):
        found: list[EntryText] = list(entries.named(database, book(database, anna), version, names))
        assert {entry.href: entry for entry in found} == expected
        assert len(found) == len(expected)
    one = list(entries.named(database, book(database, anna), version, [hrefs[1], hrefs[1]]))
    assert one == [expected[hrefs[1]]]


def test_nobody_elses_entries_are_found(database: Database, hrefs: list[str]) -> None:
    with database.reading() as session:
        ben = session.query(Entry).filter(Entry.kind == "self", Entry.href != hrefs[0]).first()
    assert ben is not None
    assert list(entries.named(database, book(database, ben.viewer_id), "3.0", hrefs)) == []


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_names_are_looked_for_by_no_plan_for_books_of_average_size(database: Database, hrefs: list[str]) -> None:
    """Which the database keeps of a statement that was prepared, however large the next book is."""
    anna = viewer_of(database, hrefs)
    kept = text("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%entry.href = ANY%'")
    many = [*hrefs, *(f"{number}.vcf" for number in range(10 * BATCH))]
    with database.reading() as session:
        list(entries.texts(session, book_in(session, anna), "3.0", hrefs=many))
        assert session.scalars(kept).all() == []


def test_few_names_need_no_transaction(database: Database, hrefs: list[str]) -> None:
    """What SQLAlchemy sends would begin and end one."""
    held = book(database, viewer_of(database, hrefs))
    with sent(database.engine) as statements:
        assert len(list(entries.named(database, held, "3.0", hrefs))) == len(hrefs) - 1
        assert statements == []
        list(entries.named(database, held, "3.0", [str(number) for number in range(BATCH + 1)]))
        assert statements


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_both_versions_of_cards_are_read_at_once_to_be_searched(
    database: Database, hrefs: list[str], version: str
) -> None:
    anna = viewer_of(database, hrefs)
    with database.reading() as session:
        mine = book_in(session, anna)
        one, other = (
            {entry.href: entry.text for entry in entries.texts(session, mine, each, hrefs=hrefs)}
            for each in (version, "4.0" if version == "3.0" else "3.0")
        )
        for names in (hrefs, None):
            with sent(database.engine) as statements:
                found = list(entry_texts.searched(session, mine, version, hrefs=names))
            # Cards on other machines are read by one more.
            assert len(statements) == 1 + database.is_distributed
            assert {entry.href: entry.text for entry, _ in found} == one
            shown = {entry.href: text for entry, text in found if entry.data is None}
            assert shown == {href: other[href] for href in hrefs[:3]}
