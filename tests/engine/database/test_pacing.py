"""Long work is done in pieces that end in time, and others get their turn in between."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator

import pytest

from sync.database import pacing
from sync.database.engine import Database, Session
from sync.database.pacing import Pace, Pieces
from sync.revisions import fan_out
from sync.settings import Settings
from tests.support.factories import crowd, field, group, pending, person, revisions, set_field

#: How long each piece of the work takes that others have to get past, and how long it goes on.
PIECE, WORK = 0.03, 3.0


def test_steps_grow_as_long_as_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "HOLD", 60)
    pace, steps = Pace(500, 4_000, lambda: None), list[int]()
    while pace.step:
        steps.append(pace.step)
        pace.done(pace.step)
    assert steps == [500, 1_000, 2_000, 500]


def test_no_step_is_made_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "HOLD", 0.05)
    pace = Pace(500, 4_000, lambda: None)
    time.sleep(0.06)
    pace.done(500)
    assert pace.step == 0


def test_a_step_fits_into_what_is_left_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "HOLD", 2.0)
    pace = Pace(500, 4_000, lambda: None)
    time.sleep(1.1)
    pace.done(500)
    assert 250 <= pace.step < 500


def test_what_a_step_left_for_later_is_work_of_that_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "HOLD", 0.05)
    pace = Pace(500, 4_000, lambda: time.sleep(0.06))
    pace.done(500)
    assert pace.step == 0


def test_a_fan_out_goes_on_in_another_transaction_when_the_time_is_over(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow the machine is: each transaction makes one step, and everybody is told once."""
    monkeypatch.setattr(pacing, "HOLD", 0)
    monkeypatch.setattr(fan_out, "_FIRST_STEP", 2)
    database = Database(database_url, Settings(inline_viewers=1, chunk_viewers=1_000))
    anna = person(database)
    phone = field(database, anna)
    viewers = crowd(database, anna, 7, [group(database, anna, "family", granted=[phone])])
    before, chunks = revisions(database, viewers), list[int]()
    set_field(database, anna, phone, "+1 555 0101")
    assert fan_out.work(database, progress=chunks.append) == 7
    assert chunks == [2, 2, 2, 1]
    assert revisions(database, viewers) == {viewer: revision + 1 for viewer, revision in before.items()}
    assert pending(database) == 0
    database.dispose()


@contextlib.contextmanager
def working(database: Database) -> Iterator[None]:
    """Do long work in pieces while the block runs."""
    stop = threading.Event()

    def piece(_session: Session) -> None:
        time.sleep(PIECE)

    def work() -> None:
        pieces = Pieces(database)
        while not stop.is_set():
            pieces.write(piece)

    worker = threading.Thread(target=work)
    worker.start()
    yield
    stop.set()
    worker.join()


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_somebody_in_another_process_gets_in_between_two_pieces(database: Database) -> None:
    """As another process does, this one does not stand in line, but tries again and again."""
    waits = []
    with working(database), contextlib.closing(sqlite3.connect(database.file, timeout=WORK)) as other:
        for _ in range(10):
            time.sleep(PIECE / 3)
            began = time.monotonic()
            other.execute("BEGIN IMMEDIATE")
            waits.append(time.monotonic() - began)
            other.rollback()
    # One that is passed over again and again waits for seconds; a busy machine may make some wait for long.
    assert sorted(waits)[len(waits) // 2] < 10 * PIECE
    assert max(waits) < WORK
