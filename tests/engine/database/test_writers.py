"""Those who write to a SQLite database: in turn, whichever process they are of."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from sync.database.engine import Database, Session
from sync.database.writers import Writers, _Place
from sync.errors import DatabaseUnavailable
from sync.models import Account
from tests.support.factories import person

on_sqlite = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)


def test_who_came_first_is_next(tmp_path: Path) -> None:
    writers, order = Writers(tmp_path / "x"), list[int]()
    threads = []

    def come(number: int) -> None:
        with writers.turn(30):
            order.append(number)

    with writers.turn(0):
        for number in range(8):
            threads.append(threading.Thread(target=come, args=(number,)))
            threads[-1].start()
            while len(writers._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_gives_up_is_not_waited_for(tmp_path: Path) -> None:
    writers = Writers(tmp_path / "x")
    with writers.turn(0) as came, writers.turn(0.01) as other:
        assert (came, other) == (True, False)
    with writers.turn(0) as came:
        assert came


def test_where_there_can_be_no_gate_writers_go_on_without(tmp_path: Path) -> None:
    with Writers(tmp_path / "none" / "x").gate(1, closed=True):
        assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("closed", [True, False])
def test_nobody_passes_a_gate_that_is_closed(tmp_path: Path, *, closed: bool) -> None:
    with Writers(tmp_path / "x").gate(0, closed=True):
        began = time.monotonic()
        with Writers(tmp_path / "x").gate(0.1, closed=closed):
            assert time.monotonic() - began >= 0.1
    assert (tmp_path / "x-queue").stat().st_mode & 0o777 == 0o600


def test_an_open_gate_lets_everybody_through(tmp_path: Path) -> None:
    with Writers(tmp_path / "x").gate(0, closed=False):
        began = time.monotonic()
        for closed in (False, True):
            with Writers(tmp_path / "x").gate(30, closed=closed):
                assert time.monotonic() - began < 15


def test_who_comes_later_goes_first_only_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that runs need not wait until one that sleeps is awake, but not for ever."""
    for long, came in ((60.0, True), (0.0, False)):
        monkeypatch.setattr("sync.database.writers.LONG", long)
        writers = Writers(tmp_path / "x")
        writers._waiting.append(_Place(time.monotonic(), threading.Event()))
        with writers.turn(0) as taken:
            assert taken == came


@contextmanager
def processes(url: str, count: int) -> Iterator[list[Database]]:
    """Open a database as so many processes do that know nothing of each other."""
    with ExitStack() as stack:
        databases = [Database(url) for _ in range(count)]
        for database in databases:
            stack.callback(database.dispose)
        yield databases


@on_sqlite
def test_nobody_waits_for_long_among_many_writers(database: Database, database_url: str) -> None:
    """Whose turn comes round, also in a process that many threads of another one write beside without a pause."""
    anna = person(database)
    waits: list[float] = []
    until = time.monotonic() + 6

    def change(session: Session) -> None:
        session.execute(update(Account).where(Account.id == anna).values(login="anna"))
        time.sleep(0.02)

    def keep_writing(through: Database) -> None:
        while (began := time.monotonic()) < until:
            through.write(change)
            waits.append(time.monotonic() - began)

    with processes(database_url, 2) as (many, one):
        threads = [threading.Thread(target=keep_writing, args=(through,)) for through in (*[many] * 8, one)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(waits) < 4, (max(waits), len(waits))


@on_sqlite
def test_a_queue_that_does_not_move_is_left(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.database.engine.PATIENCE", 0.2)
    writers = database._writers
    assert writers is not None
    with writers.turn(0), pytest.raises(DatabaseUnavailable):
        database.write(lambda _session: os.abort())
