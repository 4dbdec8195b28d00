"""
Which device a request comes from, which Radicale tells its storage nothing about: only whose it is.

Radicale lets somebody in and answers them in one thread, and asks the auth plugin every time.
"""

from __future__ import annotations

import threading

_local = threading.local()


def note(login: str, device_id: int) -> None:
    """Remember that this thread answers a device of somebody's."""
    _local.caller = (login, device_id)


def device_of(login: str) -> int | None:
    """Return which device of somebody's this thread answers, None where it is not known."""
    known, device_id = getattr(_local, "caller", (None, None))
    return device_id if known == login else None
