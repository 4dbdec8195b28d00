"""Work that must not stop what is done beside it, whatever goes wrong in it. Pure."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from types import TracebackType
from typing import Self


class Attempt:
    """
    Keep what goes wrong inside of a `with` to itself: `trouble` says what it was, and is empty where nothing did.

    It names the sort of error and the line of code, never what the error says of itself, for that may hold a value.
    Only for what has no database in it: a broken transaction must not go on.
    """

    __slots__ = ("trouble",)

    def __init__(self) -> None:
        """Begin without trouble."""
        self.trouble = ""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        """Note an error, and go on behind the block; what ends the program goes on ending it."""
        if not isinstance(error, Exception):
            return False
        place = traceback.extract_tb(at)[-1]
        self.trouble = f"{type(error).__name__} in {PurePath(place.filename).name}, line {place.lineno}"
        return True
