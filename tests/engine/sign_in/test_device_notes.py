"""What is noted about devices in the background: it ends with the database, and begins anew with another note."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from sync.database.engine import Database
from sync.sign_in import device_notes
from sync.sign_in.device_notes import DeviceNotes
from tests.support.waiting import until


def test_no_connection_is_let_go_of_while_something_is_being_noted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would go back to nobody, and stay open until it is found."""
    begun, may_end = threading.Event(), threading.Event()
    write = database.write_if_free

    def slowly(change: Callable[[Any], object]) -> bool:
        begun.set()
        assert may_end.wait(60)
        return write(change)

    monkeypatch.setattr(device_notes, "INTERVAL", 0.01)
    monkeypatch.setattr(device_notes, "PATIENCE", 60)
    monkeypatch.setattr(database, "write_if_free", slowly)
    notes = DeviceNotes(database)
    notes.used((1, 1), 1)
    assert begun.wait(60)
    leaving = threading.Thread(target=database.dispose)
    leaving.start()
    leaving.join(0.2)
    assert leaving.is_alive()
    may_end.set()
    leaving.join(60)
    assert not leaving.is_alive()


def test_what_is_noted_after_a_database_was_let_go_of_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_notes, "INTERVAL", 0.01)
    written: list[object] = []

    def write(change: object) -> bool:
        written.append(change)
        return True

    monkeypatch.setattr(database, "write_if_free", write)
    notes = DeviceNotes(database)
    for number in (1, 2):
        notes.used((1, number), 1)
        until(lambda number=number: len(written) == number)  # type: ignore[misc]
        database.dispose()
