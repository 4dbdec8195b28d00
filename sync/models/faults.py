"""What the worker could not do the last time that it tried."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment, Word


class Fault(Base):
    """
    The worker could not do something, and tries it again until it can.

    *kind* is a job's, and *about_id* the job's id; or what else the worker does, and for whom, 0 for all. *bucket* is
    that of whom it is about. It failed *times* since *failing_since*, the last time at *failed_at*. *reason* says what
    it met and where in the program, and no value.
    """

    __tablename__ = "fault"
    __table_args__ = {"info": {"spread_by": "bucket"}, "sqlite_with_rowid": False}

    bucket: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    about_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    failing_since: Mapped[Moment]
    failed_at: Mapped[Moment]
    times: Mapped[Counter]
    reason: Mapped[str] = mapped_column(String(200))
