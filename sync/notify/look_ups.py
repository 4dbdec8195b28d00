"""
Looking up names within a time, for which the system's resolver has no limit.

What asks the resolver cannot be called off, only left alone: it has a thread, which ends when the resolver does, and
which nobody waits for when the process ends. There are only so many of them. A name is asked for once however many want
it, and one that has not been answered in time fails at once for whoever comes next, until the resolver gives it up. The
last places are kept for names that were answered before, so that no number of others takes all.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

#: How many names are asked for at once: at all, and of those that were not answered the last time, or never asked for.
MOST, OF_UNKNOWN = 64, 48
#: How many names are remembered that were answered.
_REMEMBERED = 10_000

#: What the resolver says of one address: its family, type, protocol, name and where a socket connects to.
Found = Sequence[tuple[Any, ...]]


@dataclass(slots=True)
class _Asked:
    """What the resolver is being asked, and whether somebody lost patience with it."""

    answer: Future[Found] = field(default_factory=Future)
    began: float = field(default_factory=time.monotonic)
    is_late: bool = False


class LookUps:
    """The names that a process asks for. For any number of threads."""

    def __init__(self, most: int = MOST, of_unknown: int = OF_UNKNOWN) -> None:
        """Know no name yet."""
        self._most, self._of_unknown = most, of_unknown
        self._changed = threading.Condition()
        self._asked: dict[tuple[str, int], _Asked] = {}
        self._answered: set[str] = set()

    def find(self, host: str, port: int, seconds: float) -> Found:
        """
        Return where a name leads to, as the resolver says it.

        Raises:
            TimeoutError: It does not say so within *seconds*.
            OSError: There is no such name.
            ValueError: This is none.
        """
        until = time.monotonic() + seconds
        asked = self._ask(host, port, until)
        try:
            return asked.answer.result(max(0.0, min(until, asked.began + seconds) - time.monotonic()))
        except TimeoutError:
            with self._changed:
                asked.is_late = True
                self._answered.discard(host)
            raise

    def _ask(self, host: str, port: int, until: float) -> _Asked:
        key = (host, port)
        with self._changed:
            while key not in self._asked and not self._is_room(host):
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    raise TimeoutError
            if key in self._asked:
                return self._asked[key]
            asked = self._asked[key] = _Asked()
        try:
            threading.Thread(target=self._wait, args=(key, asked), name="look-up", daemon=True).start()
        except RuntimeError as error:
            self._end(key, asked, error=OSError("There is no thread for it."))
            raise OSError from error
        return asked

    def _is_room(self, host: str) -> bool:
        return len(self._asked) < (self._most if host in self._answered else self._of_unknown)

    def _wait(self, key: tuple[str, int], asked: _Asked) -> None:
        try:
            found = socket.getaddrinfo(*key, type=socket.SOCK_STREAM)
        except (OSError, ValueError, OverflowError) as error:
            self._end(key, asked, error=error)
        else:
            self._end(key, asked, found)

    def _end(
        self, key: tuple[str, int], asked: _Asked, found: Found = (), *, error: BaseException | None = None
    ) -> None:
        with self._changed:
            del self._asked[key]
            if error is None and not asked.is_late:
                if len(self._answered) >= _REMEMBERED:
                    self._answered.clear()
                self._answered.add(key[0])
            self._changed.notify_all()
        if error is None:
            asked.answer.set_result(found)
        else:
            asked.answer.set_exception(error)


_LOOK_UPS = LookUps()


def find(host: str, port: int, seconds: float) -> Found:
    """Return where a name leads to, as `LookUps.find` does, beside all others that this process asks for."""
    return _LOOK_UPS.find(host, port, seconds)
