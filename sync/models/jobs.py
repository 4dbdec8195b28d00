"""The outbox: what a committed change still owes to others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment, Word

#: Kinds of jobs about an organisation or a shared book, which *card_id* names; all others are about their owner.
ROSTER, SHARED_BOOK = "roster", "shared_book"


class Job(Base):
    """
    One card whose change is still being carried to the address books that hold it.

    *bucket* is that of whom the job is about (see `sync.models.buckets`); a worker claims within one per statement.
    *kind* is ``fan_out``, or what else is left to the worker, such as ``roster``: then *card_id* names the organisation
    whose members are told. *card_id* names the card; *after_viewer* is the cursor: every viewer up to and including
    that id has been reached.
    *changed_at* is the time that the entries get as REV, *version* the owner's profile's with the change, or the
    revision of the roster before it; absent where a release wrote the job that did not note it. *due_at* is when a
    worker may claim the job next; a claim moves it into the future, which is the lease.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index(None, "bucket", "due_at"),
        {"info": {"spread_by": "bucket"}, "sqlite_with_rowid": False},
    )

    bucket: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Word]
    owner_id: Mapped[Id]
    card_id: Mapped[Id]
    after_viewer: Mapped[Id] = mapped_column(default=0)
    changed_at: Mapped[Moment]
    version: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[Moment]
    attempts: Mapped[Counter] = mapped_column(default=0)
