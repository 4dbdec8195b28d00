"""Forms that were sent: one that makes something makes it once, however often a browser sends it."""

from __future__ import annotations

import hashlib
import re
import secrets

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.accounts.one_time_tokens import DAY
from sync.database.clock import is_running
from sync.errors import AlreadyExists
from sync.models import OneTimeToken, now

#: For so many seconds it is remembered that a form was sent.
KEPT = DAY
_PURPOSE = "form sent"
_MOMENT = re.compile("[0-9a-f]{1,12}")


def note(session: Session, secret: str, account_id: int) -> None:
    """
    Note which account was made by the form with this *secret* in it, which nobody else knows.

    Raises:
        AlreadyExists: It was sent before.
    """
    at = now()
    values = {"digest": _digest(secret), "purpose": _PURPOSE, "account_id": account_id, "values": "{}"}
    try:
        with session.begin_nested():
            session.execute(insert(OneTimeToken).values(**values, tries_left=0, created_at=at, expires_at=at + KEPT))
    except IntegrityError as error:
        raise AlreadyExists("This form was sent already.") from error


def made_by(session: Session, secret: str) -> int | None:
    """Return the account that was made by the form with this secret, or None."""
    running = is_running(OneTimeToken.created_at, OneTimeToken.expires_at, now())
    return session.scalars(
        select(OneTimeToken.account_id).where(OneTimeToken.digest == _digest(secret), running)
    ).first()


def new_mark() -> str:
    """Return what sets a form apart that makes a secret."""
    return f"{now():x}-{secrets.token_urlsafe(24)}"


def is_fresh(mark: str) -> bool:
    """Whether something can be made with this mark."""
    at, _dash, rest = mark.partition("-")
    is_mark = _MOMENT.fullmatch(at) is not None and 0 < len(rest) <= 100
    return is_mark and abs(now() - int(at, 16)) < KEPT


def _digest(secret: str) -> str:
    return hashlib.blake2b(f"{_PURPOSE}/{secret}".encode("utf-8", "replace"), digest_size=32).hexdigest()
