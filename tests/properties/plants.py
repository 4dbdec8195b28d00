"""
Bugs to plant: one of each class by which living address books have leaked or lost, to see the machine find it.

Each replaces a part of the engine or the server by what a hurried hand might have written. None is in the product.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from radicale_plugin.dav import filters
from sync import fields
from sync.books import entries, entry_heads, entry_rows, entry_texts
from sync.database.engine import Database, Session
from sync.ends import setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.errors import InvalidSyncToken
from sync.lists import device_edits
from sync.models import (
    CONTACTS,
    AddressBook,
    Connection,
    Ending,
    Entry,
    FieldException,
    Grant,
    Group,
    PushSubscription,
    now,
)
from sync.profiles import profiles
from sync.push import claims, news
from sync.queries import previews
from sync.revisions import address_books, fan_out
from sync.revisions.address_books import Book
from sync.sharing import cards, connections, grants, groups, visibility
from sync.sharing.cards import content_of
from sync.sharing.changes import Change, change
from tests.support.dav import unfolded

Planting = Callable[[pytest.MonkeyPatch, Database], None]


@dataclass(frozen=True)
class Plant:
    """A bug: how to plant it, and whether it shows only where changes go through the outbox."""

    name: str
    plant: Planting
    deferred: bool = False


def search_in_everything(patch: pytest.MonkeyPatch, database: Database) -> None:
    """A query searches the owner's whole profile, and shows only what was granted."""
    finds = filters.Search.finds

    def replacement(search: filters.Search, text: str, stored: str = "") -> bool:
        uid = next(line[4:] for line in unfolded(text).splitlines() if line.startswith("UID:"))
        with database.reading() as session:
            owner_id = session.scalars(select(Entry.id).where(Entry.uid == uid)).first() or 0
            everything = [content_of(field) for field in visibility.fields_of(session, owner_id)]
        if not everything:
            return finds(search, text, stored)
        full = fields.head("3.0", uid, 0) + cards.render(everything, "nobody").body_3
        return finds(search, full)

    patch.setattr(filters.Search, "finds", replacement)


