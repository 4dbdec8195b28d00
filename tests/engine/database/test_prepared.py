"""Statements that are compiled once do what they do through SQLAlchemy; whoever watches the engine can judge them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, event, select, update

from sync.database.engine import Database, Session
from sync.database.prepared import STATEMENT, execute
from sync.models import Base
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
