"""What waits in the outbox, and letting others take it over at once."""

from __future__ import annotations

from sqlalchemy import func, select, update

from sync.database.engine import Database, Session
from sync.models import Job, Message, now


def end_leases(database: Database) -> None:
    """Let the time be over for which what is being done was claimed."""

    def change(session: Session) -> None:
        for model in (Message, Job):
            session.execute(update(model).where(model.bucket >= 0).values(due_at=now()))

    database.write(change)


def waiting(database: Database) -> int:
    """Return how many messages and jobs wait."""
    with database.reading() as session:
        return sum(session.scalars(select(func.count()).select_from(model)).one() for model in (Message, Job))
