"""What will have come of a statement that is on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Rows: TypeAlias = list[tuple[Any, ...]]


class Answer:
    """
    What came of a statement, or will have come of it once it was sent and waited for.

    *then* is told as soon as it is known, which is at the commit if not before.
    """

    __slots__ = ("_rows", "_then", "_wait")

    def __init__(self, wait: Callable[[], object], then: Callable[[Rows], object] | None = None) -> None:
        """Know nothing yet; *wait* sends what is on its way, and waits until it is answered."""
        self._wait, self._then = wait, then
        self._rows: Rows | None = None

    def take(self, rows: Rows) -> None:
        """Be told what came of it."""
        self._rows = rows
        if self._then is not None:
            self._then(rows)

    @property
    def rows(self) -> Rows:
        """All rows of it, none where it has none; where they are not known yet, they are waited for."""
        if self._rows is None:
            self._wait()
        if self._rows is None:
            raise RuntimeError("What was asked was never answered, because something before it failed.")
        return self._rows
