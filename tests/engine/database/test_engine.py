"""The database: transactions that are run again, snapshots that stay, and connections that come back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from sync.database import engine as database_module
from sync.database import sqlite
from sync.database.engine import Database, Session, among, parse_url
from sync.errors import DatabaseUnavailable, InvalidInput
from sync.models import Account, AddressBook
from sync.revisions import address_books
from sync.revisions.address_books import raise_revisions
from sync.sign_in.credentials import Gate
from tests.support.databases import plain
from tests.support.factories import book, book_in, contents, people, person, put, revisions, vcard
from tests.support.people import register

on_sqlite = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)


def end_connections(database: Database) -> None:
    """Let the server close every connection that anybody has to the database."""
    with psycopg.connect(plain(database.url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            (database.url.database, connection.info.backend_pid),
        )


def fail_with(session: Session, state: str) -> None:
    """Let PostgreSQL report an error of this SQLSTATE."""
    session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"))


@on_postgresql
@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P01", "08006"])
def test_a_transaction_is_run_again_from_its_beginning(database: Database, state: str) -> None:
    """What the failed attempt did is not there; what it returned is not returned."""
    anna = person(database)
    before = revisions(database, [anna])
    attempts: list[int] = []

    def change(session: Session) -> int:
        raise_revisions(session, [anna], 1)
        attempts.append(1)
        if len(attempts) < 3:
            fail_with(session, state)
        return len(attempts)

    assert database.write(change) == 3
    assert revisions(database, [anna]) == {anna: before[anna] + 1}


@on_postgresql
@pytest.mark.parametrize(("state", "error"), [("23505", IntegrityError), ("22012", DBAPIError)])
def test_what_would_fail_again_is_not_tried_again(database: Database, state: str, error: type[Exception]) -> None:
    attempts: list[int] = []

    def change(session: Session) -> None:
        attempts.append(1)
        fail_with(session, state)

    with pytest.raises(error):
        database.write(change)
    assert len(attempts) == 1


@on_postgresql
def test_a_transaction_that_fails_for_ever_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "ATTEMPTS", 3)
    attempts: list[int] = []

    def change(session: Session) -> None:
        attempts.append(1)
        fail_with(session, "40001")

    with pytest.raises(DatabaseUnavailable):
        database.write(change)
    assert len(attempts) == 3


@pytest.fixture
def impatient(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A SQLite database that waits for a lock only briefly before it tries again."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 20)
    database = Database(database_url)
    yield database
    database.dispose()


@contextmanager
def written_by_another(database: Database, statement: str) -> Iterator[None]:
    """Let somebody else be in the middle of a transaction that runs *statement*."""
    with database.writing() as session:
        session.execute(text(statement))
        yield
        session.rollback()


def test_what_does_not_matter_now_is_not_waited_for(database: Database) -> None:
    """It is left alone while somebody else writes, and written once they do not."""
    anna = person(database, "anna")
    renaming = update(Account).where(Account.id == anna).values(login="anna.2")
    with written_by_another(database, "UPDATE account SET login = 'anna.1'"):
        assert not database.write_if_free(lambda session: session.execute(renaming))
    with database.reading() as session:
        assert session.get_one(Account, anna).login == "anna"
    assert database.write_if_free(lambda session: session.execute(renaming))
    with database.reading() as session:
        assert session.get_one(Account, anna).login == "anna.2"


def test_what_does_not_matter_now_fails_by_its_own_fault_all_the_same(database: Database) -> None:
    with pytest.raises(DBAPIError):
        database.write_if_free(lambda session: session.execute(text("SELECT nothing FROM nowhere")))


@on_sqlite
def test_a_writer_waits_for_another_and_then_gives_up(impatient: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = person(impatient)
    other = sqlite3.connect(str(impatient.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.4, other.rollback)
    release.start()
    put(impatient, anna, "a.vcf", vcard())
    release.join()
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(database_module, "ATTEMPTS", 3)
    with pytest.raises(DatabaseUnavailable):
        put(impatient, anna, "b.vcf", vcard("b"))
    assert [head.uid for head in contents(impatient, anna) if head.kind == "private"] == ["one"]
    other.close()


@on_sqlite
def test_what_was_committed_survives_a_loss_of_power(database: Database) -> None:
    with database.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_an_error_of_ours_takes_the_transaction_back(database: Database) -> None:
    anna = person(database)
    before = book(database, anna)

    def change(session: Session) -> None:
        raise_revisions(session, [anna], 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(change)
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        change(session)
    assert book(database, anna) == before


def test_a_reader_sees_one_state_whatever_is_committed_meanwhile(database: Database) -> None:
    anna = person(database)
    with database.reading() as session:
        before = book_in(session, anna)
        put(database, anna, "a.vcf", vcard())
        other = person(database)
        assert book_in(session, anna) == before
        assert session.get(Account, other) is None
    assert book(database, anna).revision == before.revision + 1


def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    anna = person(database)
    before = book(database, anna)
    with database.reading() as session:
        raise_revisions(session, [anna], 1)
    assert book(database, anna) == before


@on_postgresql
def test_connections_that_the_server_closed_are_replaced(database: Database) -> None:
    """A poll, a reader and a writer go on as if nothing had happened."""
    anna = register(database, "anna")
    gate = Gate(database)
    assert gate.admit(anna.login, anna.password) is not None
    for _ in range(2):
        end_connections(database)
        assert gate.admit(anna.login, anna.password) is not None
        end_connections(database)
        assert book(database, anna.id).revision == 1
        end_connections(database)
        database.write(lambda session: address_books.set_title(session, book_in(session, anna.id), "Friends"))


@on_postgresql
def test_only_a_connection_that_the_server_spoke_on_is_asked_whether_it_is_alive(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    dialect: Any = database.engine.dialect
    ping = dialect.do_ping

    def noting(connection: Any) -> Any:
        asked.append(connection)
        return ping(connection)

    monkeypatch.setattr(dialect, "do_ping", noting)
    anna = person(database)
    for _ in range(3):
        database.write(lambda session: raise_revisions(session, [anna], 1))
    told = book(database, anna).revision
    assert asked == []
    end_connections(database)
    assert book(database, anna).revision == told
    assert asked != []


@on_postgresql
def test_a_transaction_whose_connection_is_lost_is_run_again(database: Database) -> None:
    anna = person(database)
    before = revisions(database, [anna])
    attempts: list[int] = []

    def change(session: Session) -> None:
        raise_revisions(session, [anna], 1)
        attempts.append(1)
        if len(attempts) == 1:
            end_connections(database)
        session.scalars(select(AddressBook.revision)).all()

    database.write(change)
    assert len(attempts) == 2
    assert revisions(database, [anna]) == {anna: before[anna] + 1}


def test_each_thread_polls_on_a_connection_of_its_own(database: Database) -> None:
    anna = register(database, "anna")
    gate = Gate(database)
    found: list[object] = []

    def poll() -> None:
        found.extend(gate.admit(anna.login, anna.password) for _ in range(20))
        database.dispose()

    threads = [threading.Thread(target=poll) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert None not in found


def test_any_number_of_ids_is_one_parameter(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    with database.reading() as session:
        for ids, expected in (([], []), ([anna], [anna]), ([anna, bert, 2**63 - 1, -1], sorted([anna, bert]))):
            chosen = select(Account.id).where(among(session, Account.id, ids)).order_by(Account.id)
            assert session.scalars(chosen).all() == expected


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://localhost/a", "sqlite://", "sqlite:///:memory:", "oracle://x/y", "://", "postgresql"],
)
def test_what_is_no_url_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        parse_url(url)


def test_a_database_is_found_by_the_usual_urls(tmp_path: Path) -> None:
    assert parse_url("sqlite:///a.sqlite").database == str(Path("a.sqlite").absolute())
    for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        assert parse_url(f"{scheme}://anna@localhost/evercard").drivername == "postgresql+psycopg"


def test_a_database_that_is_not_there_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text names no host, no file and no password."""
    monkeypatch.setattr(database_module, "ATTEMPTS", 2)
    for url in (f"sqlite:///{tmp_path}/missing/secret.sqlite", f"postgresql://u:secret@/none?host={tmp_path}/secret"):
        database = Database(url)
        attempts: list[Callable[[Database], object]] = [
            lambda database: database.quick("SELECT 1", ()),
            lambda database: database.write(lambda session: session.execute(select(1))),
            lambda database: book(database, 1),
        ]
        for attempt in attempts:
            with pytest.raises(DatabaseUnavailable) as caught:
                attempt(database)
            assert "secret" not in str(caught.value)
        database.dispose()
