"""
What is in buckets, asked although one of the machines that they are on may be out of reach.

On one machine that is one question, and one answer or none. Where the tables are spread, a machine that is out of reach
keeps nothing from whoever asks about people on the others: its buckets are left out, and tried again after a while.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from sync import faults
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable

#: Seconds between two times that buckets are tried again of which nothing could be known.
AGAIN = 20
T = TypeVar("T")
#: Asks about some buckets.
Find = Callable[[Session, Sequence[int]], T]


class Reach:
    """
    Asks about all buckets, for many threads.

    *lost* are those that could not be asked the last time, for the reason *error*.
    """

    def __init__(self, database: Database) -> None:
        """Nothing is known to be out of reach yet."""
        self._database = database
        self.lost: frozenset[int] = frozenset()
        self.error: DatabaseUnavailable | None = None
        self._again = -math.inf

    def ask(self, find: Find[T]) -> list[T]:
        """
        Return what *find* finds in all buckets that can be asked, a result for each question that it took.

        Raises:
            DatabaseUnavailable: None of them can.
        """
        every = self._database.buckets.numbers
        if not self._database.is_distributed:
            return [self._ask(find, every)]
        lost, near = self.lost, [bucket for bucket in every if bucket not in self.lost]
        found: list[T] = []
        if near:
            try:
                found.append(self._ask(find, near))
            except DatabaseUnavailable:
                # Without the machine that asks all others nothing is known of any.
                self._database.quick("SELECT 1", ())
                found, far = self._each(find, near)
                lost, self._again = lost | far, time.monotonic() + AGAIN
        if lost and (not near or time.monotonic() >= self._again):
            self._again = time.monotonic() + AGAIN
            back, far = self._each(find, sorted(lost), most=1)
            found, lost = [*found, *back], far
        self.lost = lost
        if not lost:
            self.error = None
        elif not found and self.error is not None:
            raise self.error
        return found

    def _ask(self, find: Find[T], buckets: Sequence[int]) -> T:
        with self._database.reading() as session:
            return find(session, buckets)

    def _each(self, find: Find[T], buckets: Sequence[int], most: int | None = None) -> tuple[list[T], frozenset[int]]:
        """Ask about each until *most*, if given, could not be asked; returns what was found, and what could not."""
        found, far = list[T](), list[int]()
        for bucket in buckets:
            if most is not None and len(far) >= most:
                far.append(bucket)
                continue
            try:
                found.append(self._ask(find, [bucket]))
            except DatabaseUnavailable as error:
                self.error = error
                far.append(bucket)
        return found, frozenset(far)


class Round:
    """
    One round of work on many people, or of many jobs.

    Whatever goes wrong with one of them does not stop the others: neither a fault that only one of them shows nor,
    where the tables are spread, a machine that is out of reach.
    """

    def __init__(self, database: Database, failed: Callable[[Any, Exception], object] = lambda *_: None) -> None:
        """Nothing is done yet. *failed* is told for whom it could not be done, and why."""
        self._database = database
        self._tell = failed
        self._error: Exception | None = None
        self._kind: str | None = None
        self._well = set[int]()
        self._failed = set[object]()

    @classmethod
    def of_people(cls, database: Database, kind: str) -> Round:
        """Begin a round of work on people without jobs; what fails of this *kind* is noted until it is done."""
        round_ = cls(database, functools.partial(faults.note, database, kind))
        round_._kind = kind
        return round_

    def each(self, those: Iterable[T], do: Callable[[T], object]) -> int:
        """
        Do something for each, but for those for whom it failed in this round, and return for how many it was done.

        Raises:
            DatabaseUnavailable: It could not be done for one, and all tables are on one machine.
        """
        done = 0
        for each in those:
            if each in self._failed:
                continue
            try:
                do(each)
                done += 1
                if isinstance(each, int):
                    self._well.add(each)
            except Exception as error:
                if isinstance(error, DatabaseUnavailable) and not self._database.is_distributed:
                    raise
                self._failed.add(each)
                self._tell(each, error)
                # What nobody foresaw is told rather than what takes its time.
                if self._error is None or isinstance(self._error, DatabaseUnavailable):
                    self._error = error
        return done

    def pages(self, find: Callable[[int], Sequence[int]], do: Callable[[int], object], size: int) -> int:
        """
        Do something for all whom *find* returns, who are no longer found then, about *size* of them at a time.

        *find* is given how many to return at most. Returns for how many it was done.
        """
        done = 0
        while True:
            count = size + len(self._failed)
            found = find(count)
            done += self.each(found, do)
            if len(found) < count:
                return done

    def end(self, reach: Reach | None = None) -> None:
        """
        Say what could not be done, now that all else is; nor asked, with *reach*.

        Raises:
            Exception: Something could not be; `DatabaseUnavailable` where that is all that was wrong.
        """
        if self._kind is not None and self._well:
            faults.mended(self._database, self._kind, self._well)
        error = self._error or (reach.error if reach is not None else None)
        if error is not None:
            raise error
