"""How many messages one person may have sent to one host of push services, by all workers together."""

from __future__ import annotations

from sqlalchemy.orm import Session

from sync.accounts import rate_limits
from sync.accounts.rate_limits import MINUTE, Limit

#: So many at once, and as many again in a minute.
LIMIT = Limit("push", 60, MINUTE)


def afford(session: Session, viewer_id: int, host: str, wanted: int) -> tuple[int, int]:
    """Take up to *wanted* of them; returns how many were taken, and in how many seconds there is another one."""
    return rate_limits.take_some(session, LIMIT, str(viewer_id), host, wanted=wanted)
