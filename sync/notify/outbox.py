"""
The outbox of messages: written in the transaction of what they tell, sent by a worker afterwards.

A message is claimed for a lease, sent, and deleted. What cannot be sent now is tried again, later each time, and given
up after a day; what the other side refuses for good is given up at once. What is given up is kept for an administrator
to look at. A worker that dies between sending and deleting sends twice; an e-mail's Message-ID is the same then.

What most messages say is written with them. Of those that would grow old while they wait, a composer decides it when
they are sent, and whether there is anything to say at all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, case, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from sync.database.engine import Database, among, settings_of
from sync.database.hints import leaves_work
from sync.errors import DatabaseUnavailable, EndsDue
from sync.models import BUCKETS, Message, new_id, now
from sync.notify import given_up, suppression
from sync.notify.composing import NOTHING, Composed, Composer, Waiting
from sync.notify.templates import Text, render

logger = logging.getLogger("evercard.notify")

#: What nobody asked for goes to no address on the suppression list, and says how to get on it.
UNASKED = frozenset({"accepted", "ending", "introduction", "invitation", "request", "welcome"})
#: Seconds between two attempts, and after which a message is given up.
FIRST_PAUSE = 60
PATIENCE = 24 * 3600
#: Seconds for which a worker may be at one message: a mail server may take its time with each word.
LEASE = 180
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
    session.execute(insert(Message), [_row(channel, recipient, template, language, values)])
    leaves_work(session)
    return True


def post_later(
    session: Session, template: str, letters: Sequence[tuple[str, Mapping[str, str | int]]]
) -> list[int | None]:
    """
    Put e-mails into the outbox whose text is decided when they are sent: addresses, and the values that this takes.

    By the same statements however many there are. Returns the id of each message, None where its owner wants none or
    this server sends none.
    """
    settings = settings_of(session)
    if not settings.sending.can_send("email") or not settings.base_url:
        return [None] * len(letters)
    unwanted = suppression.suppressed(session, "email", {to for to, _values in letters})
    rows = [None if to in unwanted else _row("email", to, template, "", values) for to, values in letters]
    if any(rows):
        session.execute(insert(Message), [row for row in rows if row is not None])
        leaves_work(session)
    return [None if row is None else cast("int", row["id"]) for row in rows]


def waiting(session: Session, ids: Collection[int]) -> set[int]:
    """Return those of these messages that are still in the outbox."""
    found = select(Message.id).where(Message.bucket.in_(range(BUCKETS)), among(session, Message.id, ids))
    return set(session.scalars(found))


def _row(channel: str, to: str, template: str, language: str, values: Mapping[str, str | int]) -> dict[str, object]:
    message_id, at = new_id(), now()
    said = {"template": template, "language": language, "values": json.dumps(values, ensure_ascii=False)}
    times = {"created_at": at, "due_at": at, "attempts": 0}
    return {"bucket": message_id % BUCKETS, "id": message_id, "channel": channel, "recipient": to, **said, **times}


def link(session: Session, purpose: str, token: str) -> str:
    """Return the address of the portal's page for a token. Its secret is in the query, because paths are logged."""
    return f"{settings_of(session).base_url}/.web/{purpose}?token={token}"


