"""What waits in the outbox, and letting others take it over at once."""

from __future__ import annotations

from sqlalchemy import func, select, update

from sync.database.engine import Database, Session
from sync.models import Job, Message, PushSubscription, now


def end_leases(database: Database) -> None:
    """Let the time be over for which what is being done was claimed, and the pause between messages to one device."""

    def change(session: Session) -> None:
        for model in (Message, Job):
            session.execute(update(model).where(model.bucket >= 0).values(due_at=now()))
        session.execute(update(PushSubscription).values(not_before=0))

    database.write(change)


def waiting(database: Database) -> int:
    """Return how many messages and jobs wait."""
    with database.reading() as session:
        return sum(session.scalars(select(func.count()).select_from(model)).one() for model in (Message, Job))
