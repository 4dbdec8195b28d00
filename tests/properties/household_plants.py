"""
Bugs to plant in what households share: one of each class by which something leaks, or is lost.

Each replaces a part of the engine by what a hurried hand might have written. None is in the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import ColumnElement, update

from sync import jobs
from sync.books import entry_heads
from sync.calendars import feeds
from sync.database.engine import Database, Session
from sync.ends.watch import Watch
from sync.errors import NotFound
from sync.household import following, offers, pairs, shares
from sync.household.pairs import Share, Source
from sync.models import Job, SharedField
from sync.revisions.address_books import Book
from sync.revisions.shared_fields import HOUSEHOLD
from tests.support.machines import Plant


def tell_once(patch: pytest.MonkeyPatch) -> None:
    """What a device was told is taken to have arrived, and not told again."""
    told, changed = set[tuple[int, entry_heads.EntryHead]](), entry_heads.changed_heads

    def replacement(database: Database, book: Book, since: int, *args: Any) -> Iterator[entry_heads.EntryHead]:
        for head in changed(database, book, since, *args):
            if not since or (book.viewer_id, head) not in told:
                told.add((book.viewer_id, head))
                yield head

    patch.setattr(entry_heads, "changed_heads", replacement)


def agree_again(patch: pytest.MonkeyPatch) -> None:
    """Who got no answer and agrees again has the same on their card twice."""

    def replacement(session: Session, share: Share) -> Source:
        source = pairs.source_of(session, share)
        if pairs.carried_state(session, share) is None or source is None:
            raise NotFound("There is no such offer any more.")
        return source

    patch.setattr(offers, "_offered", replacement)


def call_it_done_first(patch: pytest.MonkeyPatch) -> None:
    """A worker takes its job out of the outbox before it does it."""

    def replacement(database: Database, person_id: int) -> None:
        database.write(lambda session: jobs.done(session, HOUSEHOLD, person_id))
        with database.reading() as session:
            owed = following.owed(session, person_id)
        for share in owed:
            database.write(partial(following.follow, share=share))

    patch.setattr(following, "settle", replacement)


def follow_by_halves(patch: pytest.MonkeyPatch) -> None:
    """That somebody is to follow is noted as done in one transaction, and done in the next."""

    def note(session: Session, share: Share) -> None:
        session.execute(update(SharedField).where(*share.of_owner).values(is_owed=False))

    def replacement(database: Database, person_id: int) -> None:
        with database.reading() as session:
            owed = following.owed(session, person_id)
        for share in owed:
            database.write(partial(note, share=share))
            database.write(partial(following.follow, share=share))
        database.write(partial(following._finish, person_id=person_id))

    patch.setattr(following, "settle", replacement)


def wait_for_the_clock(patch: pytest.MonkeyPatch) -> None:
    """What was left to the worker before the clock was put back waits until it is that time again."""

    def replacement(at: ColumnElement[int], _lease: ColumnElement[int]) -> ColumnElement[bool]:
        return Job.due_at <= at

    patch.setattr(jobs, "is_due", replacement)


def leave_ends_to_the_worker(patch: pytest.MonkeyPatch) -> None:
    """What is over is gone as soon as a worker comes, and here none does."""
    patch.setattr(Watch, "is_due", lambda _: False)


def show_what_is_not_offered(patch: pytest.MonkeyPatch) -> None:
    """The page says of a field that somebody carried what it says now."""
    carried_by = shares.carried_by

    def replacement(session: Session, carrier_id: int) -> list[shares.Carried]:
        found = [(each, pairs.source_of(session, each.share)) for each in carried_by(session, carrier_id)]
        return [each if source is None else replace(each, said=source.said) for each, source in found]

    patch.setattr(shares, "carried_by", replacement)


def keep_the_calendar(patch: pytest.MonkeyPatch) -> None:
    """A program that fetched a calendar is told for ever that it is still the same."""
    opened = feeds.opened

    def replacement(database: Database, secret: str) -> feeds.Opened | None:
        found = opened(database, secret)
        return found and replace(found, state="same")

    patch.setattr(feeds, "opened", replacement)


PLANTS: tuple[Plant, ...] = (
    tell_once,
    agree_again,
    call_it_done_first,
    follow_by_halves,
    wait_for_the_clock,
    leave_ends_to_the_worker,
    show_what_is_not_offered,
    keep_the_calendar,
)