def work(
    database: Database,
    senders: Mapping[str, Sender],
    composers: Mapping[str, Composer] | None = None,
    *,
    buckets: Sequence[int] = range(BUCKETS),
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """
    Send everything that is due, and return how many messages left. Any number of workers may do this at once.

    Nothing more is begun once *is_over* says so.
    """
    sent, composed_late = 0, composers or {}
    with database.reading() as session:
        due = session.scalars(
            select(Message.bucket).distinct().where(Message.bucket.in_(buckets), _is_due(now()))
        ).all()
    for bucket in due:
        while not is_over() and (claim := database.write(lambda session, bucket=bucket: _claim(session, bucket))):  # type: ignore[misc]
            sent += _send(database, senders, composed_late, claim)
    return sent


def _send(database: Database, senders: Mapping[str, Sender], composers: Mapping[str, Composer], claim: _Claim) -> bool:
    try:
        composed = _composed(database, composers, claim)
        if composed.text is not None:
            _hand_over(senders, claim, composed, composed.text)
    except (Undeliverable, KeyError) as error:
        _give_up(database, claim, _reason(error))
        return False
    except Unreachable as error:
        _put_off(database, claim, error)
        return False
    except DatabaseUnavailable:
        raise
    except Exception as error:
        # Whatever it was, the others are not kept waiting for it, nor is it tried for ever.
        logger.exception("A message could not be sent")
        _put_off(database, claim, Unreachable(f"it cannot be sent ({type(error).__name__})"))
        return False
    database.write(lambda session: _end(session, claim, composed))
    return composed.text is not None


def _put_off(database: Database, claim: _Claim, error: Unreachable) -> None:
    due_at = now() + _pause(claim.attempts)
    if due_at >= claim.created_at + PATIENCE:
        _give_up(database, claim, f"{error}, for a day")
        return
    logger.warning("A message (%s by %s) waits: %s", claim.template, claim.channel, error)
    later = update(Message).where(*_mine(claim)).values(due_at=due_at)
    database.write(lambda session: session.execute(later.execution_options(synchronize_session=False)))


def _give_up(database: Database, claim: _Claim, reason: str) -> None:
    logger.warning("A message (%s by %s) is given up: %s", claim.template, claim.channel, reason)

    def change(session: Session) -> None:
        # Another worker may have taken it over, and been faster.
        if session.scalars(delete(Message).where(*_mine(claim)).returning(Message.id)).first() is not None:
            given_up.bury(session, given_up.MESSAGE, claim, reason)

    database.write(change)


def _reason(error: Undeliverable | KeyError) -> str:
    return str(error) if isinstance(error, Undeliverable) else "this version does not know what it says"


def _end(session: Session, claim: _Claim, composed: Composed) -> None:
    composed.settled(session)
    session.execute(delete(Message).where(*_mine(claim)))


def _mine(claim: _Claim) -> tuple[ColumnElement[bool], ...]:
    return Message.bucket == claim.bucket, Message.id == claim.id


def _pause(attempts: int) -> int:
    return FIRST_PAUSE << min(attempts, _SLOWEST)


def _is_due(at: int) -> ColumnElement[bool]:
    # What waits for longer than it ever has to was written before the clock was put back.
    longest = {count: at + max(_pause(count), LEASE) for count in range(_SLOWEST)}
    beyond = case(longest, value=Message.attempts, else_=at + _LONGEST)
    return or_(Message.due_at <= at, Message.due_at > beyond)


def _composed(database: Database, composers: Mapping[str, Composer], claim: _Claim) -> Composed:
    """Decide what a message says: nothing also to whoever has said meanwhile that they want no more."""
    values = json.loads(claim.values)
    with database.reading() as session:
        if claim.template in composers:
            waiting = Waiting(claim.id, claim.channel, claim.recipient, values)
            return _late(composers[claim.template], session, waiting)
        if claim.template in UNASKED and suppression.is_suppressed(session, claim.channel, claim.recipient):
            return NOTHING
    text = render(claim.template, claim.channel, claim.language, values)
    links = tuple(values[name] for name in ("link", "unsubscribe") if name in values)
    return Composed(text, claim.language, values.get("unsubscribe"), links)


def _late(composer: Composer, session: Session, waiting: Waiting) -> Composed:
    try:
        return composer(session, waiting)
    except DatabaseUnavailable:
        raise
    except EndsDue as error:
        raise Unreachable("something that it would say is over, and is being taken back") from error
    except Exception as error:
        logger.exception("A message could not be put together")
        raise Unreachable(f"it cannot be put together ({type(error).__name__})") from error


def _hand_over(senders: Mapping[str, Sender], claim: _Claim, composed: Composed, text: Text) -> None:
    if claim.channel not in senders:
        raise Unreachable(f"this server sends nothing by {claim.channel} any more")
    values = json.loads(claim.values)
    person = str(values.get("introducer") or values.get("name") or "") if claim.template in UNASKED else ""
    said = (text, composed.unsubscribe, person, composed.language, composed.links)
    senders[claim.channel](Letter(claim.id, claim.recipient, *said))


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
        .values(due_at=at + LEASE, attempts=Message.attempts + 1)
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