def tell_everybody(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Every change of a profile raises the revisions of all who know the owner."""

    def replacement(
        session: Session, owner_id: int, _changed: Sequence[int], _rostered: Collection[int]
    ) -> fan_out.Plan:
        shown = select(Connection.viewer_id).where(Connection.owner_id == owner_id, Connection.hidden.is_(False))
        return fan_out.Plan(session.scalars(shown).all(), [], [])

    patch.setattr(fan_out, "plan", replacement)


def leave_the_card(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """A grant is taken back and the cards are not rendered anew."""

    def replacement(session: Session, owner_id: int, group_id: int, field_ids: Collection[int]) -> None:
        taken = (Grant.owner_id == owner_id, Grant.group_id == group_id, Grant.field_id.in_(list(field_ids)))
        session.execute(delete(Grant).where(*taken))

    patch.setattr(grants, "take_back", replacement)


def leave_the_members(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """A group is deleted, and who was in it goes on seeing what it was granted."""

    def replacement(session: Session, owner_id: int, group_id: int) -> None:
        session.execute(delete(Group).where(Group.owner_id == owner_id, Group.id == group_id))

    patch.setattr(groups, "remove", replacement)


def forgive(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Exceptions outlive a connection and are there when two people connect again."""
    connect, disconnect = connections.connect, connections.disconnect

    def part(session: Session, one: int, other: int) -> None:
        between = FieldException.owner_id.in_([one, other]) & FieldException.viewer_id.in_([one, other])
        columns = (
            FieldException.owner_id,
            FieldException.viewer_id,
            FieldException.field_id,
            FieldException.allowed,
        )
        kept = session.execute(select(*columns).where(between)).mappings().all()
        disconnect(session, one, other)
        for row in kept:
            session.execute(insert(FieldException).values(**row))

    def meet(session: Session, one: int, other: int) -> None:
        connect(session, one, other)
        with change(session, one, other) as under_way:
            connections.regroup(under_way, one, [other])
            connections.regroup(under_way, other, [one])

    patch.setattr(connections, "disconnect", part)
    patch.setattr(connections, "connect", meet)


def keep_quiet_about_the_gone(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Entries that are gone are not reported to devices that synchronise by token."""

    def present(heads: Callable[..., Iterator[entries.EntryHead]]) -> Callable[..., Iterator[entries.EntryHead]]:
        return lambda *args, **kwargs: (head for head in heads(*args, **kwargs) if head.present)

    for name in ("heads", "changed_heads"):
        patch.setattr(entry_heads, name, present(getattr(entry_heads, name)))


def forget_the_outbox(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """What should be carried later never is."""
    patch.setattr(fan_out, "defer", lambda *_args: None)


def take_any_epoch(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """A token from before a backup was put back is taken."""

    def replacement(book: Book, token: str) -> int:
        match = address_books._TOKEN.fullmatch(token)
        if not match or int(match[2], 16) != book.id or int(match[3]) > book.revision:
            raise InvalidSyncToken
        return int(match[3])

    patch.setattr(Book, "revision_of", replacement)


def keep_one_contact(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Storing a private entry loses the others."""
    write = entries.write

    def replacement(session: Session, book: Book, href: str, *args: Any, **kwargs: Any) -> Any:
        result = write(session, book, href, *args, **kwargs)
        others = update(Entry).where(Entry.viewer_id == book.viewer_id, Entry.kind == "private", Entry.href != href)
        session.execute(others.values(state=address_books.REMOVED))
        return result

    patch.setattr(entries, "write", replacement)
    patch.setattr(device_edits, "_OWN", device_edits._OWN._replace(write=replacement))


def date_the_etag(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """The ETag is the time of the last change."""
    for module in (entry_heads, entry_texts):
        patch.setattr(module, "etag_of", lambda _card, _own, changed_at: f'"{changed_at:x}"')


def boast_in_previews(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """The preview for strangers shows all fields."""
    patch.setattr(
        previews, "visible_fields", lambda session, owner_id, *_: list(visibility.fields_of(session, owner_id))
    )


def leave_it_to_the_worker(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """What is over is gone as soon as a worker comes, and here none does."""
    patch.setattr(Watch, "is_due", lambda _: False)


def end_late(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Something ends an hour after it was to."""

    def replacement(session: Session, owner_id: int, target: Target, at: int, utc_offset: int = 0) -> None:
        set_end(session, owner_id, target, at, utc_offset)
        longer = update(Ending).where(Ending.owner_id == owner_id, *target.condition())
        session.execute(longer.values(ends_at=at + 3600))

    set_end = setting.set_end
    patch.setattr(setting, "set_end", replacement)


def tell_all_but_one(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Of several people whom a change reaches, one is not told."""
    note = news.note_content

    def replacement(session: Session, viewer_ids: Iterable[int], *args: Any, **kwargs: Any) -> news.Browsers:
        viewers = sorted(viewer_ids)
        return note(session, viewers[:-1] or viewers, *args, **kwargs)

    patch.setattr(news, "note_content", replacement)


def tell_of_everything(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """Who knows somebody is told that they changed something, whether or not it is anything to them."""

    @contextmanager
    def replacement(session: Session, *owner_ids: int, **kwargs: Any) -> Iterator[Change]:
        with change(session, *owner_ids, **kwargs) as under_way:
            yield under_way
        shown = select(Connection.viewer_id).where(Connection.owner_id.in_(owner_ids), Connection.hidden.is_(False))
        news.note_content(session, session.scalars(shown), CONTACTS, now())

    patch.setattr(profiles, "change", replacement)


def hear_oneself(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """A device is told of what it stored itself, whatever it says."""
    patch.setattr(news, "silence", lambda *_args: None)


def take_for_told(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """What is claimed counts as told, whatever happens to who claimed it."""
    claim = claims.claim

    def replacement(session: Session, host: str, most: int) -> Sequence[claims.Key]:
        found = claim(session, host, most)
        mine = PushSubscription.id.in_([subscription_id for _, subscription_id in found])
        session.execute(update(PushSubscription).where(mine).values(waiting_since=None))
        return found

    patch.setattr(claims, "claim", replacement)


def tell_again(patch: pytest.MonkeyPatch, _database: Database) -> None:
    """What was told is told again when the pause is over."""
    settle = claims.settle

    def replacement(session: Session, results: claims.Results) -> None:
        settle(session, replace(results, told={key: replace(each, news=-1) for key, each in results.told.items()}))

    patch.setattr(claims, "settle", replacement)


PLANTS = (
    Plant("search in everything", search_in_everything),
    Plant("tell everybody", tell_everybody),
    Plant("leave the card", leave_the_card),
    Plant("leave the members", leave_the_members),
    Plant("forgive", forgive),
    Plant("keep quiet about the gone", keep_quiet_about_the_gone),
    Plant("forget the outbox", forget_the_outbox, deferred=True),
    Plant("take any epoch", take_any_epoch),
    Plant("keep one contact", keep_one_contact),
    Plant("date the ETag", date_the_etag),
    Plant("leave it to the worker", leave_it_to_the_worker),
    Plant("end late", end_late),
    Plant("boast in previews", boast_in_previews),
    Plant("tell all but one", tell_all_but_one),
    Plant("tell of everything", tell_of_everything),
    Plant("hear oneself", hear_oneself),
    Plant("take for told", take_for_told),
    Plant("tell again", tell_again),
)


def number_early(patch: pytest.MonkeyPatch) -> None:
    """
    A revision is the highest number that is there and one more, found before the row is locked.

    It is found so long before that others raise it meanwhile: where they did so once, the next change of the same
    person's card would make up for it.
    """

    def replacement(session: Session, viewer_ids: Iterable[int], at: int, book_id: int = CONTACTS) -> None:
        books = AddressBook.viewer_id.in_(list(viewer_ids)) & (AddressBook.id == book_id)
        asked = select(AddressBook.viewer_id, AddressBook.revision).where(books)
        numbers = dict(session.execute(asked).all())
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            if any(revision > numbers[viewer_id] + 1 for viewer_id, revision in session.execute(asked)):
                break
            time.sleep(0.02)
        time.sleep(random.random() / 10)
        for viewer_id, revision in sorted(numbers.items()):
            book = (AddressBook.viewer_id == viewer_id, AddressBook.id == book_id)
            session.execute(update(AddressBook).where(*book).values(revision=revision + 1, changed_at=at))

    for module in (address_books, entry_rows):
        patch.setattr(module, "raise_revisions", replacement)
