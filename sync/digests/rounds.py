"""
Rounds: the worker looks whose digest is due, and posts those of whoever may have something to be told.

What is posted holds no news: only whom it is for. What it says is put together when it is sent, from what the reader
may see at that moment, and where that is nothing, nothing is sent. What was told is noted in the transaction that takes
the message out of the outbox.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from sync.accounts import addresses
from sync.database.engine import Database, among, settings_of
from sync.digests import changes, choices, times, words
from sync.models import Account, Address, Base, Digest, Entry, now
from sync.notify import outbox, suppression
from sync.notify.composing import NOTHING, Composed, Waiting
from sync.sharing.preferences import preferences_of

TEMPLATE = "digest"
#: How many people's digests are posted in one transaction.
CHUNK = 500
#: Names in one digest; the others are counted.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody whose digest is due, or was planned by a clock that was wrong and is only planned anew."""

    viewer_id: int
    hour: int
    time_zone: str
    next_at: int
    sent_at: int | None


def work(database: Database) -> int:
    """Post every digest that is due, and return how many those were. Any number of workers may do this at once."""
    settings = database.settings
    if not settings.base_url or not settings.sending.can_send(addresses.EMAIL):
        return 0
    posted, after = 0, 0
    while True:
        with database.reading() as session:
            found = _due(session, after)
        if not found:
            return posted
        posted += database.write(lambda session, found=found: post(session, found))  # type: ignore[misc]
        after = found[-1].viewer_id


def post(session: Session, found: Sequence[Due]) -> int:
    """
    Post the digests of those among *found* for whom no other worker does, and plan their next ones.

    It takes the same statements however many they are. Returns how many were posted.
    """
    at = now()
    mine = (among(session, Digest.viewer_id, [due.viewer_id for due in found]), _is_due(at))
    # Whoever comes second finds that nothing is due any more.
    taken = update(Digest).where(*mine).values(next_at=at + 1).returning(Digest.viewer_id)
    with session.begin_nested():
        ids = set(session.scalars(taken.execution_options(synchronize_session=False)))
        told = _told(session, [due.viewer_id for due in found if due.viewer_id in ids and due.next_at <= at])
        posted = _post(session, told)
        _plan(session, [due for due in found if due.viewer_id in ids], posted, at)
    return len(posted)


def compose(session: Session, waiting: Waiting) -> Composed:
    """Put a digest together for whoever still wants it, at an address that is still theirs."""
    viewer_id, base_url = int(waiting.values["viewer_id"]), settings_of(session).base_url
    if not _is_wanted(session, viewer_id, waiting):
        return NOTHING
    position = changes.reached(session, viewer_id)
    if position is None:
        return NOTHING
    cards = changes.cards_since(session, viewer_id, position)

    def settled(session: Session) -> None:
        changes.note(session, viewer_id, position)

    if not cards:
        return Composed(None, settled=settled)
    language = preferences_of(session, viewer_id).language or "en"
    link, unsubscribe = f"{base_url}/.web/activity/", str(waiting.values["unsubscribe"])
    text = words.text_of(cards, language, NAMED, link=link, unsubscribe=unsubscribe)
    return Composed(text, language, unsubscribe, (link, unsubscribe), settled)


def _due(session: Session, after: int) -> list[Due]:
    columns = (Digest.viewer_id, Digest.hour, Digest.time_zone, Digest.next_at, Digest.sent_at)
    chosen = select(*columns).where(Digest.viewer_id > after, _is_due(now()))
    return [Due(*row) for row in session.execute(chosen.order_by(Digest.viewer_id).limit(CHUNK))]


def _is_due(at: int) -> ColumnElement[bool]:
    return and_(Digest.is_wanted.is_(True), or_(Digest.next_at <= at, Digest.next_at > at + times.LONGEST))


