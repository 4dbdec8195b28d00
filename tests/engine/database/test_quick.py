"""The connections for single statements: as many as statements run at once, however many threads there are."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sync.database.engine import Database
from sync.database.quick import Quick, open_reader
from sync.errors import DatabaseUnavailable

THREADS = 20


def counted(database: Database) -> tuple[Quick, list[Any]]:
    """Return what reads *database*, and the connections that it opens."""
    opened: list[Any] = []

    def connect() -> Any:
        opened.append(reader := open_reader(database.url, database.engine.dialect, prepares=True))
        return reader

    return Quick(database.engine.dialect, connect), opened


def test_threads_that_come_one_after_the_other_share_a_connection(database: Database) -> None:
    quick, opened = counted(database)
    for _ in range(THREADS):
        thread = threading.Thread(target=quick.fetch, args=("SELECT 1", ()))
        thread.start()
        thread.join()
    assert len(opened) == 1
    quick.close()


def test_statements_that_run_at_once_have_connections_of_their_own(database: Database) -> None:
    quick, opened = counted(database)
    inside, rows = threading.Barrier(THREADS), list[list[tuple[object, ...]]]()
    quick.observer = lambda _: inside.wait(30)
    threads = [threading.Thread(target=lambda: rows.append(quick.fetch("SELECT 7", ()))) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows == [[(7,)]] * THREADS
    assert len(opened) == THREADS
    quick.close()


def test_one_that_broke_is_not_used_again_and_neither_are_those_beside_it(database: Database) -> None:
    quick, opened = counted(database)
    quick.fetch("SELECT 1", ())
    for reader in opened:
        reader.close()
    assert quick.fetch("SELECT 2", ()) == [(2,)]
    assert len(opened) == 2
    quick.close()


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_a_statement_is_prepared_once_unless_its_plan_is_not_to_be_kept(database: Database) -> None:
    quick, _ = counted(database)
    for number in (1, 2**15, 2**40):
        assert quick.fetch("SELECT %s", (number,)) == [(number,)]
        assert quick.fetch("SELECT %s + 1", (number,), prepare=False) == [(number + 1,)]
    kept = quick.fetch("SELECT statement FROM pg_prepared_statements", (), prepare=False)
    assert kept == [("SELECT $1",)]
    quick.close()


def test_a_statement_that_fails_is_told_and_the_next_one_is_answered(database: Database) -> None:
    quick, _ = counted(database)
    with pytest.raises(DatabaseUnavailable):
        quick.fetch("SELECT nothing FROM nowhere", ())
    assert quick.fetch("SELECT 3", ()) == [(3,)]
    quick.close()
