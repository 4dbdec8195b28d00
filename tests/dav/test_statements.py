"""How many statements each request takes that phones send all day: no more than its work needs, and none twice."""

from __future__ import annotations

import base64
import contextlib
import io
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Connection, event

from sync.database.engine import Database, Session
from sync.pipeline.line import Line
from sync.revisions import address_books
from sync.sharing import grants
from sync.sharing.visibility import fields_of
from sync.vcard import photos, pictures
from tests.dav.asking import BOOK, put, report, sync_body, token
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Site
from tests.support.statements import sent

#: Besides those that only read, alone and without a transaction: who is it, and what is in the book.
PRIVATE, NEW = 10, 10
#: PostgreSQL is asked to lock address books in their order.
OWN = {"sqlite": 17, "postgresql": 18}
#: Round trips to PostgreSQL for them, from BEGIN to COMMIT.
PRIVATE_TRIPS, OWN_TRIPS = 5, 6
FIELDS = (*(f"EMAIL:x{number}@example.org" for number in range(6)), "ORG:Example", "TITLE:Boss", "BDAY:1980-04-12")


@dataclass
class Sent:
    """Statements of transactions, and how many went without one."""

    statements: list[str] = field(default_factory=list)
    quick: int = 0


@contextlib.contextmanager
def counted(database: Database) -> Iterator[Sent]:
    """Yield what this thread sends inside the block."""
    found = Sent()

    def note(_seconds: float) -> None:
        found.quick += 1

    database.observe_quick(note)
    with sent(database.engine) as statements:
        found.statements = statements
        yield found
    database.observe_quick(lambda _seconds: None)


@pytest.fixture
def watched(site: Site, anna: Person) -> Person:
    """Return somebody whose card of eleven fields three people see, with a private contact."""
    own, uid = own_entry(site, anna)
    factories.connect(site.database, anna.id, *(factories.person(site.database) for _ in range(3)))
    put(site, anna, BOOK + own, card(uid, 0))
    everybody = factories.everybody_connected(site.database, anna.id)

    def show(session: Session) -> None:
        grants.grant(session, anna.id, everybody, [each.id for each in fields_of(session, anna.id)])

    site.database.write(show)
    put(site, anna, f"{BOOK}private.vcf", card("private", 0))
    put(site, anna, f"{BOOK}private.vcf", card("private", 1))
    return anna


def own_entry(site: Site, person: Person) -> tuple[str, str]:
    name = factories.href_of(site.database, person.id, person.id)
    return name, next(each.uid for each in factories.contents(site.database, person.id) if each.href == name)


def _oneline(statements: list[str]) -> list[str]:
    return [" ".join(text.split()) for text in statements]


def card(uid: str, number: int) -> bytes:
    return factories.vcard(uid, f"TEL;TYPE=CELL:+49 170 {number:07d}", *FIELDS)


def test_a_private_card_is_stored_with_a_statement_for_each_table(site: Site, watched: Person) -> None:
    with counted(site.database) as found:
        assert put(site, watched, f"{BOOK}private.vcf", card("private", 2)).status == 204
    assert len(found.statements) <= PRIVATE, found.statements
    assert len(set(found.statements)) == len(found.statements)
    assert found.quick == 1


def test_what_lists_know_of_a_private_card_is_stored_only_where_it_is_another(site: Site, watched: Person) -> None:
    noted = card("private", 1).replace(b"END:VCARD", b"NOTE:Another\r\nEND:VCARD")
    with counted(site.database) as found:
        assert put(site, watched, f"{BOOK}private.vcf", noted).status == 204
    assert len(found.statements) < PRIVATE, found.statements
    assert not any("contact_list_key" in text for text in found.statements)


def test_a_card_that_is_new_is_looked_for_by_its_uid_besides(site: Site, watched: Person) -> None:
    with counted(site.database) as found:
        assert put(site, watched, f"{BOOK}new.vcf", card("new", 1)).status == 201
    assert len(found.statements) <= NEW, found.statements


def test_storing_what_is_there_already_changes_nothing(site: Site, watched: Person) -> None:
    put(site, watched, f"{BOOK}private.vcf", card("private", 2))
    with counted(site.database) as found:
        put(site, watched, f"{BOOK}private.vcf", card("private", 2))
    assert [text for text in found.statements if not text.startswith("SELECT")] == []


