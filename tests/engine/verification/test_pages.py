"""Verification in pages: what one state of the database would show is found, wherever a page begins and ends."""

from __future__ import annotations

import sqlite3
import threading

import pytest
from sqlalchemy import delete, update

from sync import verification
from sync.database.engine import Database, Session
from sync.models import Base, Card, Entry, LoginName, Member
from sync.verification import Finding
from tests.support import factories
from tests.support.statements import sent


def make(database: Database, count: int) -> list[int]:
    """Make people of whom each is connected to the next, who is in a group of theirs, and return them by id."""
    everybody = [factories.person(database, f"p{number}") for number in range(count)]
    for one, other in zip(everybody, [*everybody[1:], everybody[0]], strict=True):
        factories.connect(database, one, other)
        factories.group(database, one, "family", [other], [factories.field(database, one)])
        factories.put(database, one, "kept.vcf", factories.vcard("kept"))
    return sorted(everybody)


def harm(database: Database, people: list[int]) -> None:
    """Do something to what everybody has: to cards, groups, entries and logins."""

    def change(session: Session) -> None:
        for number, each in enumerate(people):
            harms = (
                update(Card).where(Card.owner_id == each).values(body_3=Card.body_3 + "EMAIL:a@b\r\n"),
                delete(Member).where(Member.owner_id == each),
                update(Entry).where(Entry.viewer_id == each, Entry.id != each).values(revision=99),
                delete(LoginName).where(LoginName.account_id == each),
            )
            session.execute(harms[number % len(harms)])

    database.write(change)


def in_pages(database: Database, after: int = 0) -> list[Finding]:
    """Return what is found page by page."""
    return [finding for checked in verification.in_pages(database, after) for finding in checked.findings]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_no_border_of_a_page_hides_or_invents_a_fault(
    database: Database, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = make(database, 7)
    monkeypatch.setattr(verification.page, "__defaults__", (size,))
    assert in_pages(database) == []
    harm(database, people)
    with database.reading() as session:
        whole = verification.page(session, 0, 100)
        assert whole is not None
        assert len(whole.findings) > len(people)
        assert [each for each in verification.findings(session) if each.login] == whole.findings
    assert [each for each in in_pages(database) if each.login] == whole.findings


def test_what_was_begun_is_gone_on_with(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification.page, "__defaults__", (2,))
    people = make(database, 7)
    harm(database, people)
    every = [each for each in verification.in_pages(database) if each.count]
    assert [checked.id for checked in every] == [people[1], people[3], people[5], people[6]]
    for number, checked in enumerate(every):
        later = [finding for each in every[number + 1 :] for finding in each.findings]
        assert in_pages(database, checked.id) == later
        with database.reading() as session:
            assert verification.size(session, checked.id) == sum(each.count for each in every[number + 1 :])


def test_more_people_on_a_page_take_no_more_statements(database: Database) -> None:
    people = make(database, 8)
    counts = []
    for count in (2, 8):
        with database.reading() as session, sent(database.engine) as statements:
            checked = verification.page(session, people[0] - 1, count)
            assert checked is not None
            assert checked.count == count
        counts.append(len(statements))
    assert counts[0] == counts[1] < 60


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_a_page_reads_no_table_as_a_whole(database: Database) -> None:
    """Or the time that everybody takes would grow with the square of their number."""
    people = make(database, 3)
    with database.reading() as session, sent(database.engine) as statements:
        verification.page(session, people[0] - 1, 2)
    tables = {*Base.metadata.tables}
    with sqlite3.connect(str(database.url.database)) as connection:
        for text in statements:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * text.count("?")).fetchall()
            scanned = {row[3].split()[1] for row in plan if row[3].startswith("SCAN ")}
            assert scanned & tables == set(), text
    connection.close()


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_it_keeps_nobody_waiting_and_holds_no_snapshot(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two pages the write-ahead log can be emptied, and others write while one is looked at."""
    monkeypatch.setattr(verification.page, "__defaults__", (1,))
    people = make(database, 4)
    checked = verification.in_pages(database)
    for number, _ in enumerate(checked):
        factories.put(database, people[0], "kept.vcf", factories.vcard("kept", f"NOTE:{number}"))
        connection = sqlite3.connect(str(database.url.database))
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.close()
        assert busy == 0


def test_what_changes_meanwhile_is_no_fault(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """People come, part and change what they show between two pages, and while one is looked at."""
    monkeypatch.setattr(verification.page, "__defaults__", (1,))
    people = make(database, 5)
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            one = people[number % len(people)]
            field = factories.field(database, one, "note", f"note {number}")
            factories.set_field(database, one, field, f"other {number}", "note")
            factories.put(database, one, f"{number}.vcf", factories.vcard(f"u{number}"))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(3):
            assert in_pages(database) == []
    finally:
        stop.set()
        thread.join()
