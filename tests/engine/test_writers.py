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
from sync.database.models import Account
from sync.errors import DatabaseUnavailable
from sync.writers import Writers
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
    with Writers(tmp_path / "none" / "x").gate(1):
        assert not (tmp_path / "none").exists()


def test_one_process_stands_at_the_gate(tmp_path: Path) -> None:
    with Writers(tmp_path / "x").gate(0):
        began = time.monotonic()
        with Writers(tmp_path / "x").gate(0.1):
            assert time.monotonic() - began >= 0.1
    assert (tmp_path / "x-queue").stat().st_mode & 0o777 == 0o600


@contextmanager
def processes(url: str, count: int) -> Iterator[list[Database]]:
    """Open a database as so many processes do that know nothing of each other."""
    with ExitStack() as stack:
        databases = [Database(url) for _ in range(count)]
        for database in databases:
            stack.callback(database.dispose)
        yield databases


@on_sqlite
def test_nobody_is_passed_over_among_many_writers(database: Database, database_url: str) -> None:
    """
    Whose turn comes round.

    Two processes write without a pause, one by many threads and one by a single one, which gets every other turn.
    """
    anna = person(database)
    done = {"many": 0, "one": 0}
    until = time.monotonic() + 4

    def change(session: Session) -> None:
        session.execute(update(Account).where(Account.id == anna).values(login="anna"))
        time.sleep(0.02)

    def keep_writing(through: Database, name: str) -> None:
        while time.monotonic() < until:
            through.write(change)
            done[name] += 1

    with processes(database_url, 2) as (many, one):
        threads = [threading.Thread(target=keep_writing, args=(many, "many")) for _ in range(6)]
        threads.append(threading.Thread(target=keep_writing, args=(one, "one")))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert done["one"] > done["many"] / 3, done


@on_sqlite
def test_a_queue_that_does_not_move_is_left(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.database.engine.PATIENCE", 0.2)
    writers = database._writers
    assert writers is not None
    with writers.turn(0), pytest.raises(DatabaseUnavailable):
        database.write(lambda _session: os.abort())