def test_a_card_of_many_fields_is_stored_with_as_many_statements_as_one_of_few(site: Site, watched: Person) -> None:
    own, uid = own_entry(site, watched)
    with counted(site.database) as found:
        assert put(site, watched, BOOK + own, card(uid, 1)).status == 204
    assert len(found.statements) <= OWN[site.database.engine.dialect.name], found.statements
    put(site, watched, BOOK + own, factories.vcard(uid, "TEL;TYPE=CELL:+49 170 1"))
    with counted(site.database) as few:
        put(site, watched, BOOK + own, factories.vcard(uid, "TEL;TYPE=CELL:+49 170 2"))
    assert len(found.statements) <= len(few.statements)


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_statements_go_to_the_server_together_as_far_as_no_answer_is_needed(
    site: Site, watched: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    this, exchange = threading.get_ident(), Line._exchange

    def count(line: Line, commands: Any, found: Any) -> None:
        if threading.get_ident() == this:
            trips.append(len(commands))
        exchange(line, commands, found)

    own, uid = own_entry(site, watched)
    monkeypatch.setattr(Line, "_exchange", count)
    for name, number, most in (("private.vcf", "private", PRIVATE_TRIPS), (own, uid, OWN_TRIPS)):
        trips.clear()
        assert put(site, watched, BOOK + name, card(number, 4)).status == 204
        assert len(trips) <= most, trips
        # COMMIT goes with what comes before it.
        assert trips[-1] > 1


def test_no_table_is_read_twice_for_ones_own_card(site: Site, watched: Person) -> None:
    own, uid = own_entry(site, watched)
    with counted(site.database) as found:
        assert put(site, watched, BOOK + own, card(uid, 3)).status == 204
    read = [text for text in _oneline(found.statements) if text.startswith("SELECT") and " FROM " in text]
    count = Counter(text.partition(" FROM ")[2].split()[0] for text in read)
    assert {table for table in count if count[table] > 1} == set()


@pytest.mark.parametrize("path", ["contacts", "work"])
def test_a_poll_takes_no_transaction_whatever_the_book(site: Site, watched: Person, path: str) -> None:
    site.database.write(lambda session: address_books.create(session, watched.id, "work"))
    book = f"/{watched.login}/{path}/"
    at = token(report(site, watched, sync_body(), path=book))
    with counted(site.database) as found:
        assert token(report(site, watched, sync_body(at), path=book)) == at
    assert (found.statements, found.quick) == ([], 1 if path == "contacts" else 2)


def test_a_poll_after_a_change_takes_no_transaction(site: Site, watched: Person) -> None:
    before = token(report(site, watched, sync_body()))
    put(site, watched, f"{BOOK}private.vcf", card("private", 3))
    with counted(site.database) as found:
        answer = report(site, watched, sync_body(before))
    assert b"private.vcf" in answer.body
    assert (found.statements, found.quick) == ([], 2)


@ON_SQLITE
def test_pictures_are_looked_at_before_anybody_is_kept_from_writing(
    site: Site, watched: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    normalized = pictures.normalize

    def noting(data: bytes, square: photos.Square | None = None) -> bytes:
        done.append("looked")
        return normalized(data, square)

    own, uid = own_entry(site, watched)
    drawn = io.BytesIO()
    Image.new("RGB", (900, 700), "red").save(drawn, "PNG")
    body = factories.vcard(uid, f"PHOTO;ENCODING=b;TYPE=PNG:{base64.b64encode(drawn.getvalue()).decode()}", *FIELDS)
    monkeypatch.setattr(pictures, "normalize", noting)
    this = threading.get_ident()

    def note(_connection: Connection) -> None:
        if threading.get_ident() == this:
            done.append("began")

    event.listen(site.database.engine, "begin", note)
    assert put(site, watched, BOOK + own, body).status == 204
    assert done[:2] == ["looked", "began"], done
    assert done.count("looked") == 1


@ON_SQLITE
def test_storing_a_card_reads_no_whole_book(site: Site, watched: Person) -> None:
    """But to count the entries where there comes one more."""
    read: list[str] = []

    def explain(connection: Connection, _cursor: Any, text: str, values: Any, *_rest: Any) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE")) and "count(*)" not in text:
            cursor = connection.connection.cursor()
            read.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {text}", values))

    event.listen(site.database.engine, "before_cursor_execute", explain)
    for name in ("private", "new"):
        put(site, watched, f"{BOOK}{name}.vcf", card(name, 5))
    event.remove(site.database.engine, "before_cursor_execute", explain)
    assert [step for step in read if step.startswith("SEARCH entry ")]
    assert [step for step in read if step.endswith("(viewer_id=?)") and " entry " in step] == []
