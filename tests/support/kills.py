"""Ending what is under way at any place of it, as a power cut or `kill -9` does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sync.database.engine import Database


class Killed(BaseException):
    """The process is gone: whoever catches errors does not catch this one."""


class Kills:
    """
    Stands between a database and its driver, and counts statements while a block of `after` runs.

    What other threads do meanwhile neither counts nor is killed, so that the same place is hit each time. *is_dead*
    tells whether the last block was killed.
    """

    def __init__(self, database: Database, patch: pytest.MonkeyPatch) -> None:
        """Let everything pass for now."""
        self._left: int | None = None
        self._thread, self.is_dead = 0, False
        dialect = database.engine.dialect
        execute, commit = dialect.do_execute, dialect.do_commit

        def do_execute(*args: Any, **kwargs: Any) -> None:
            self._count()
            execute(*args, **kwargs)

        def do_commit(connection: Any) -> None:
            self._count()
            commit(connection)
            # Done, and nobody was told so.
            self._count()

        patch.setattr(dialect, "do_execute", do_execute)
        patch.setattr(dialect, "do_commit", do_commit)

    def count(self, patch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        """Count what a method does as well: it may be killed just before and just after."""
        done = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self._count()
            result = done(*args, **kwargs)
            self._count()
            return result

        patch.setattr(owner, name, counted)

    @contextmanager
    def after(self, statements: int | None) -> Iterator[None]:
        """Kill the block after so many statements, None for never. What it did not commit by then was never done."""
        self._left, self._thread, self.is_dead = statements, threading.get_ident(), False
        try:
            yield
        except BaseException:
            # What is tidied up on the way out, of which a process that is gone does nothing, may fail in its own way.
            if not self.is_dead:
                raise
        finally:
            self._left = None

    def _count(self) -> None:
        if self._left is None or threading.get_ident() != self._thread:
            return
        if self._left == 0:
            self.is_dead = True
            raise Killed
        self._left -= 1
