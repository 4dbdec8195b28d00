"""Which invitation somebody used, so that they come to the person's card when they open its link once more."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync.accounts.rate_limits import DAY
from sync.database.clock import is_running
from sync.models import OneTimeToken, now
from sync.sharing import connections

_PURPOSE = "invitation used"
#: People look for old messages for so long.
LIFETIME = 366 * DAY


def note(session: Session, token: str, account_id: int, inviter_id: int) -> None:
    """Note that somebody used the invitation *token*, whose link allows nothing any more."""
    at, digest = now(), _digest(token)
    session.execute(delete(OneTimeToken).where(OneTimeToken.digest == digest))
    session.execute(
        insert(OneTimeToken).values(
            digest=digest,
            purpose=_PURPOSE,
            account_id=account_id,
            values=json.dumps({"inviter_id": inviter_id}),
            tries_left=0,
            created_at=at,
            expires_at=at + LIFETIME,
        )
    )


def inviter_of(session: Session, token: str, account_id: int) -> int | None:
    """Return who invited *account_id* by this token, where the person used it and the two are connected, else None."""
    running = is_running(OneTimeToken.created_at, OneTimeToken.expires_at, now())
    mine = (OneTimeToken.digest == _digest(token), OneTimeToken.account_id == account_id, running)
    values = session.scalars(select(OneTimeToken.values).where(*mine)).first()
    inviter_id = None if values is None else int(json.loads(values)["inviter_id"])
    is_known = inviter_id is not None and connections.is_connected(session, inviter_id, account_id)
    return inviter_id if is_known else None


def _digest(token: str) -> str:
    return hashlib.blake2b(f"{_PURPOSE}/{token}".encode("utf-8", "replace"), digest_size=32).hexdigest()
