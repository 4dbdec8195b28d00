"""
Browsers that are told: each by its own choice, for as long as the session lasts that it is signed in with.

The same key, the same sender and the same rules for where it calls are used as for devices; what is said is about
people, and decided when it is said (see `sync.push.messages`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.orm import Session

from sync.errors import NotFound
from sync.models import CONTACTS, Account, BrowserSession, PushSubscription, new_id, now
from sync.push import keys, subscriptions

#: For how many seconds a registration lasts at most; its session mostly ends before.
LONGEST = 180 * 86_400


@dataclass(frozen=True, slots=True)
class Keys:
    """What a browser got from its push service: where it is called, and what messages to it are encrypted by."""

    endpoint: str
    public_key: bytes
    auth_secret: bytes


@dataclass(frozen=True, slots=True)
class TellingBrowser:
    """
    A browser that is told, as people are shown it: of where it is called only the host.

    *told_at* is when its push service last took a message, *failing_since* since when it does not.
    """

    session_id: int
    browser: str
    host: str
    created_at: int
    told_at: int | None
    failing_since: int | None


def register(session: Session, account_id: int, session_id: int, language: str, wanted: Keys) -> None:
    """
    Tell a browser from now on, in the *language* of its page where the person chose none; a browser has one place.

    Raises:
        InvalidInput: Nothing could be sent by what it says.
        LimitExceeded: The person has as many registrations as they may.
        NotFound: The browser is not signed in any more.
    """
    endpoint = subscriptions.checked(session, wanted.endpoint, wanted.public_key, wanted.auth_secret)
    digest, at = hashlib.sha256(wanted.endpoint.encode()).hexdigest(), now()
    mine = (PushSubscription.session_id == session_id, PushSubscription.endpoint_digest == digest)
    with session.begin_nested():
        _require_signed_in(session, account_id, session_id)
        before = delete(PushSubscription).where(PushSubscription.viewer_id == account_id, or_(*mine))
        session.execute(before.where(PushSubscription.session_id.is_not(None)))
        subscriptions.require_room(session, account_id)
        session.execute(
            insert(PushSubscription).values(
                viewer_id=account_id,
                id=new_id(),
                session_id=session_id,
                language=language,
                book_id=CONTACTS,
                endpoint=wanted.endpoint,
                endpoint_digest=digest,
                host=endpoint.authority,
                public_key=wanted.public_key,
                auth_secret=wanted.auth_secret,
                key_id=keys.current(session).id,
                # What it is told of is noted by whose card it is (see `news.note_card`).
                wants_content=False,
                wants_properties=False,
                created_at=at,
                expires_at=at + LONGEST,
            )
        )


def remove(session: Session, account_id: int, session_id: int) -> None:
    """
    Tell one of a person's browsers no more.

    Raises:
        NotFound: It is not told.
    """
    mine = (PushSubscription.viewer_id == account_id, PushSubscription.session_id == session_id)
    gone = delete(PushSubscription).where(*mine).returning(PushSubscription.id)
    if session.scalars(gone).first() is None:
        raise NotFound("This browser is told of nothing.")


def telling(session: Session, account_id: int) -> Sequence[TellingBrowser]:
    """Return a person's browsers that are told, the one that is told for longest first."""
    found = (
        select(
            BrowserSession.id,
            BrowserSession.browser,
            PushSubscription.host,
            PushSubscription.created_at,
            PushSubscription.told_at,
            PushSubscription.failing_since,
        )
        .join(
            BrowserSession,
            (BrowserSession.owner_id == PushSubscription.viewer_id)
            & (BrowserSession.id == PushSubscription.session_id),
        )
        .where(
            PushSubscription.viewer_id == account_id,
            PushSubscription.expires_at > now(),
            BrowserSession.expires_at > now(),
        )
        .order_by(PushSubscription.created_at, PushSubscription.id)
    )
    return [TellingBrowser(*row) for row in session.execute(found)]


def _require_signed_in(session: Session, account_id: int, session_id: int) -> None:
    # Whoever signs the browser out meanwhile waits for this, and then ends it.
    account = select(Account.id).where(Account.id == account_id, Account.disabled_at.is_(None))
    running = select(BrowserSession.id).where(BrowserSession.owner_id == account_id, BrowserSession.id == session_id)
    for held in (account, running):
        if session.scalars(held.with_for_update()).first() is None:
            raise NotFound("This browser is not signed in any more.")
