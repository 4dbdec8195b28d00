"""A database whose tables are spread over several machines, as far as the engine is concerned: it takes every way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, update

from sync.database.engine import Database
from sync.models import ROSTER, SHARED_BOOK, Base, Job, NextEnd
from sync.models.buckets import BY_RANGE, Buckets
from tests.support import statements

#: How cards are read: where all tables are on one machine, and where they are not.
WAYS = ("together", "apart")


@contextmanager
def distributed(database: Database) -> Iterator[Database]:
    """Let everything be done inside the block as it is where the tables are spread over machines."""
    before, buckets = database.is_distributed, database.buckets
    database._is_distributed = True
    into(database, BY_RANGE)
    statements.IS_SPREAD.append(database)
    try:
        yield database
    finally:
        statements.IS_SPREAD.remove(database)
        into(database, buckets)
        database._is_distributed = before


def into(database: Database, buckets: Buckets) -> None:
    """Put jobs and next ends into these *buckets*, as the step does that spreads the tables."""
    if database.buckets is buckets:
        return
    jobs, ends = Base.metadata.tables["job"], Base.metadata.tables["next_end"]
    with database.engine.execution_options(writes=True).begin() as connection:
        for job in connection.execute(select(Job.id, Job.kind, Job.owner_id, Job.card_id)):
            about = job.card_id if job.kind in (ROSTER, SHARED_BOOK) else job.owner_id
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(bucket=buckets.of(about)))
        for owner_id in connection.scalars(select(NextEnd.owner_id)):
            moved = update(ends).where(ends.c.owner_id == owner_id)
            connection.execute(moved.values(bucket=buckets.of(owner_id)))
    database._buckets = buckets


@contextmanager
def together(database: Database) -> Iterator[Database]:
    """Let everything be done inside the block, which is one of `distributed`, as it is on one machine."""
    statements.IS_SPREAD.remove(database)
    database._is_distributed = False
    try:
        yield database
    finally:
        database._is_distributed = True
        statements.IS_SPREAD.append(database)


@contextmanager
def read_apart(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Let cards be read as where the tables are spread; what changes reaches people at once all the same."""
    monkeypatch.setattr("sync.revisions.fan_out.is_distributed", lambda _session: False)
    with distributed(database):
        yield database


@contextmanager
def read_in(way: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Let cards be read in one of `WAYS`: together with their entries, or apart from them."""
    if way == "together":
        yield database
        return
    with read_apart(database, monkeypatch):
        yield database
