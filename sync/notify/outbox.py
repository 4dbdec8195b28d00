"""
The outbox of messages: written in the transaction of what they tell, sent by a worker afterwards.

A message is claimed for a lease, sent, and deleted. What cannot be sent now is tried again, later each time, and given
up after a day; what the other side refuses for good is given up at once. A worker that dies between sending and
deleting sends twice; an e-mail's Message-ID is the same then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database, settings_of
from sync.models import BUCKETS, Message, new_id, now
from sync.notify import suppression
from sync.notify.templates import Text, render

logger = logging.getLogger("evercard.notify")

#: What nobody asked for goes to no address on the suppression list, and says how to get on it.
UNASKED = frozenset({"accepted", "ending", "introduction", "invitation", "request", "welcome"})
#: Seconds between two attempts, and after which a message is given up.
FIRST_PAUSE = 60
PATIENCE = 24 * 3600
#: From so many attempts on the pause grows no more.
_SLOWEST = 6
_LONGEST = FIRST_PAUSE * 2**_SLOWEST


class Undeliverable(Exception):
    """The other side refused the message for good. Its text never names the recipient."""


class Unreachable(Exception):
    """The message could not be handed over now. Its text never names the recipient."""


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A message that leaves. *unsubscribe* is the address of the page that ends such messages, where there is one.

    *person* is the name of whoever it comes from, empty where that is the server itself; *links* are the addresses in
    it that were put there by the server.
    """

    id: int
    recipient: str
    text: Text
    unsubscribe: str | None
    person: str = ""
    language: str = "en"
    links: tuple[str, ...] = ()


#: Hands one message over, or raises `Undeliverable` or `Unreachable`.
Sender = Callable[[Letter], None]


@dataclass(frozen=True, slots=True)
class _Claim:
    bucket: int
    id: int
    channel: str
    recipient: str
    template: str
    language: str
    values: str
    created_at: int
    attempts: int


def post(session: Session, channel: str, recipient: str, template: str, language: str = "en", **values: str) -> bool:
    """
    Put a message into the outbox, in the transaction of what it tells.

    Returns whether it will be sent: not where this server sends none of that *channel*, and not to an address whose
    owner wants none.
    """
    settings = settings_of(session)
    if not settings.sending.can_send(channel) or not settings.base_url:
        return False
    if template in UNASKED:
        if suppression.is_suppressed(session, channel, recipient):
            return False
        values["unsubscribe"] = link(session, suppression.PURPOSE, suppression.token_for(session, channel, recipient))
    values["site"] = settings.base_url
    render(template, channel, language, values)
    message_id, at = new_id(), now()
    session.execute(
        insert(Message).values(
            bucket=message_id % BUCKETS,
            id=message_id,
            channel=channel,
            recipient=recipient,
            template=template,
            language=language,
            values=json.dumps(values, ensure_ascii=False),
            created_at=at,
            due_at=at,
            attempts=0,
        )
    )
    return True


def link(session: Session, purpose: str, token: str) -> str:
    """Return the address of the portal's page for a token. Its secret is in the query, because paths are logged."""
    return f"{settings_of(session).base_url}/.web/{purpose}?token={token}"


def work(database: Database, senders: dict[str, Sender], *, buckets: Sequence[int] = range(BUCKETS)) -> int:
    """Send everything that is due, and return how many messages left. Any number of workers may do this at once."""
    sent = 0
    with database.reading() as session:
        due = session.scalars(
            select(Message.bucket).distinct().where(Message.bucket.in_(buckets), _is_due(now()))
        ).all()
    for bucket in due:
        while claim := database.write(lambda session, bucket=bucket: _claim(session, bucket)):  # type: ignore[misc]
            sent += _send(database, senders, claim)
    return sent


def _send(database: Database, senders: dict[str, Sender], claim: _Claim) -> bool:
    mine = (Message.bucket == claim.bucket, Message.id == claim.id)
    try:
        _hand_over(senders, claim)
        sent = True
    except (Undeliverable, KeyError) as error:
        logger.warning("A message (%s by %s) is given up: %s", claim.template, claim.channel, error)
        sent = False
    except Unreachable as error:
        due_at = now() + _pause(claim.attempts)
        if due_at < claim.created_at + PATIENCE:
            logger.warning("A message (%s by %s) waits: %s", claim.template, claim.channel, error)
            database.write(lambda session: session.execute(update(Message).where(*mine).values(due_at=due_at)))
            return False
        logger.warning("A message (%s by %s) is given up after a day: %s", claim.template, claim.channel, error)
        sent = False
    database.write(lambda session: session.execute(delete(Message).where(*mine)))
    return sent


def _pause(attempts: int) -> int:
    return FIRST_PAUSE << min(attempts, _SLOWEST)


def _is_due(at: int) -> ColumnElement[bool]:
    # What waits for longer than it ever has to was written before the clock was put back.
    beyond = case({count: at + _pause(count) for count in range(_SLOWEST)}, value=Message.attempts, else_=at + _LONGEST)
    return or_(Message.due_at <= at, Message.due_at > beyond)


def _hand_over(senders: dict[str, Sender], claim: _Claim) -> None:
    if claim.channel not in senders:
        raise Unreachable(f"this server sends nothing by {claim.channel} any more")
    values = json.loads(claim.values)
    text = render(claim.template, claim.channel, claim.language, values)
    person = str(values.get("introducer") or values.get("name") or "") if claim.template in UNASKED else ""
    links = tuple(values[name] for name in ("link", "unsubscribe") if name in values)
    unsubscribe = values.get("unsubscribe")
    senders[claim.channel](Letter(claim.id, claim.recipient, text, unsubscribe, person, claim.language, links))


def _claim(session: Session, bucket: int) -> _Claim | None:
    at = now()
    due = (
        select(Message.id)
        .where(Message.bucket == bucket, _is_due(at))
        .order_by(Message.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.execute(
        update(Message)
        .where(Message.bucket == bucket, Message.id == due.scalar_subquery())
        .values(due_at=at + max(settings_of(session).lease, 60), attempts=Message.attempts + 1)
        .returning(
            Message.bucket,
            Message.id,
            Message.channel,
            Message.recipient,
            Message.template,
            Message.language,
            Message.values,
            Message.created_at,
            Message.attempts,
        )
        .execution_options(synchronize_session=False)
    ).first()
    return _Claim(*row) if row else None
