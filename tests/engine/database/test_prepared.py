"""Statements that are compiled once do what they do through SQLAlchemy; whoever watches the engine can judge them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from sqlalchemy import Select, bindparam, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from sync.database.engine import Database, Session
from sync.database.lists import among_parameter
from sync.database.prepared import STATEMENT, execute, execute_all, read, value
from sync.models import AddressBook, Base
from tests.support import factories

_BOOKS = Base.metadata.tables["address_book"]
_MINE = _BOOKS.c.viewer_id == bindparam("viewer")
TITLE = select(_BOOKS.c.title, _BOOKS.c.id).where(_MINE)
RENAME = update(_BOOKS).where(_MINE).values(title=bindparam("said")).returning(_BOOKS.c.title)


def test_a_prepared_statement_takes_other_values_each_time(database: Database) -> None:
    anna, bert = factories.people(database, "anna", "bert")

    def rename(session: Session) -> None:
        for viewer, title in ((anna, "50 % of all"), (bert, "Friends?")):
            assert execute(session, RENAME, {"viewer": viewer, "said": title}) == [(title,)]
        found = [execute(session, TITLE, {"viewer": viewer})[0] for viewer in (anna, bert)]
        assert found == [("50 % of all", 1), ("Friends?", 1)]
        assert found == [tuple(session.execute(TITLE, {"viewer": viewer}).one()) for viewer in (anna, bert)]

    database.write(rename)


def test_what_is_read_is_of_any_number_of_ids_and_as_the_session_has_it(database: Database) -> None:
    """What was changed through objects is there, whether or not it was written yet."""
    anna, bert = factories.people(database, "anna", "bert")

    def titles(dialect: str) -> Select[int, str]:
        mine = among_parameter(dialect, AddressBook.viewer_id, "viewers")
        return select(AddressBook.viewer_id, AddressBook.title).where(mine, AddressBook.id == bindparam("book"))

    def look(session: Session) -> None:
        book = session.get_one(AddressBook, (anna, 1))
        book.title = "Changed"
        found: dict[int, str] = dict(read(session, titles, {"book": 1}, viewers=[anna, bert, *range(2_000)]))
        assert found.keys() == {anna, bert}
        assert found[anna] == "Changed"
        assert read(session, titles, {"book": 1}, viewers=[]) == []

    database.write(look)


def test_what_a_prepared_statement_breaks_is_told_as_of_any_other(database: Database) -> None:
    anna = factories.person(database, "anna")
    with database.reading() as session:
        row = session.execute(select(_BOOKS).where(_MINE), {"viewer": anna}).mappings().one()
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        database.write(lambda session: execute(session, insert(_BOOKS), dict(row)))


def test_a_prepared_statement_is_run_for_many_rows(database: Database) -> None:
    anna, bert = factories.people(database, "anna", "bert")
    rows: list[dict[str, object]] = [{"viewer": anna, "said": "One"}, {"viewer": bert, "said": "Two"}]
    renamed = update(_BOOKS).where(_MINE).values(title=bindparam("said"))
    for some in (rows, [{**row, "said": "Three"} for row in rows[:1]], []):
        database.write(lambda session, some=some: execute_all(session, renamed, some))  # type: ignore[misc]
    with database.reading() as session:
        assert [value(session, TITLE, {"viewer": viewer}) for viewer in (anna, bert, 1)] == ["Three", "Two", None]


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_what_is_prepared_is_there_still_after_something_was_read(database: Database) -> None:
    """A rollback lets PostgreSQL's driver forget it."""
    prepared = text("SELECT count(*) FROM pg_prepared_statements")
    with database.reading() as session:
        for viewer in range(10):
            execute(session, TITLE, {"viewer": viewer})
        before = session.scalars(prepared).one()
    with database.reading() as session:
        assert session.scalars(prepared).one() == before > 0


def test_nothing_that_is_done_while_reading_stays(database: Database) -> None:
    anna = factories.person(database, "anna")
    with contextlib.suppress(DBAPIError), database.reading() as session:
        execute(session, RENAME, {"viewer": anna, "said": "Changed"})
    with database.reading() as session:
        assert value(session, TITLE, {"viewer": anna}) != "Changed"


def test_whoever_watches_is_told_which_statement_a_text_was_made_of(database: Database) -> None:
    seen: list[object] = []

    def note(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: object) -> None:
        seen.append(context.execution_options.get(STATEMENT))

    with database.reading() as session:
        session.connection()
        event.listen(database.engine, "before_cursor_execute", note)
        execute(session, TITLE, {"viewer": 1})
    event.remove(database.engine, "before_cursor_execute", note)
    assert seen == [TITLE]
