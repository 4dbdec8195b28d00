"""
Inviting many at once: each address gets one message, and those beyond what may be sent in a day wait for their turn.

Whoever waits is a row of `Invitation` that still has its source. An errand carries them on while there are any, as
fast as the rate limits let it, so nobody has to come back the next day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from sync.accounts import addresses
from sync.database.engine import Database, settings_of
from sync.errors import AlreadyExists, EvercardError, InvalidInput, LimitExceeded, NotFound, Refused, TooManyTries
from sync.meeting import invitations
from sync.meeting.requests import checked_message
from sync.models import Group, Invitation, now
from sync.notify import errands
from sync.sharing.visibility import GROUP

#: The errand that sends what waits.
CARRY_ON = "invitations"
#: So many addresses are taken at once, and may wait.
MOST = 500
#: So many are sent in one transaction.
_AT_ONCE = 50
#: What stands between addresses, also as it is typed in Chinese.
_APART = re.compile(r"[\n,;\t，；、]")
_INSIDE = re.compile(r"[<＜]([^<>＜＞]+)[>＞]\s*$")


@dataclass(slots=True)
class Invited:
    """How many messages are on their way, how many *waiting* for another day, and what was left out, and why."""

    sent: int = 0
    waiting: int = 0
    left_out: list[tuple[str, EvercardError]] = field(default_factory=list)


def split(text: str) -> list[str]:
    """Return the addresses and numbers in a text that was pasted, one a line or with marks between; each once."""
    lines = (part.split() for part in _APART.split(text.replace("\r", "\n")))
    # A number has spaces in it, and a name before an address; addresses alone may have nothing else between them.
    parts = (part for words in lines for part in (words if all("@" in word for word in words) else [" ".join(words)]))
    return list(dict.fromkeys(found[1].strip() if (found := _INSIDE.search(part)) else part for part in parts if part))


def invite_many(
    database: Database,
    inviter_id: int,
    texts: Sequence[str],
    message: str,
    *,
    source: str,
    group_id: int | None = None,
) -> Invited:
    """
    Invite everybody who has one of these addresses or numbers; whoever accepts lands in the group *group_id*.

    What cannot be invited is left out and named. The others get their message as soon as the day's limit allows.

    Raises:
        InvalidInput: The message is too long, or there is nobody to invite.
        LimitExceeded: There are too many, or too many wait already.
        NotFound: There is no such group.
    """
    message = checked_message(message)
    if not texts:
        raise InvalidInput("Say whom to invite: e-mail addresses or phone numbers, one a line.")
    if len(texts) > MOST:
        raise LimitExceeded(f"At most {MOST} can be invited at once.")

    def leave(session: Session) -> Invited:
        _require_group(session, inviter_id, group_id)
        result = Invited()
        if _waiting_count(session, inviter_id) + len(texts) > MOST:
            raise LimitExceeded(f"At most {MOST} invitations wait at once; invite the others when these are sent.")
        for text in texts:
            try:
                _add(session, inviter_id, text, message, source, group_id)
            except EvercardError as error:
                result.left_out.append((text, error))
        result.sent = _send(session, inviter_id)
        result.waiting = _waiting_count(session, inviter_id)
        if result.waiting:
            errands.post(session, CARRY_ON, inviter_id=inviter_id, pause=errands.PAUSE)
        return result

    return database.write(leave)


def carry_on(session: Session, left: Mapping[str, Any]) -> None:
    """Send those of a person's invitations that may be sent by now, and come back for the others."""
    inviter_id = left["inviter_id"]
    _send(session, inviter_id)
    if _waiting_count(session, inviter_id):
        errands.post(session, CARRY_ON, inviter_id=inviter_id, pause=errands.PAUSE)


def _add(session: Session, inviter_id: int, text: str, message: str, source: str, group_id: int | None) -> None:
    meant = addresses.meant_by(session, text)
    if meant is None:
        raise InvalidInput("This is neither an e-mail address nor a phone number with its country code.")
    channel, value = meant
    settings = settings_of(session)
    if not settings.sending.can_send(channel) or not settings.base_url:
        raise Refused("This server sends no messages of this kind; hand out an invitation link instead.")
    if session.get(Invitation, (inviter_id, channel, value)) is not None:
        raise AlreadyExists("You have invited this address already; an invitation is sent once.")
    said = {"message": message, "invited_at": now(), "source": source, "group_id": group_id}
    session.execute(insert(Invitation).values(owner_id=inviter_id, channel=channel, value=value, **said))


def _send(session: Session, inviter_id: int) -> int:
    """Put as many of those who wait on their way as may be sent now, and return how many these are."""
    oldest_first = (Invitation.invited_at, Invitation.channel, Invitation.value)
    waiting = select(Invitation.channel, Invitation.value, Invitation.source).where(*_waits(inviter_id))
    sent = 0
    for channel, value, source in session.execute(waiting.order_by(*oldest_first).limit(_AT_ONCE)).all():
        try:
            with session.begin_nested():
                invitations.take_one(session, inviter_id, source or "")
        except TooManyTries:
            break
        mine = (Invitation.owner_id == inviter_id, Invitation.channel == channel, Invitation.value == value)
        session.execute(update(Invitation).where(*mine).values(source=None, invited_at=now()))
        said = {"channel": channel, "value": value, "source": source or ""}
        errands.post(session, invitations.INVITATION, inviter_id=inviter_id, pause=0, **said)
        sent += 1
    return sent


def _waits(inviter_id: int) -> tuple[Any, ...]:
    return Invitation.owner_id == inviter_id, Invitation.source.is_not(None)


def _waiting_count(session: Session, inviter_id: int) -> int:
    return len(session.scalars(select(Invitation.value).where(*_waits(inviter_id))).all())


def _require_group(session: Session, inviter_id: int, group_id: int | None) -> None:
    own = select(Group.id).where(Group.owner_id == inviter_id, Group.id == group_id, Group.kind == GROUP)
    if group_id is not None and session.scalars(own).first() is None:
        raise NotFound("There is no such group.")