def _told(session: Session, viewer_ids: Collection[int]) -> list[tuple[int, str]]:
    """Return whoever of these may have something to be told, with the address that they read."""
    changed = (
        select(Entry.viewer_id)
        .distinct()
        .join(Digest, Digest.viewer_id == Entry.viewer_id)
        .where(among(session, Entry.viewer_id, viewer_ids), *changes.is_changed())
    )
    ids = sorted({*session.scalars(changed), *changes.may_be_told_of_members(session, viewer_ids)})
    active = select(Account.id).where(among(session, Account.id, ids), Account.disabled_at.is_(None))
    readers = set(session.scalars(active)) - _waiting(session, ids)
    proved = select(Address.owner_id, Address.value).where(
        among(session, Address.owner_id, sorted(readers)), Address.channel == addresses.EMAIL
    )
    oldest_last = session.execute(proved.order_by(Address.owner_id, Address.verified_at.desc(), Address.value.desc()))
    return sorted({row.owner_id: row.value for row in oldest_last}.items())


def _waiting(session: Session, viewer_ids: Collection[int]) -> set[int]:
    """Return those whose last digest could not be sent yet: when it is, it says everything."""
    posted = select(Digest.viewer_id, Digest.message_id).where(
        among(session, Digest.viewer_id, viewer_ids), Digest.message_id.is_not(None)
    )
    messages = {viewer_id: message_id for viewer_id, message_id in session.execute(posted) if message_id is not None}
    still = outbox.waiting(session, list(messages.values()))
    return {viewer_id for viewer_id, message_id in messages.items() if message_id in still}


def _post(session: Session, told: Sequence[tuple[int, str]]) -> dict[int, int]:
    """Post to these people at these addresses, and return the messages of those who want any."""
    signed = choices.signer(session)
    letters: list[tuple[str, dict[str, str | int]]] = [
        (to, {"viewer_id": viewer_id, "unsubscribe": outbox.link(session, choices.PURPOSE, signed(viewer_id))})
        for viewer_id, to in told
    ]
    posted = zip(told, outbox.post_later(session, TEMPLATE, letters), strict=True)
    return {viewer_id: message_id for (viewer_id, _to), message_id in posted if message_id is not None}


def _plan(session: Session, taken: Sequence[Due], posted: Mapping[int, int], at: int) -> None:
    planned: list[dict[str, int]] = []
    rows: list[dict[str, int]] = []
    for due in taken:
        sent_at = at if due.viewer_id in posted else due.sent_at
        planned.append({"viewer": due.viewer_id, "next": times.next_time(due.hour, due.time_zone, at, sent_at)})
        if due.viewer_id in posted:
            rows.append({"viewer": due.viewer_id, "at": at, "message": posted[due.viewer_id]})
    for statement, values in ((_PLANNED, planned), (_POSTED, rows)):
        if values:
            session.connection().execute(statement, values)


def _is_wanted(session: Session, viewer_id: int, waiting: Waiting) -> bool:
    chosen = select(Digest.message_id).where(Digest.viewer_id == viewer_id, Digest.is_wanted.is_(True))
    # Of two, as when one was put back that had been given up, the last one says everything.
    if session.scalars(chosen).first() != waiting.id:
        return False
    active = select(Account.id).where(Account.id == viewer_id, Account.disabled_at.is_(None))
    if session.scalars(active).first() is None:
        return False
    if suppression.is_suppressed(session, addresses.EMAIL, waiting.recipient):
        return False
    return (addresses.EMAIL, waiting.recipient) in addresses.addresses_of(session, viewer_id)


_DIGESTS = Base.metadata.tables["digest"]
_PLANNED = update(_DIGESTS).where(_DIGESTS.c.viewer_id == bindparam("viewer")).values(next_at=bindparam("next"))
_POSTED = (
    update(_DIGESTS)
    .where(_DIGESTS.c.viewer_id == bindparam("viewer"))
    .values(sent_at=bindparam("at"), message_id=bindparam("message"))
)
