"""What people of one server may write still, kept together by its processes (see `sync.accounts.spending`)."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from typing_extensions import override

from sync.accounts.spending import Spending

#: How many people are remembered, and in how many places one of them may be.
SLOTS = 65_536
_NEAR = 16
_SLOT = struct.Struct("=QQ")


class SharedSpending(Spending):
    """
    The count is in a file that each process has in its memory.

    A person has one of a few slots. Where all of these are others', the one whose allowance is whole first gives way:
    that takes more people who write at once than one machine serves.
    """

    def __init__(self, writes_a_day: int, path: Path) -> None:
        """Open the file, made where it is not there."""
        super().__init__(writes_a_day)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.truncate(file, SLOTS * _SLOT.size)
        self._slots = mmap.mmap(file, SLOTS * _SLOT.size)
        self._lock = _FileLock(file)

    @override
    def _get(self, account_id: int) -> int:
        return next((whole_at for _, account, whole_at in self._near(account_id) if account == account_id), 0)

    @override
    def _set(self, account_id: int, whole_at: int, at: int) -> None:
        near = list(self._near(account_id))
        place = next((place for place, account, _ in near if account == account_id), None)
        if place is None:
            place = min(near, key=lambda slot: slot[2])[0]
        _SLOT.pack_into(self._slots, place, account_id, whole_at)

    def _near(self, account_id: int) -> Iterator[tuple[int, int, int]]:
        """Yield the slots that a person may have: the place, whose it is, and when that allowance will be whole."""
        for number in range(account_id, account_id + _NEAR):
            place = number % SLOTS * _SLOT.size
            yield place, *_SLOT.unpack_from(self._slots, place)


class _FileLock:
    """Keeps other threads and processes away."""

    def __init__(self, file: int) -> None:
        self._threads, self._file = threading.Lock(), file

    def __enter__(self) -> None:
        self._threads.acquire()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()
