"""Whatever the database breaks off, and when: a change is made once, or it is refused with a clean error."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync import fields
from sync.books import entries
from sync.database.engine import Database, Session
from sync.errors import DatabaseUnavailable
from sync.models import AddressBook, Connection, Entry, Field, Grant, Group, PrivateCard
from sync.profiles import profiles
from sync.revisions import address_books
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import STRANGERS, fields_of
from tests.properties.model import new_marker
from tests.properties.world import private_card
from tests.support.people import Person, register

Change = Callable[[Session], object]
#: What breaks: after how many statements, None for at the commit, and in which way.
TROUBLE = st.tuples(st.integers(0, 20) | st.none(), st.sampled_from(["conflict", "lost", "lost afterwards"]))
CHANGES = ("add", "set", "remove", "group", "grant", "take back", "connect or part", "store")


class Trouble:
    """Breaks attempts of transactions off, as they were *planned*."""

    def __init__(self, database: Database, patch: pytest.MonkeyPatch) -> None:
        """Stand between the engine and its driver."""
        self.planned: list[tuple[int | None, str]] = []
        self._sqlite = database.is_sqlite
        self._statements = 0
        dialect = database.engine.dialect
        execute, commit = dialect.do_execute, dialect.do_commit

        def do_execute(cursor: Any, *args: Any, **kwargs: Any) -> None:
            self._statements += 1
            if self.planned and self.planned[0][0] is not None and self._statements > self.planned[0][0]:
                self._break(cursor.connection)
            execute(cursor, *args, **kwargs)

        def do_commit(connection: Any) -> None:
            afterwards = bool(self.planned) and self.planned[0][1] == "lost afterwards" and not self._sqlite
            if not self.planned or afterwards:
                commit(connection)
            if self.planned:
                self._break(connection.driver_connection)

        patch.setattr(dialect, "do_execute", do_execute)
        patch.setattr(dialect, "do_commit", do_commit)

    def _break(self, connection: Any) -> None:
        _, how = self.planned.pop(0)
        self._statements = 0
        if self._sqlite:
            # A lock that does not come is all that can happen to a file.
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorname = "SQLITE_BUSY"
            raise busy
        if how == "conflict":
            # As the server does, which is in no transaction afterwards.
            connection.pgconn.exec_(b"ROLLBACK")
            raise psycopg.errors.SerializationFailure
        connection.close()
        raise psycopg.OperationalError("the connection is lost")


@pytest.fixture
def trouble(database: Database) -> Iterator[Trouble]:
    """Yield what makes trouble on the database."""
    with pytest.MonkeyPatch.context() as patch:
        yield Trouble(database, patch)


@settings(
    max_examples=500 if settings.get_current_profile_name() == "thorough" else 30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(st.sampled_from(CHANGES), st.lists(TROUBLE, max_size=2)), min_size=1, max_size=6))
def test_a_change_is_made_once_or_refused(
    database: Database, trouble: Trouble, steps: list[tuple[str, list[tuple[int | None, str]]]]
) -> None:
    anna, ben = register(database), register(database)
    for name, planned in steps:
        change = prepared(database, name, anna, ben)
        before, after = without_and_with(database, change, anna, ben)
        trouble.planned = list(planned)
        try:
            database.write(change)
            made = [after]
        except DatabaseUnavailable:
            made = [before, after]
        trouble.planned = []
        with database.reading() as session:
            assert state(session, anna, ben) in made


def prepared(database: Database, name: str, anna: Person, ben: Person) -> Change:
    """Return a change of this name that is possible now."""
    with database.reading() as session:
        first = next((field.id for field in fields_of(session, anna.id)), None)
        strangers = groups.find(session, anna.id, STRANGERS).id
        connected = connections.is_connected(session, anna.id, ben.id)
        book = address_books.books_of(session, anna.id)[0]
    marker = new_marker()
    content = fields.field_from_text("note", marker)
    meet = connections.disconnect if connected else connections.connect
    changes: dict[str, Change] = {
        "group": lambda session: groups.create(session, anna.id, marker),
        "connect or part": lambda session: meet(session, anna.id, ben.id),
        "store": lambda session: entries.write(
            session, book, f"{marker}.vcf", private_card(marker, marker).encode(), lambda _: None
        ),
    }
    if first is not None:
        changes |= {
            "set": lambda session: profiles.set_field(session, anna.id, first, content),
            "remove": lambda session: profiles.remove_field(session, anna.id, first),
            "grant": lambda session: grants.grant(session, anna.id, strangers, [first]),
            "take back": lambda session: grants.take_back(session, anna.id, strangers, [first]),
        }
    return changes.get(name, lambda session: profiles.add_field(session, anna.id, content))


def without_and_with(database: Database, change: Change, anna: Person, ben: Person) -> tuple[object, object]:
    """Return the state as it is, and as it would be after *change*, which is not made."""
    with database._session(database._writer) as session:
        before = state(session, anna, ben)
        change(session)
        session.flush()
        return before, state(session, anna, ben)


def state(session: Session, *people: Person) -> object:
    """Return all that a change may change of these people, but for random ids and times."""
    ids = [person.id for person in people]
    grant = (Grant.owner_id == Field.owner_id) & (Grant.field_id == Field.id)
    statements = (
        select(Field.owner_id, Field.content).where(Field.owner_id.in_(ids)),
        select(Field.owner_id, Field.content).join(Grant, grant).where(Field.owner_id.in_(ids)),
        select(Group.owner_id, Group.name).where(Group.owner_id.in_(ids)),
        select(Connection.owner_id, Connection.viewer_id).where(Connection.owner_id.in_(ids)),
        select(AddressBook.viewer_id, AddressBook.revision).where(AddressBook.viewer_id.in_(ids)),
        select(Entry.viewer_id, Entry.kind, Entry.state, Entry.revision).where(Entry.viewer_id.in_(ids)),
        select(PrivateCard.viewer_id, PrivateCard.data).where(PrivateCard.viewer_id.in_(ids)),
    )
    return [sorted(tuple(row) for row in session.execute(statement)) for statement in statements]
