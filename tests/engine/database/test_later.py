"""What is run later is done before all that follows, or not at all, however it is sent and whatever goes wrong."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import bindparam, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from sync.database.engine import Database, Session
from sync.database.prepared import STATEMENT, ask, execute, execute_all, later, value
from sync.errors import DatabaseUnavailable
from sync.models import AddressBook, Base
from sync.pipeline.line import MOST, Line
from tests.support import factories
from tests.support.databases import plain
from tests.support.statements import Interrupted

ON_POSTGRESQL = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
_BOOKS = Base.metadata.tables["address_book"]
_MINE = _BOOKS.c.viewer_id == bindparam("viewer")
TITLE = select(_BOOKS.c.title).where(_MINE)
RENAME = update(_BOOKS).where(_MINE).values(title=bindparam("said"))
DESCRIBE = update(_BOOKS).where(_MINE).values(description=bindparam("said"), names_key=bindparam("key"))
DESCRIBED = select(_BOOKS.c.description, _BOOKS.c.names_key).where(_MINE)


@pytest.fixture
def anna(database: Database) -> int:
    """Return somebody with an address book."""
    return factories.person(database, "anna")


@pytest.fixture
def bert(database: Database) -> int:
    """Return somebody else."""
    return factories.person(database, "bert")


def rename(session: Session, viewer_id: int, said: str) -> None:
    later(session, RENAME, {"viewer": viewer_id, "said": said})


def break_off(session: Session, viewer_id: int) -> None:
    """Insert later what is there already."""
    row = {column.name: None for column in _BOOKS.columns}
    book = {"id": 1, "path": "contacts", "title": "Twice", "epoch": 1, "revision": 0, "changed_at": 0}
    later(session, insert(_BOOKS), {**row, **book, "viewer_id": viewer_id})


def title(database: Database, viewer_id: int) -> str:
    with database.reading() as session:
        return str(value(session, TITLE, {"viewer": viewer_id}))


def again(database: Database, anna: int) -> None:
    """Whatever it was that went wrong, the connections can be used as before."""
    for said in ("Once more", "And again"):
        database.write(lambda session, said=said: rename(session, anna, said))  # type: ignore[misc]
        assert title(database, anna) == said


def test_it_is_done_in_its_order_before_what_is_asked(database: Database, anna: int, bert: int) -> None:
    def change(session: Session) -> None:
        for said in ("One", "Two"):
            rename(session, anna, said)
        rename(session, bert, "Three")
        assert execute(session, TITLE, {"viewer": anna}) == [("Two",)]
        rename(session, bert, "Four")
        # Also by the ways of others.
        assert session.scalars(select(AddressBook.title).where(AddressBook.viewer_id == bert)).one() == "Four"
        rename(session, anna, "Five")

    database.write(change)
    assert (title(database, anna), title(database, bert)) == ("Five", "Four")


def test_what_is_asked_is_answered_as_of_its_place(database: Database, anna: int) -> None:
    told: list[object] = []

    def change(session: Session) -> None:
        rename(session, anna, "One")
        first = ask(session, TITLE, {"viewer": anna})
        rename(session, anna, "Two")
        second = ask(session, TITLE, {"viewer": anna}, told.append)
        rename(session, anna, "Three")
        none = ask(session, TITLE, {"viewer": 0})
        assert (second.rows, first.rows, none.rows) == ([("Two",)], [("One",)], [])
        assert told == [[("Two",)]]
        with session.begin_nested():
            assert ask(session, TITLE, {"viewer": anna}).rows == [("Three",)]
        ask(session, TITLE, {"viewer": anna}, told.append)

    database.write(change)
    # At the commit, where nobody looked before.
    assert told == [[("Two",)], [("Three",)]]


@pytest.mark.parametrize("looks", [False, True], ids=["at the commit", "when it is looked at"])
def test_what_goes_wrong_before_an_answer_is_told_in_its_place(database: Database, anna: int, *, looks: bool) -> None:
    told: list[object] = []

    def change(session: Session) -> None:
        break_off(session, anna)
        asked = ask(session, TITLE, {"viewer": anna}, told.append)
        if looks:
            told.append(asked.rows)

    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        database.write(change)
    assert told == []
    again(database, anna)


@ON_POSTGRESQL
def test_nobody_is_answered_out_of_a_transaction_that_failed(database: Database, anna: int) -> None:
    def change(session: Session) -> None:
        asked = ask(session, TITLE, {"viewer": anna})
        break_off(session, anna)
        for error in (IntegrityError, RuntimeError):
            with pytest.raises(error):
                list(asked.rows)
        raise Interrupted

    with pytest.raises(Interrupted):
        database.write(change)
    again(database, anna)


def test_a_transaction_may_have_nothing_else(database: Database, anna: int) -> None:
    database.write(lambda session: rename(session, anna, "Alone"))
    assert title(database, anna) == "Alone"
    with database.writing() as session:
        rename(session, anna, "As alone")
    assert title(database, anna) == "As alone"


def test_any_value_arrives_as_it_is(database: Database, anna: int) -> None:
    for said, key in (("50 %s of 'all' \\ \u4f60", b"\0\\x\xff"), ("", b""), (None, None)):
        values = {"viewer": anna, "said": said, "key": key}
        database.write(lambda session, values=values: later(session, DESCRIBE, values))  # type: ignore[misc]
        with database.reading() as session:
            ((found, found_key),) = execute(session, DESCRIBED, {"viewer": anna})
        assert (found, found_key) == (said, key)


def test_however_many_they_are_the_last_counts(database: Database, anna: int) -> None:
    rows = [{"viewer": anna, "said": f"Number {number}"} for number in range(130)]
    database.write(lambda session: execute_all(session, RENAME, rows))
    assert title(database, anna) == "Number 129"


def test_what_is_asked_is_answered_however_much_waits_before_it(database: Database, anna: int) -> None:
    """More waits than is sent at once: what is sent early goes without whatever somebody wants to know."""

    def change(session: Session, *, count: int) -> None:
        for number in range(count):
            rename(session, anna, f"{count}, {number}")
        last = [(f"{count}, {count - 1}",)]
        assert execute(session, TITLE, {"viewer": anna}) == last
        execute_all(session, RENAME, [{"viewer": anna, "said": "passing"}] * count)
        rename(session, anna, "seen")
        asked = ask(session, TITLE, {"viewer": anna})
        rename(session, anna, "unseen")
        assert asked.rows == [("seen",)]

    for count in range(1, 2 * MOST + 3):
        database.write(functools.partial(change, count=count))
    assert title(database, anna) == "unseen"


@pytest.mark.parametrize("asks", [False, True], ids=["at the commit", "at the next question"])
def test_where_one_fails_nothing_is_stored_and_it_is_told_once(
    database: Database, anna: int, bert: int, *, asks: bool
) -> None:
    tries: list[int] = []

    def change(session: Session) -> None:
        tries.append(1)
        rename(session, anna, "Before")
        break_off(session, anna)
        rename(session, bert, "Behind")
        if asks:
            execute(session, TITLE, {"viewer": anna})

    before = title(database, anna), title(database, bert)
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        database.write(change)
    assert len(tries) == 1
    assert (title(database, anna), title(database, bert)) == before
    again(database, anna)


def test_what_fails_in_a_part_is_told_in_it_and_the_rest_stays(database: Database, anna: int, bert: int) -> None:
    def change(session: Session) -> None:
        rename(session, anna, "Stays")
        with contextlib.suppress(IntegrityError), session.begin_nested():
            rename(session, bert, "Goes")
            break_off(session, anna)
        with contextlib.suppress(Interrupted), session.begin_nested():
            rename(session, bert, "Goes as well")
            raise Interrupted
        assert value(session, TITLE, {"viewer": bert}) == before

    before = title(database, bert)
    database.write(change)
    assert (title(database, anna), title(database, bert)) == ("Stays", before)
    again(database, anna)


@ON_POSTGRESQL
def test_a_part_is_sent_with_its_end(database: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, exchange = list[list[str]](), Line._exchange

    def note(line: Line, commands: Any, found: Any) -> None:
        sent.append([command.text.partition(" ")[0] for command in commands if command.key is None])
        exchange(line, commands, found)

    def change(session: Session) -> None:
        with session.begin_nested():
            rename(session, anna, "One")
            rename(session, anna, "Two")

    database.write(change)
    monkeypatch.setattr(Line, "_exchange", note)
    database.write(change)
    assert sent == [["BEGIN", "SAVEPOINT"], ["UPDATE", "UPDATE", "RELEASE"], ["COMMIT"]]
    assert title(database, anna) == "Two"


@ON_POSTGRESQL
def test_an_error_that_is_passed_over_is_told_at_the_commit(database: Database, anna: int) -> None:
    """Where it was told to somebody who took it for their own, nobody may be told that anything was stored."""

    def change(session: Session) -> None:
        rename(session, anna, "Before")
        break_off(session, anna)
        with contextlib.suppress(IntegrityError), session.begin_nested():
            rename(session, anna, "Inside")

    with pytest.raises(DBAPIError, match="passed over"):
        database.write(change)
    assert title(database, anna) not in ("Before", "Inside")
    again(database, anna)


def test_who_raises_before_it_was_sent_has_done_nothing(database: Database, anna: int) -> None:
    def change(session: Session) -> None:
        rename(session, anna, "Never")
        raise Interrupted

    for _ in range(2):
        with pytest.raises(Interrupted):
            database.write(change)
    assert title(database, anna) != "Never"
    again(database, anna)


def test_whoever_watches_hears_of_it_at_its_place(database: Database, anna: int) -> None:
    seen: list[object] = []

    def note(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: object) -> None:
        if STATEMENT in context.execution_options:
            seen.append(context.execution_options[STATEMENT])

    def change(session: Session) -> None:
        rename(session, anna, "Seen")
        seen.append("between")
        value(session, TITLE, {"viewer": anna})
        rename(session, anna, "Seen again")

    event.listen(database.engine, "before_cursor_execute", note)
    database.write(change)
    event.remove(database.engine, "before_cursor_execute", note)
    assert seen == [RENAME, "between", TITLE, RENAME]


@ON_POSTGRESQL
def test_what_cannot_be_sent_is_told_at_once(database: Database, anna: int) -> None:
    def change(session: Session) -> None:
        with pytest.raises(DBAPIError, match="NUL"):
            rename(session, anna, "\0")
        rename(session, anna, "Sent")

    database.write(change)
    assert title(database, anna) == "Sent"


def lost(database: Database, session: Session) -> None:
    """Let the server end the connection of a session, as one that shuts down does."""
    backend = session.scalars(text("SELECT pg_backend_pid()")).one()
    with psycopg.connect(plain(database.url), autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 10000)", (backend,)).fetchone() == (True,)


def closed(_database: Database, session: Session) -> None:
    """Let the connection of a session be gone without a word, as a cable that is cut."""
    driver: Any = session.connection().connection.driver_connection
    with contextlib.suppress(DBAPIError, psycopg.Error):
        driver.pgconn.finish()


@ON_POSTGRESQL
@pytest.mark.parametrize("lose", [lost, closed])
@pytest.mark.parametrize("asks", [False, True], ids=["at the commit", "at the next question"])
def test_where_the_connection_is_lost_it_is_done_once_or_it_is_said_that_nobody_knows(
    database: Database, anna: int, lose: Callable[[Database, Session], None], *, asks: bool
) -> None:
    tries: list[int] = []

    def change(session: Session) -> None:
        revision = session.scalars(select(AddressBook.revision).where(AddressBook.viewer_id == anna)).one()
        tries.append(revision)
        if len(tries) == 1:
            lose(database, session)
        later(session, update(_BOOKS).where(_MINE).values(revision=_BOOKS.c.revision + 1), {"viewer": anna})
        if asks:
            value(session, TITLE, {"viewer": anna})

    with contextlib.suppress(DatabaseUnavailable):
        database.write(change)
    with database.reading() as session:
        revision = session.scalars(select(AddressBook.revision).where(AddressBook.viewer_id == anna)).one()
    # What was lost before COMMIT was sent is done again; behind it nobody may do it again.
    assert len(tries) == 1 or tries == [tries[0]] * 2
    assert revision == tries[0] + len(tries) - 1
    assert len(tries) == 2 or not asks
    again(database, anna)


@ON_POSTGRESQL
def test_a_statement_is_prepared_once_and_stays_so(database: Database, anna: int) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'evercard%'")

    def count(session: Session) -> int:
        for number in (1, 2**15, 2**40):
            execute(session, TITLE, {"viewer": number})
        return int(session.scalars(prepared).one())

    before = database.write(count)
    assert before > 0
    with pytest.raises(ZeroDivisionError):
        database.write(lambda _: 1 // 0)
    assert database.write(count) == before


@ON_POSTGRESQL
def test_a_statement_that_the_driver_let_go_of_is_prepared_anew(database: Database, anna: int) -> None:
    server_forgets = text("DO $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$")
    tries: list[int] = []

    def change(session: Session) -> str:
        tries.append(1)
        value(session, TITLE, {"viewer": anna})
        with contextlib.suppress(Interrupted), session.begin_nested():
            # The driver lets go of everything when it goes back.
            raise Interrupted
        value(session, TITLE, {"viewer": anna})
        if len(tries) == 1:
            session.execute(server_forgets)
        return str(value(session, TITLE, {"viewer": anna}))

    assert database.write(change) == title(database, anna)
    assert len(tries) == 2


@ON_POSTGRESQL
@pytest.mark.parametrize("behind", ["DROP TABLE gone", "SELECT 1; alter table gone ADD more INT", "DEALLOCATE ALL"])
def test_behind_a_change_of_tables_everything_is_prepared_anew(database: Database, anna: int, behind: str) -> None:
    def change(session: Session) -> str:
        session.execute(text("CREATE TEMPORARY TABLE gone ON COMMIT DROP AS SELECT 1 AS one"))
        # So often that the driver itself has prepared something, which it would let go of with everything else.
        for _ in range(7):
            session.scalars(select(AddressBook.title).where(AddressBook.viewer_id == anna)).one()
        value(session, TITLE, {"viewer": anna})
        session.execute(text(behind))
        tries.append(behind)
        return str(value(session, TITLE, {"viewer": anna}))

    tries: list[str] = []
    assert database.write(change) == title(database, anna)
    assert tries == [behind]
