"""
A socket at which whoever started this process listens already, as systemd does (sd_listen_fds(3)).

It stays while the server is restarted: whoever connects meanwhile waits for the next one instead of being refused.
"""

from __future__ import annotations

import os
import socket

from sync.errors import InvalidInput

#: The first that such a process is given.
_FIRST = 3
_NAMES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def is_given() -> bool:
    """Whether this process was given any."""
    return os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS", "0") != "0"


def listening(address: str, port: int) -> socket.socket | None:
    """
    Take the socket that this process was given, which has to be one at *address* and *port*; None where there is none.

    Raises:
        InvalidInput: It is another, or there are several.
    """
    there, count = is_given(), os.environ.get("LISTEN_FDS")
    for name in _NAMES:
        # What this process starts was given none.
        os.environ.pop(name, None)
    if not there:
        return None
    if count != "1":
        raise InvalidInput("More than one socket was handed over: `ListenStream` in evercard.socket has to stand once.")
    given = socket.socket(fileno=_FIRST)
    if given.getsockname()[:2] != (address, port):
        raise InvalidInput(
            f"The socket that was handed over listens elsewhere than `hosts` in the section [server] says, which is "
            f"{address}, port {port}: let `ListenStream` in evercard.socket be the same."
        )
    given.setblocking(False)
    return given
