"""How much there is, and how much waits: numbers about the whole database, and about nobody in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from sync import faults
from sync.database.engine import Database
from sync.models import (
    Account,
    AddressBook,
    Card,
    Device,
    Entry,
    Errand,
    Field,
    GivenUp,
    Job,
    Message,
    PushSubscription,
    now,
)

_SIZES = {"accounts": Account, "address_books": AddressBook, "cards": Card, "devices": Device, "entries": Entry}


def waiting(session: Session) -> Mapping[str, float]:
    """
    Return how many jobs, messages and news for devices wait, and for how many seconds the oldest of each does.

    Beside them how many errands wait, how many of messages and errands were given up, and how much else could not be
    done yet.
    """
    at = now()
    jobs, oldest_job = session.execute(select(func.count(), func.min(Job.changed_at)).select_from(Job)).one()
    letters, oldest_letter = session.execute(
        select(func.count(), func.min(Message.created_at)).select_from(Message)
    ).one()
    errands = session.scalars(select(func.count()).select_from(Errand)).one()
    lost = session.scalars(select(func.count()).select_from(GivenUp)).one()
    since = PushSubscription.waiting_since
    # What browsers are told waits on purpose.
    is_late = or_(PushSubscription.session_id.is_(None), PushSubscription.failing_since.is_not(None))
    news, oldest_news = session.execute(select(func.count(), func.min(since)).where(since.is_not(None), is_late)).one()
    return {
        "fan_out_jobs": jobs,
        "fan_out_lag_seconds": max(0, at - oldest_job) if jobs else 0,
        "outbox_messages": letters,
        "outbox_oldest_seconds": max(0, at - oldest_letter) if letters else 0,
        "outbox_errands": errands,
        "outbox_given_up": lost,
        "outbox_failing": faults.count(session),
        "push_waiting": news,
        "push_oldest_seconds": max(0, at - oldest_news) if oldest_news else 0,
    }


@dataclass(frozen=True, slots=True)
class Failing:
    """So many messages of a *channel* and *template* could not be handed over yet, one of them *attempts* times."""

    channel: str
    template: str
    count: int
    attempts: int


def failing(session: Session) -> Sequence[Failing]:
    """Return which messages were tried in vain and wait to be tried again, by what they are."""
    kinds = (Message.channel, Message.template)
    tried = select(*kinds, func.count(), func.max(Message.attempts)).where(Message.attempts > 1)
    return [Failing(*row) for row in session.execute(tried.group_by(*kinds).order_by(*kinds))]


def sizes(database: Database) -> Mapping[str, float]:
    """Return how many rows of each kind there are, and the octets that they take. Reads every one of them."""
    with database.reading() as session:
        rows = {
            name: session.scalars(select(func.count()).select_from(model)).one()
            for name, model in {**_SIZES, "fields": Field}.items()
        }
        return {**rows, "octets": _octets(database, session)}


def _octets(database: Database, session: Session) -> int:
    if not database.is_sqlite:
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    main = Path(str(database.url.database))
    return sum(file.stat().st_size for file in (main, main.with_name(main.name + "-wal")) if file.exists())
