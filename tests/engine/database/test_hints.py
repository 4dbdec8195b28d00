"""Hints: whoever leaves something to the worker wakes it at once, and nothing ever depends on that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import URL, make_url

from sync import worker
from sync.database import hints
from sync.database.engine import Database, Session
from sync.database.hints import Bell, leaves_work
from sync.errors import InvalidInput
from sync.notify import errands
from sync.settings import Settings
from tests.support.databases import plain
from tests.support.factories import crowd, field, group, pending, person, set_field
from tests.support.waiting import until

postgresql = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)


@pytest.fixture
def heard(database: Database) -> Iterator[list[float]]:
    """When somebody who listens was told, since they began to listen."""
    told: list[float] = []
    over = threading.Event()
    assert database.bell is not None
    thread = threading.Thread(target=database.bell.listen, args=(lambda: told.append(time.monotonic()), over.is_set))
    thread.start()
    until(lambda: bool(told))
    told.clear()
    yield told
    over.set()
    thread.join(10)
    assert not thread.is_alive()


@postgresql
def test_whoever_listens_is_told_of_what_was_left_after_the_commit(database: Database, heard: list[float]) -> None:
    def leave(session: Session) -> None:
        leaves_work(session)
        time.sleep(0.2)
        assert heard == []

    database.write(leave)
    committed = time.monotonic()
    until(lambda: bool(heard))
    assert heard[0] - committed < 0.25
    database.write_if_free(leaves_work)
    until(lambda: len(heard) == 2)
    with database.writing() as session:
        leaves_work(session)
    until(lambda: len(heard) == 3)


@postgresql
def test_nobody_is_told_where_nothing_was_left(database: Database, heard: list[float]) -> None:
    def fail(session: Session) -> None:
        leaves_work(session)
        raise InvalidInput

    person(database, "anna")
    with pytest.raises(InvalidInput):
        database.write(fail)
    with pytest.raises(InvalidInput), database.writing() as session:
        fail(session)
    time.sleep(0.3)
    assert heard == []


@postgresql
def test_the_worker_begins_at_once_whatever_its_interval_is(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an hour between two looks, a change still reaches everybody, and an errand is done."""
    done: list[float] = []
    monkeypatch.setattr(worker, "INTERVAL", 3600.0)
    monkeypatch.setattr(worker, "SENDING_INTERVAL", 3600.0)
    monkeypatch.setattr(worker, "ERRANDS", {"call": lambda _session, _values: done.append(time.monotonic())})
    database, stop = Database(database_url, Settings(inline_viewers=3, chunk_viewers=4)), threading.Event()
    owner = person(database)
    phone = field(database, owner)
    crowd(database, owner, 9, [group(database, owner, "family", granted=[phone])])
    thread = threading.Thread(target=worker.run, args=(database, stop))
    thread.start()
    time.sleep(1)
    database.write(lambda session: errands.post(session, "call"))
    posted = time.monotonic()
    until(lambda: bool(done))
    assert done[0] - posted < 1
    set_field(database, owner, phone, "+1 555 0101")
    until(lambda: not pending(database))
    # It sleeps for an hour, but for whoever leaves something behind when it is to end.
    stop.set()
    database.write(leaves_work)
    thread.join(10)
    assert not thread.is_alive()
    database.dispose()


@postgresql
def test_a_hint_leaves_nothing_behind_on_its_connection(database: Database, heard: list[float]) -> None:
    """Behind a pooler it is another's next, whose changes must be on the disk when they are committed."""
    database.write(leaves_work)
    until(lambda: bool(heard))
    assert database.bell is not None
    connection = database.bell._connection
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    as_it_is = connection.execute("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'").fetchone()
    assert as_it_is[0] != "session"


@postgresql
def test_one_that_cannot_be_told_fails_nobody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent, because the database is gone or knows no such thing, is not tried again for a while."""
    tries: list[int] = []

    def refuse() -> object:
        tries.append(1)
        raise psycopg.OperationalError

    monkeypatch.setattr(database, "bell", Bell(refuse, psycopg.Error))
    for _ in range(3):
        database.write(leaves_work)
    assert len(tries) == 1


@postgresql
def test_whoever_listens_does_so_anew_after_the_connection_was_lost(
    database: Database, heard: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "PAUSE", 0.1)
    url: URL = make_url(database.url)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND query LIKE 'LISTEN%%'"
        assert connection.execute(others, (url.database,)).fetchall() == [(True,)]
    # It looks when it comes back, because something may have been left meanwhile.
    until(lambda: bool(heard))
    heard.clear()
    database.write(leaves_work)
    until(lambda: bool(heard))


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_sqlite_tells_nobody_and_is_looked_at(database: Database) -> None:
    assert database.bell is None
    database.write(leaves_work)


def test_threads_that_ring_at_once_lose_no_hint() -> None:
    """The last one of them is followed by a hint, whoever sends it."""
    rung: list[int] = []
    written: list[int] = []

    class Cursor:
        @property
        def connection(self) -> Cursor:
            return self

        def execute(self, text: str, *, prepare: bool) -> None:
            seen = len(written)
            assert "NOTIFY" in text
            assert not prepare
            time.sleep(0.002)
            rung.append(seen)

    bell = Bell(Cursor, psycopg.Error)

    def write() -> None:
        for _ in range(20):
            written.append(1)
            bell.ring()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rung[-1] == len(written) == 160
    assert len(rung) < len(written)
