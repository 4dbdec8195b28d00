"""
What a page that stays open shows of others, and what tells whether it is still that.

Every open page asks again and again, so it is one statement on a bare connection, which lets the session in as well;
while somebody waits for an answer there is one more, about blocks. Nothing is written, not even that somebody was
there: a page that is left open is no use of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from sync.database.clock import is_running
from sync.database.engine import Database
from sync.discovery import refusals
from sync.models import CONTACTS, DECLINED, IN, REFUSED, WAITING, Account, AddressBook, BrowserSession, Request, now
from sync.sign_in import sessions


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How things stand for somebody at a browser.

    *who* names the session, and is of use to nobody. *asking* is how many people wait for an answer. *requests* and
    *cards* are other texts exactly as soon as a request, or something in the address book, is another for this person.
    """

    who: str
    asking: int
    requests: str
    cards: str

    @property
    def version(self) -> str:
        """Another text as soon as anything else is to be shown."""
        return _digest((self.who, self.asking, self.requests, self.cards))


def read(database: Database, token: str) -> Standing | None:
    """Return how things stand for whom a session's *token* lets in, None where it lets nobody in any more."""
    key = sessions.key_of(token)
    if key is None:
        return None
    values = {"owner": key.owner_id, "session": key.session_id, "at": now()}
    rows = database.quick_rows(_STANDING, values)
    if not rows or not key.opens(rows[0][0]):
        return None
    asked = _shown(database, key.owner_id, [row[2:] for row in rows if row[2] is not None])
    return Standing(
        who=_digest((key.owner_id, key.session_id)),
        asking=sum(direction == IN and state == WAITING for _, direction, state, *_ in asked),
        requests=_digest(asked),
        cards=_digest(rows[0][1]),
    )


def _shown(database: Database, owner_id: int, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Leave out what `sync.meeting.request_lists.requests_of` leaves out."""
    shown = [row for row in rows if row[1] != IN or row[2] != DECLINED or row[4] is not None]
    waiting = [row[0] for row in shown if row[1] == IN and row[2] == WAITING]
    if not waiting:
        return sorted(shown)
    with database.reading() as session:
        barred = refusals.barred(session, owner_id, waiting)
    return sorted(row for row in shown if row[1] != IN or row[2] != WAITING or row[0] not in barred)


def _digest(what: object) -> str:
    return hashlib.blake2b(repr(what).encode(), digest_size=12).hexdigest()


_STANDING = (
    select(
        BrowserSession.secret_hash,
        AddressBook.revision,
        Request.other_id,
        Request.direction,
        Request.state,
        Request.asked_at,
        Request.introducer_id,
    )
    .join(Account, Account.id == BrowserSession.owner_id)
    .join(AddressBook, (AddressBook.viewer_id == BrowserSession.owner_id) & (AddressBook.id == CONTACTS))
    .outerjoin(Request, (Request.owner_id == BrowserSession.owner_id) & (Request.state != REFUSED))
    .where(
        BrowserSession.owner_id == bindparam("owner"),
        BrowserSession.id == bindparam("session"),
        is_running(BrowserSession.created_at, BrowserSession.expires_at, bindparam("at", type_=BigInteger)),
        Account.disabled_at.is_(None),
    )
)
