"""
The connections of this process, as the system knows them: how much went over each, and which are half closed.

The server hands a request over without its socket. A client that stops in the middle of a body, or of reading an
answer, can only be told apart and shut out here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Where the system lists what a process has open; macOS has the second.
_OPEN = next((folder for folder in (Path("/proc/self/fd"), Path("/dev/fd")) if folder.is_dir()), None)
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_ESTABLISHED = 1
#: In Linux' ``struct tcp_info``: the state, and the octets that were acknowledged and received (``linux/tcp.h``).
_STATE_AT, _OCTETS_AT, _INFO_SIZE = 0, 120, 136

#: The client's end of a connection: address and port.
Peer = tuple[str, int]


def octets_moved(address: str) -> Mapping[Peer, int]:
    """Return how many octets went over each connection with this *address*, both ways; nothing where nobody counts."""
    return {peer: moved for peer, _state, moved in _measured(address)}


def established(address: str) -> frozenset[Peer] | None:
    """Return the connections with *address* that are open in both directions; None where that cannot be told."""
    if _TCP_INFO is None or _OPEN is None:
        return None
    return frozenset(peer for peer, state, _moved in _measured(address) if state == _ESTABLISHED)


def half_closed(address: str) -> bool:
    """Whether the other end of a connection with *address* has stopped sending."""
    return any(state != _ESTABLISHED for _peer, state, _moved in _measured(address))


def hang_up(peers: frozenset[Peer]) -> None:
    """Close the connections with these ends, whatever is under way there."""
    for connection, peer in _connections():
        if peer in peers:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _measured(address: str) -> Iterator[tuple[Peer, int, int]]:
    if _TCP_INFO is None:
        return
    for connection, peer in _connections():
        if peer[0] != address:
            continue
        with contextlib.suppress(OSError):
            info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_SIZE)
            if len(info) >= _INFO_SIZE:
                yield peer, info[_STATE_AT], sum(struct.unpack_from("=QQ", info, _OCTETS_AT))


def _connections() -> Iterator[tuple[socket.socket, Peer]]:
    """Yield every connection with its other end. The sockets are copies, for as long as the iteration stays at each."""
    for number in _sockets():
        # Some are closed meanwhile, and some never were connected.
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as connection:
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                peer = connection.getpeername()
                yield connection, (peer[0].removeprefix("::ffff:"), peer[1])


def _sockets() -> list[int]:
    numbers = []
    for path in _OPEN.iterdir() if _OPEN is not None else ():
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(path.name)).st_mode):
                numbers.append(int(path.name))
    return numbers
