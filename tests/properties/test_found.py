"""Histories that once lost something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync import fields
from sync.books import entries
from sync.database.engine import Database, Session
from sync.profiles import profiles
from sync.revisions import address_books, fan_out
from sync.settings import Settings
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import STRANGERS
from tests.support.databases import opened
from tests.support.people import Person, register


@pytest.fixture
def deferring(database_url: str) -> Iterator[Database]:
    """Yield a database where what more than one person sees goes through the outbox."""
    with opened(database_url, Settings(inline_viewers=1)) as database:
        yield database


def test_who_changes_groups_while_news_is_on_its_way_gets_the_news(deferring: Database) -> None:
    """The card of the new groups says the same, so the move itself is no news; the changed value is."""
    anna, ben, clara = (register(deferring) for _ in range(3))

    def begin(session: Session) -> tuple[int, int]:
        connections.connect(session, anna.id, ben.id)
        connections.connect(session, anna.id, clara.id)
        field_id = profiles.add_field(session, anna.id, fields.field_from_text("note", "before"))
        grants.grant(session, anna.id, groups.find(session, anna.id, STRANGERS).id, [field_id])
        return field_id, groups.create(session, anna.id, "family")

    field_id, group_id = deferring.write(begin)
    fan_out.work(deferring)
    seen = revision(deferring, ben)
    after = fields.field_from_text("note", "after")
    deferring.write(lambda session: profiles.set_field(session, anna.id, field_id, after))
    deferring.write(lambda session: groups.add_member(session, anna.id, group_id, ben.id))
    fan_out.work(deferring)
    with deferring.reading() as session:
        book = address_books.books_of(session, ben.id)[0]
        assert ["NOTE:after" in entry.text for entry in entries.texts(session, book, since=seen)] == [True]


def revision(database: Database, person: Person) -> int:
    """Return the revision of somebody's address book."""
    with database.reading() as session:
        return address_books.books_of(session, person.id)[0].revision
