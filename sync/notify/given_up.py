"""
What was given up of messages and errands (dead letters), kept for a while for whoever looks after the server.

They can be listed without saying whom they are for, and put back, as when a mail server refused everything for a day.
What is put back is judged anew: whoever wants no more messages by then gets none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session

from sync.database.hints import leaves_work
from sync.database.lists import among
from sync.models import BUCKETS, Errand, GivenUp, Message, now

MESSAGE, ERRAND = "message", "errand"
#: Seconds after which one is forgotten: it holds an address, and what it says is old.
KEPT = 30 * 24 * 3600
#: So many are put back or dropped in one transaction.
CHUNK = 500
_REASON = 200
_SAME = ("bucket", "id", "values", "created_at", "attempts")


@dataclass(frozen=True, slots=True)
class Listed:
    """
    Something that was given up, as it is listed.

    *domain* is that of the address which an e-mail is for; of a phone number there is nothing.
    """

    id: int
    source: str
    kind: str
    channel: str
    domain: str
    created_at: int
    failed_at: int
    attempts: int
    reason: str


def bury(session: Session, source: str, row: Any, reason: str) -> None:
    """Keep what is given up, in the transaction that takes it out of its queue; *reason* names nobody."""
    values = {name: getattr(row, name) for name in _SAME}
    kind = row.template if source == MESSAGE else row.kind
    named = {name: getattr(row, name, "") for name in ("channel", "recipient", "language")}
    told = {"kind": kind[:32], "failed_at": now(), "reason": reason[:_REASON]}
    session.execute(insert(GivenUp).values(source=source, **values, **named, **told))


def listed(session: Session, most: int) -> list[Listed]:
    """Return *most* of them, those that were given up last first."""
    newest = select(GivenUp).order_by(GivenUp.failed_at.desc(), GivenUp.id).limit(most)
    return [_listed(row) for row in session.scalars(newest)]


def counts(session: Session) -> dict[tuple[str, str, str, str], int]:
    """Return how many there are, by source, kind, channel and reason."""
    of = (GivenUp.source, GivenUp.kind, GivenUp.channel, GivenUp.reason)
    rows = session.execute(select(*of, func.count()).group_by(*of).order_by(func.count().desc(), *of)).all()
    return {(source, kind, channel, reason): number for source, kind, channel, reason, number in rows}


def put_back(session: Session, ids: Collection[int] | None = None) -> int:
    """
    Let these be tried again, all of them for None, and return how many those were: at most `CHUNK` at a time.

    They count as new, so that they are tried for as long as any other.
    """
    found = session.scalars(select(GivenUp).where(*_chosen(session, ids)).order_by(GivenUp.id).limit(CHUNK)).all()
    at = now()
    messages = [_message(row, at) for row in found if row.source == MESSAGE]
    errands = [_errand(row, at) for row in found if row.source == ERRAND]
    with session.begin_nested():
        for model, rows in ((Message, messages), (Errand, errands)):
            if rows:
                session.execute(insert(model), rows)
        _delete(session, [row.id for row in found])
    leaves_work(session)
    return len(found)


def drop(session: Session, ids: Collection[int] | None = None) -> int:
    """Forget these, all of them for None, and return how many those were: at most `CHUNK` at a time."""
    found = session.scalars(select(GivenUp.id).where(*_chosen(session, ids)).order_by(GivenUp.id).limit(CHUNK))
    chosen = found.all()
    _delete(session, chosen)
    return len(chosen)


def purge(session: Session) -> int:
    """Forget those that are too old, and return how many those were."""
    old = delete(GivenUp).where(GivenUp.failed_at <= now() - KEPT)
    return len(session.scalars(old.returning(GivenUp.id)).all())


def _chosen(session: Session, ids: Collection[int] | None) -> Sequence[ColumnElement[bool]]:
    everywhere = GivenUp.bucket.in_(range(BUCKETS))
    return (everywhere,) if ids is None else (everywhere, among(session, GivenUp.id, ids))


def _delete(session: Session, ids: Sequence[int]) -> None:
    gone = delete(GivenUp).where(*_chosen(session, ids))
    session.execute(gone.execution_options(synchronize_session=False))


def _message(row: GivenUp, at: int) -> dict[str, object]:
    named = {"template": row.kind, "channel": row.channel, "recipient": row.recipient, "language": row.language}
    return _errand(row, at) | named


def _errand(row: GivenUp, at: int) -> dict[str, object]:
    anew = {"created_at": at, "due_at": at, "attempts": 0}
    return {"bucket": row.bucket, "id": row.id, "kind": row.kind, "values": row.values, **anew}


def _listed(row: GivenUp) -> Listed:
    domain = row.recipient.rpartition("@")[2] if "@" in row.recipient else ""
    told = (row.created_at, row.failed_at, row.attempts, row.reason)
    return Listed(row.id, row.source, row.kind, row.channel, domain, *told)
