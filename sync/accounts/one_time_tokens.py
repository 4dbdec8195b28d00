"""
One-time tokens: what a link or a code that was sent to somebody allows, once, until it expires.

A link carries a secret with a signature, so that what somebody made up never reaches the database; a code is short
enough to be typed, so it belongs to one account and address and bears few tries. Stored are hashes only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, Signer
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from sync.database.clock import is_running
from sync.database.server_keys import key_for
from sync.errors import InvalidOneTimeToken
from sync.models import Account, OneTimeToken, now

HOUR = 3600
DAY = 24 * HOUR
#: Digits of a code, and how often somebody may be wrong about it.
CODE_LENGTH = 6
CODE_TRIES = 5


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What a one-time token says.

    *account_id* is whom it speaks for, absent for somebody without an account. *values* is what was put into it.
    """

    account_id: int | None
    values: dict[str, Any]


def issue(session: Session, purpose: str, account_id: int | None, values: Mapping[str, Any], *, lifetime: int) -> str:
    """Make a one-time token for a link that may be used once within *lifetime* seconds, and return its secret."""
    secret = secrets.token_urlsafe(24)
    _insert(session, _digest(purpose, secret), purpose, account_id, values, lifetime)
    return _signer(session, purpose).sign(secret).decode()


def peek(session: Session, purpose: str, token: str) -> Opened:
    """
    Return what a link allows, and leave it unused: whoever opens a link has not decided anything yet.

    Needs the right to write, as everything here that reads the server's key.

    Raises:
        InvalidTicket: It was made up or changed, is for something else, expired, or was used.
    """
    digest = _digest(purpose, _verified(session, purpose, token))
    found = select(OneTimeToken.account_id, OneTimeToken.values).where(OneTimeToken.digest == digest, _is_valid())
    return _opened(session, session.execute(found).first())


def use(session: Session, purpose: str, token: str) -> Opened:
    """
    Return what a link allows, and use it up. Of two who use it at once, one gets an error.

    Raises:
        InvalidTicket: As in `peek`.
    """
    digest = _digest(purpose, _verified(session, purpose, token))
    gone = delete(OneTimeToken).where(OneTimeToken.digest == digest, _is_valid())
    return _opened(session, session.execute(gone.returning(OneTimeToken.account_id, OneTimeToken.values)).first())


def issue_code(
    session: Session, purpose: str, account_id: int, about: str, values: Mapping[str, Any], *, lifetime: int
) -> str:
    """
    Make a code of six digits that proves, once within *lifetime* seconds, that somebody can read what *about* names.

    An earlier code of the same account about the same is void from now on.
    """
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_LENGTH))
    slot = _digest(purpose, f"{account_id}/{about}")
    session.execute(delete(OneTimeToken).where(OneTimeToken.digest == slot))
    proof = _proof(session, slot, code)
    _insert(session, slot, purpose, account_id, {"proof": proof, "values": dict(values)}, lifetime)
    return code


def use_code(session: Session, purpose: str, account_id: int, about: str, code: str) -> Opened | None:
    """
    Return what a code allows, and use it up; None where it is wrong, expired, used, or was guessed at too often.

    A wrong code is no error, because a try must stay counted: the caller commits.
    """
    slot = _digest(purpose, f"{account_id}/{about}")
    counted = (
        update(OneTimeToken)
        .where(OneTimeToken.digest == slot, _is_valid(), OneTimeToken.tries_left > 0)
        .values(tries_left=OneTimeToken.tries_left - 1)
        .returning(OneTimeToken.values)
    )
    stored = session.scalars(counted).first()
    if stored is None:
        return None
    kept = json.loads(stored)
    typed = "".join(code.split())
    if not hmac.compare_digest(kept["proof"], _proof(session, slot, typed)):
        return None
    session.execute(delete(OneTimeToken).where(OneTimeToken.digest == slot))
    return Opened(account_id, kept["values"])


def forget(session: Session, account_id: int) -> None:
    """Make void every one-time token that speaks for a person."""
    session.execute(delete(OneTimeToken).where(OneTimeToken.account_id == account_id))


def purge(session: Session) -> int:
    """Drop what expired, and return how many that were."""
    return len(
        session.scalars(
            delete(OneTimeToken).where(OneTimeToken.expires_at <= now()).returning(OneTimeToken.digest)
        ).all()
    )


def _insert(
    session: Session, digest: str, purpose: str, account_id: int | None, values: Mapping[str, Any], lifetime: int
) -> None:
    at = now()
    session.execute(
        insert(OneTimeToken).values(
            digest=digest,
            purpose=purpose,
            account_id=account_id,
            values=json.dumps(values, ensure_ascii=False),
            tries_left=CODE_TRIES,
            created_at=at,
            expires_at=at + lifetime,
        )
    )


def _is_valid() -> ColumnElement[bool]:
    return is_running(OneTimeToken.created_at, OneTimeToken.expires_at, now())


def _opened(session: Session, row: Any) -> Opened:
    if row is None or (row[0] is not None and not _is_open(session, row[0])):
        raise InvalidOneTimeToken
    return Opened(row[0], json.loads(row[1]))


def _is_open(session: Session, account_id: int) -> bool:
    # Nothing speaks for who is shut out. What was sent to them is good again when they are let in again.
    here = select(Account.id).where(Account.id == account_id, Account.disabled_at.is_(None))
    return session.scalars(here).first() is not None


def _digest(purpose: str, secret: str) -> str:
    return hashlib.blake2b(f"{purpose}/{secret}".encode(), digest_size=32).hexdigest()


def _proof(session: Session, slot: str, code: str) -> str:
    # So few digits can be guessed from a plain hash; nobody without the server's key can.
    key = key_for(session, "code")
    return hashlib.blake2b(f"{slot}/{code}".encode("utf-8", "replace"), key=key, digest_size=32).hexdigest()


def _verified(session: Session, purpose: str, token: str) -> str:
    try:
        return _signer(session, purpose).unsign(token).decode()
    except (BadSignature, UnicodeError) as error:
        raise InvalidOneTimeToken from error


def _signer(session: Session, purpose: str) -> Signer:
    return Signer(key_for(session, "ticket"), salt=f"evercard/{purpose}")
