"""Requests as a person looks at them: who asks, and what they would share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts import one_time_tokens
from sync.database import accounts
from sync.discovery import refusals
from sync.discovery.public_profiles import PublicProfile, public_profiles
from sync.errors import InvalidOneTimeToken, NotFound
from sync.fields import FieldContent
from sync.meeting import pairs, requests
from sync.meeting.request_messages import REQUEST
from sync.models import ACCEPTED, DECLINED, IN, OUT, REFUSED, WAITING, Request
from sync.sharing.visibility import Composition, visible_fields

#: What a person can say to a request.
DECISIONS: dict[str, Callable[[Session, int, int], object]] = {
    "confirm": requests.confirm,
    "decline": requests.decline,
    "refuse": requests.refuse,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request or introduction.

    *direction* is ``in`` for who was asked and ``out`` for who asks. *name* and *fields* are what strangers may see of
    the other; who asks sees no more than the login, so that nothing is told of somebody who blocked them.
    *would_share* are the kinds of the fields, not their values, that the other's newcomers may see. *introducer* is
    the login of who brought the two together. *state* is ``waiting``; ``accepted`` for an introduction that waits for
    the other; or ``declined``.
    """

    other_id: int
    login: str
    direction: str
    state: str
    message: str
    asked_at: int
    introducer: str | None = None
    name: str = ""
    fields: tuple[FieldContent, ...] = ()
    has_photo: bool = False
    would_share: tuple[str, ...] = ()


def requests_of(session: Session, owner_id: int) -> list[Asked]:
    """Return what a person was asked and asks, newest first, without what they refused for ever."""
    rows = session.scalars(
        select(Request)
        .where(Request.owner_id == owner_id, Request.direction.in_((IN, OUT)))
        .where(Request.state.in_((WAITING, ACCEPTED, DECLINED)))
        .order_by(Request.asked_at.desc(), Request.other_id)
        .execution_options(populate_existing=True)
    ).all()
    rows = [row for row in rows if row.direction == OUT or row.state != DECLINED or row.introducer_id is not None]
    # Of whom they were brought together with and who blocked them since, it looks as if they had declined.
    barred = refusals.barred(session, owner_id, [row.other_id for row in rows])
    rows = [row for row in rows if row.direction == OUT or row.state != WAITING or row.other_id not in barred]
    asking = [row.other_id for row in rows if row.direction == IN]
    people = public_profiles(session, asking)
    asked = [row.other_id for row in rows if row.direction == OUT]
    logins = accounts.logins(session, asked + [row.introducer_id for row in rows if row.introducer_id is not None])
    listed = []
    for row in rows:
        if row.direction == OUT and row.other_id in logins:
            listed.append(Asked(row.other_id, logins[row.other_id], OUT, row.state, row.message, row.asked_at))
        elif row.other_id in people:
            listed.append(_received(session, row, people[row.other_id], logins))
    return listed


def refused(session: Session, owner_id: int) -> list[tuple[int, str]]:
    """Return id and login of everybody whom a person declined for ever, by login."""
    found = session.scalars(
        select(Request.other_id).where(Request.owner_id == owner_id, Request.direction == IN, Request.state == REFUSED)
    ).all()
    return sorted(accounts.logins(session, found).items(), key=lambda each: each[1])


def open_letter(session: Session, token: str) -> tuple[int, Asked]:
    """
    Return who the link of a message speaks for, and the request that it is about. Nothing is decided by looking.

    Raises:
        InvalidTicket: The link was made up, expired, or was used, or the request is there no more.
    """
    opened = one_time_tokens.peek(session, REQUEST, token)
    return _about(session, opened)


def decide_by_letter(session: Session, token: str, decision: str) -> tuple[int, int]:
    """
    Confirm, decline or refuse (one of `DECISIONS`) by the link of a message, once, without signing in.

    Returns the account that decided, and whom it was about.

    Raises:
        InvalidTicket: The link was made up, expired, or was used, or the request is there no more.
        NotFound: There is no such decision.
    """
    if decision not in DECISIONS:
        raise NotFound(f"A request can be decided by {', '.join(DECISIONS)}.")
    owner_id, asked = _about(session, one_time_tokens.use(session, REQUEST, token))
    DECISIONS[decision](session, owner_id, asked.other_id)
    return owner_id, asked.other_id


def _about(session: Session, opened: one_time_tokens.Opened) -> tuple[int, Asked]:
    if opened.account_id is None:
        raise InvalidOneTimeToken
    row = session.get(Request, (opened.account_id, IN, opened.values["other_id"]), populate_existing=True)
    if row is None or row.state != WAITING or row.asked_at != opened.values["asked_at"]:
        raise InvalidOneTimeToken
    people = public_profiles(session, [row.other_id])
    if row.other_id not in people or refusals.barred(session, row.owner_id, [row.other_id]):
        raise InvalidOneTimeToken
    introducers = [] if row.introducer_id is None else [row.introducer_id]
    logins = accounts.logins(session, introducers)
    return opened.account_id, _received(session, row, people[row.other_id], logins)


def _received(session: Session, row: Request, other: PublicProfile, logins: dict[int, str]) -> Asked:
    # Who was introduced has not offered anything yet.
    offered = _offered(session, row.other_id) if row.introducer_id is None else ()
    return Asked(
        other_id=row.other_id,
        login=other.login,
        direction=IN,
        state=row.state,
        message=row.message,
        asked_at=row.asked_at,
        introducer=None if row.introducer_id is None else logins.get(row.introducer_id),
        name=other.name,
        fields=other.fields,
        has_photo=other.has_photo,
        would_share=offered,
    )


def _offered(session: Session, asker_id: int) -> tuple[str, ...]:
    composition = Composition(groups=frozenset(pairs.newcomers(session, asker_id)))
    return tuple(dict.fromkeys(field.kind for field in visible_fields(session, asker_id, composition)))
