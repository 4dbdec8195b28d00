"""
Sessions: the browsers that people are signed in to the portal with.

A session's token is kept by the browser: whose session, which one, and a random secret of which only the hash is
stored. It is asked about in every request, so that what is ended here is over at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from sync.database.clock import is_running
from sync.errors import NotFound
from sync.models import Account, BrowserSession, Preferences, new_id, now
from sync.vcard import clean

DAY = 24 * 3600
#: A session ends by itself so long after the person was last seen, and in any case so long after it began.
IDLE = 30 * DAY
LONGEST = 180 * DAY
#: When somebody was last seen is written down at most once in so many seconds.
LAST_SEEN_PRECISION = 3600
#: A person's sessions beyond so many end, the one not seen for longest first.
MOST = 50
_TOKEN = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})-([A-Za-z0-9_-]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """
    A person at a browser that is signed in.

    *language* is the BCP 47 tag that the person chose, absent where the browser decides. *is_administrator* is asked
    with every request, so that who is dismissed is one no longer.
    """

    account_id: int
    id: int
    login: str
    language: str | None
    last_seen_at: int
    is_administrator: bool = False


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What a session's token says: which session of whose it is for, and the hash of its secret."""

    owner_id: int
    session_id: int
    digest: bytes

    def opens(self, secret_hash: bytes) -> bool:
        """Whether the token is that of the session with this hash."""
        return hmac.compare_digest(bytes(secret_hash), self.digest)


def start(session: Session, account_id: int, browser: str) -> str:
    """
    Let a browser in for a person, and return the session's token, which is stored nowhere.

    *browser* is what it says of itself, in any length.

    Raises:
        NotFound: There is no such person, or their account is closed.
    """
    # Two that begin at once must not come past the limit.
    open_account = select(Account.id).where(Account.id == account_id, Account.disabled_at.is_(None)).with_for_update()
    if session.scalars(open_account).first() is None:
        raise NotFound("There is no such person.")
    at = now()
    _make_room(session, account_id, at)
    session_id, secret = new_id(), secrets.token_urlsafe(24)
    session.execute(
        insert(BrowserSession).values(
            owner_id=account_id,
            id=session_id,
            secret_hash=_digest(secret),
            browser=" ".join(clean(browser).split())[:200],
            created_at=at,
            last_seen_at=at,
            expires_at=at + IDLE,
        )
    )
    return f"{account_id:x}-{session_id:x}-{secret}"


def key_of(token: str) -> SessionKey | None:
    """Return what a token says, None where it is none."""
    read = _TOKEN.fullmatch(token)
    if read is None:
        return None
    owner_id, session_id = int(read[1], 16), int(read[2], 16)
    return SessionKey(owner_id, session_id, _digest(read[3])) if max(owner_id, session_id) < 2**63 else None


def find(session: Session, token: str) -> SignedIn | None:
    """Return whose session a token is, or None for one that is over, was made up, or belongs to a closed account."""
    key = key_of(token)
    if key is None:
        return None
    row = session.execute(
        select(BrowserSession.secret_hash, BrowserSession.last_seen_at, Account.login, Preferences.language)
        .add_columns(Account.administrator_since)
        .join(Account, Account.id == BrowserSession.owner_id)
        .join(Preferences, Preferences.owner_id == BrowserSession.owner_id, isouter=True)
        .where(
            BrowserSession.owner_id == key.owner_id,
            BrowserSession.id == key.session_id,
            is_running(BrowserSession.created_at, BrowserSession.expires_at, now()),
            Account.disabled_at.is_(None),
        )
    ).first()
    if row is None or not key.opens(row[0]):
        return None
    return SignedIn(key.owner_id, key.session_id, row[2], row[3], row[1], row[4] is not None)


def is_worth_noting(signed_in: SignedIn) -> bool:
    """Whether the person has not been seen for so long that `note` has something to write down."""
    # A moment that is ahead was written before the clock was put back.
    return abs(now() - signed_in.last_seen_at) >= LAST_SEEN_PRECISION


def note(session: Session, signed_in: SignedIn) -> None:
    """Write down that the person was seen now, which lets the session go on for another while."""
    at = now()
    row = session.scalars(_of(signed_in.account_id).where(BrowserSession.id == signed_in.id)).first()
    if row is not None:
        row.last_seen_at, row.expires_at = at, min(at + IDLE, row.created_at + LONGEST)


def sessions_of(session: Session, account_id: int) -> Sequence[BrowserSession]:
    """Return a person's sessions that are not over, the one seen last first."""
    newest_first = (BrowserSession.last_seen_at.desc(), BrowserSession.created_at.desc(), BrowserSession.id)
    open_now = is_running(BrowserSession.created_at, BrowserSession.expires_at, now())
    return session.scalars(_of(account_id).where(open_now).order_by(*newest_first)).all()


def end(session: Session, account_id: int, session_id: int) -> None:
    """
    End a session of a person's.

    Raises:
        NotFound: The person has no such session.
    """
    key = (BrowserSession.owner_id == account_id, BrowserSession.id == session_id)
    if session.scalars(delete(BrowserSession).where(*key).returning(BrowserSession.id)).first() is None:
        raise NotFound("There is no such browser.")


def end_all(session: Session, account_id: int, *, but: int | None = None) -> None:
    """End every session of a person's, *but* one where it is given."""
    ended = delete(BrowserSession).where(BrowserSession.owner_id == account_id)
    session.execute(ended if but is None else ended.where(BrowserSession.id != but))


def purge(session: Session) -> int:
    """Drop every session that ended by itself, and return how many those were."""
    over = delete(BrowserSession).where(BrowserSession.expires_at <= now()).returning(BrowserSession.id)
    return len(session.scalars(over).all())


def _make_room(session: Session, account_id: int, at: int) -> None:
    own = BrowserSession.owner_id == account_id
    session.execute(delete(BrowserSession).where(own, BrowserSession.expires_at <= at))
    oldest_last = (BrowserSession.last_seen_at.desc(), BrowserSession.id)
    beyond = select(BrowserSession.id).where(own).order_by(*oldest_last).offset(MOST - 1)
    ids = session.scalars(beyond).all()
    if ids:
        session.execute(delete(BrowserSession).where(own, BrowserSession.id.in_(ids)))


def _of(account_id: int) -> Select[BrowserSession]:
    return select(BrowserSession).where(BrowserSession.owner_id == account_id)


def _digest(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()
