"""
How long a client may take over sending a body and fetching an answer, and what becomes of one that takes longer.

Whoever sends or fetches holds a thread meanwhile, of which there are as many as connections (see `serving`), and none
of those few that work: `Deadlines` knows who is being waited for, and shuts out who is slower than any network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from typing_extensions import override

from radicale_plugin.server import connections
from radicale_plugin.server.connections import Peer

#: Seconds that a body or an answer may take in any case, and octets for each of which that many seconds come on top.
GRACE = 20.0
LEAST_RATE = 1_000
#: Seconds between two looks at who is late.
_INTERVAL = 5.0


class Late(Exception):
    """A body or an answer that takes too long."""


class Transfer:
    """A body or an answer under way, with the *address* at the other end."""

    def __init__(self, address: str) -> None:
        """Begin now."""
        self.address = address
        self._until = time.monotonic() + GRACE

    def moved(self, octets: int) -> None:
        """
        Note that so many octets more went over.

        Raises:
            Late: They should have long before.
        """
        if self.is_late():
            raise Late
        self._until += octets / LEAST_RATE

    def is_late(self) -> bool:
        """Whether what went over so far took too long."""
        return time.monotonic() > self._until


class _Request(AbstractContextManager[None]):
    """A request from *address*, which is one of *requests* while it is under way."""

    def __init__(self, requests: set[_Request], address: str) -> None:
        self.address = address
        self._requests = requests

    @override
    def __enter__(self) -> None:
        self._requests.add(self)

    @override
    def __exit__(self, *_: object) -> None:
        self._requests.discard(self)


class Deadlines:
    """
    The transfers of a process. Those that are late are ended, by shutting their connections.

    What one thread adds or takes away and another copies are sets, each in one step of the interpreter.
    """

    def __init__(self) -> None:
        """Know of none yet."""
        self._transfers: set[Transfer] = set()
        self._requests: set[_Request] = set()

    def watch(self) -> None:
        """Look after them from now on, in a thread of its own."""
        threading.Thread(target=self._watch, name="deadlines", daemon=True).start()

    def request(self, address: str) -> AbstractContextManager[None]:
        """Count a request from *address* while it is under way."""
        return _Request(self._requests, address)

    @contextmanager
    def transfer(self, address: str) -> Iterator[Transfer]:
        """Watch over a transfer for as long as the block."""
        transfer = Transfer(address)
        self._transfers.add(transfer)
        try:
            yield transfer
        finally:
            self._transfers.discard(transfer)

    def is_cut(self, address: str, before: frozenset[Peer] | None) -> bool:
        """
        Whether a client at *address* that has just sent a body may have broken off instead of ending it.

        The server ends a chunked body either way. Whoever waits for an answer has a connection that is still open in
        both directions; where one has not, or one of those that were there *before* is gone, nobody can tell whose.
        """
        now = connections.established(address)
        if now is None or before is None:
            return False
        missing = len(now) < sum(request.address == address for request in tuple(self._requests))
        return missing or not before <= now or connections.half_closed(address)

    def _watch(self) -> None:
        before: dict[str, Mapping[Peer, int]] = {}
        while True:
            time.sleep(_INTERVAL)
            late = {transfer.address for transfer in tuple(self._transfers) if transfer.is_late()}
            now = {address: connections.octets_moved(address) for address in late}
            for address, moved in now.items():
                connections.hang_up(_stuck(before.get(address, {}), moved))
            before = now


def _stuck(before: Mapping[Peer, int], now: Mapping[Peer, int]) -> frozenset[Peer]:
    """Return the connections over which less went between two looks than any network carries."""
    least = _INTERVAL * LEAST_RATE
    return frozenset(peer for peer, moved in now.items() if peer in before and moved - before[peer] < least)
