"""
Watch the SQL that the engine sends: count it, interrupt it, and judge whether it could be spread over machines.

The judge reads the statement that SQLAlchemy compiled, not its text: which tables it names, which of their columns it
sets equal, what it locks, calls and updates. The tables of a statement must be those of one person: the columns that
spread them must be equal to each other, or to one value.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import CompoundSelect, Delete, Engine, Insert, Select, Table, Update, event
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList, ClauseElement, ColumnClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Join, Lateral

from sync.database.distribution import TOGETHER
from sync.database.engine import Database
from sync.database.prepared import STATEMENT, compiled
from sync.database.quick import Quick
from sync.models import Base

OURS = set(Base.metadata.tables)
#: Every SQL function that the engine calls. None of them gives another answer when it is called again.
FUNCTIONS = {
    *("any", "coalesce", "count", "instr", "json_each", "json_extract", "length", "max", "min", "set_config", "strpos"),
    *("substr", "sum", "unnest"),
}
#: What begins, parts and ends a transaction; it is no statement that could be counted.
TRANSACTION = ("BEGIN", "PRAGMA busy_timeout", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
#: What the engine must not send as text, past SQLAlchemy's own language, where nobody can judge it.
WORDS = {"COPY", "DELETE", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY", "TRUNCATE", "UPDATE", "WITH"}
#: What a text names as tables, and which columns it wants to be equal to each other, or to a value.
_NAMED = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)", re.IGNORECASE)
_EQUAL = re.compile(r"(\w+\.\w+) = (\w+\.\w+|\?|%s)")
#: Before the name of a value that is handed in.
_VALUE = ":"
#: Tables of another person's rows that a statement of `sync.database.entry_cards.together` reads, where all tables are
#: on one machine, by these equalities; and what lists are sorted by there.
ALLOWED: dict[str, dict[str, set[frozenset[str]]]] = {
    "card": {
        "an entry reads its owner's card by the card's key": {
            frozenset(("card.owner_id", "entry.id")),
            frozenset(("card.id", "entry.card_id")),
        },
        "a member on a roster is shown by their card, which is read by its key": {
            frozenset(("card.owner_id", "roster_entry.owner_id")),
            frozenset(("card.id", "roster_entry.card_id")),
        },
    },
    "picture": {
        "a card that is read so has its owner's picture that it names": {
            frozenset(("picture.owner_id", "card.owner_id")),
            frozenset(("picture.digest", "card.picture")),
        },
    },
    "card_list_key": {
        "an entry reads what lists know of its owner's card by the card's key": {
            frozenset(("card_list_key.owner_id", "entry.id")),
            frozenset(("card_list_key.id", "entry.card_id")),
        },
        "a list of members reads what lists know of a member's card by the card's key": {
            frozenset(("card_list_key.owner_id", "roster_entry.owner_id")),
            frozenset(("card_list_key.id", "roster_entry.card_id")),
        },
    },
}
#: What stands for a database whose tables are spread, while a test acts as if they were.
IS_SPREAD = list[object]()
#: Tables that are looked through as a whole where something is to go, alone and by what nobody waits for, and why.
SWEPT = {
    "administrator_act": "what expired goes once an hour",
    "browser_session": "what expired goes once an hour",
    "device": "after a backup was put back no device counts as having anything",
    "device_copy": "after a backup was put back no device counts as having anything",
    "fault": "what never came back goes once an hour",
    "given_up": "what expired goes once an hour",
    "merged_entry": "what was made one long ago stays so; looked for once an hour",
    "one_time_token": "what expired goes once an hour; and what speaks for a person, once in a while",
    "organisation_identity": "somebody leaves for good; by the person nothing is found there",
    "push_host": "what is old goes once an hour",
    "push_subscription": "what expired goes once an hour, of a book that is deleted at once; a new key is told to all",
    "rate_limit": "what expired goes once an hour",
    "scim_key": "somebody leaves for good; by the person nothing is found there",
    "scim_user": "somebody leaves for good; by the person nothing is found there",
    "shared_access": "a shared book is deleted; by the book nobody is found there",
}
#: Whose files only hand a statement on.
_HANDING_ON = ("sqlalchemy", "sync/database/prepared.py", "tests/support/statements.py")


class Recorder:
    """Remembers each distinct statement that was sent while `recording`, and judges it once."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._judged: set[str] = set()
        self._faults: dict[str, list[str]] = {}

    @contextlib.contextmanager
    def recording(self) -> Iterator[dict[str, list[str]]]:
        """Yield what is wrong with the statements that are sent inside the block, by statement."""
        self._faults = {}
        event.listen(Engine, "before_cursor_execute", self._record)
        try:
            yield self._faults
        finally:
            event.remove(Engine, "before_cursor_execute", self._record)

    def _record(self, _connection: Any, _cursor: Any, text: str, _values: Any, context: Any, _many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
        if text in self._judged or _is_of_a_test():
            return
        self._judged.add(text)
        compiled = context.compiled
        statement = compiled.statement if compiled is not None else context.execution_options.get(STATEMENT)
        found = faults(statement) if statement is not None else faults_of_text(text)
        if statement is not None and IS_SPREAD and _is_together(statement):
            found.append("it is for one machine, and sent where the tables are spread")
        if found:
            self._faults[text] = found


@contextlib.contextmanager
def sent(engine: Engine) -> Iterator[list[str]]:
    """
    Yield the list of the statements that this thread sends through *engine* inside the block.

    Savepoints do not count, nor does what others do in the background.
    """
    statements: list[str] = []
    this = threading.get_ident()

    def note(_connection: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        if not text.startswith(TRANSACTION) and threading.get_ident() == this:
            statements.append(text)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Interrupted(ValueError):
    """Something failed in the middle."""


@contextlib.contextmanager
def interrupted_after(engine: Engine, count: int) -> Iterator[list[str]]:
    """Raise `Interrupted` as soon as *count* statements were executed inside the block, and on every one after that."""
    statements: list[str] = []

    def interrupt(_connection: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        if not text.startswith(TRANSACTION):
            statements.append(text)
            if len(statements) >= count:
                raise Interrupted

    event.listen(engine, "after_cursor_execute", interrupt)
    try:
        yield statements
    finally:
        event.remove(engine, "after_cursor_execute", interrupt)


def _is_of_a_test() -> bool:
    """Whether it is a test that sends a statement: they make of all rows what the engine never does."""
    frame = sys._getframe(1)
    while frame.f_back is not None and any(name in frame.f_code.co_filename for name in _HANDING_ON):
        frame = frame.f_back
    return "/tests/" in frame.f_code.co_filename


def faults_of_text(text: str) -> list[str]:
    """Return what is wrong with a statement of which only the text is known."""
    words = text.upper().replace("(", " ").split()
    judged = words[:1] and (words[0] in WORDS or (words[0] == "SELECT" and OURS & set(text.split())))
    return ["it is sent as text, so nobody can judge it"] if judged or "ADVISORY" in text.upper() else []


def faults(statement: ClauseElement) -> list[str]:
    """Return what keeps a statement from being spread by person; an empty list when nothing does."""
    if not isinstance(statement, Select | Insert | Update | Delete):
        # Savepoints, and the steps of a migration.
        return []
    nodes = list(visitors.iterate(statement))
    tables = _tables(nodes)
    if any(table.name not in OURS for table in tables):
        # Alembic's note of the version, and the database's own tables about tables.
        return []
    return [
        *_strange_functions(nodes),
        *_locks_without_key(nodes),
        *_updated_keys(statement),
        *(_mixed_people(nodes, tables) or _unbound(statement, nodes)),
    ]


def _strange_functions(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, FunctionElement):
            name = str(getattr(node, "name", ""))
            if name not in FUNCTIONS:
                yield f"it calls {name}(), which is not known to be harmless"


def _locks_without_key(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Select) and node._for_update_arg is not None:
            given = {name for pair in _equalities([node]) for name in pair if any(map(_is_value, pair))}
            for table in _tables([node]):
                if _spread(table) not in given:
                    yield f"it locks rows of {table.name} without naming their {table.info['spread_by']}"


def _updated_keys(statement: ClauseElement) -> Iterator[str]:
    if not isinstance(statement, Update):
        return
    table = statement.table
    assert isinstance(table, Table)
    changed = {_plain(column) for column in statement._values or {}}
    for rows in statement._multi_values:
        changed |= {_plain(column) for row in rows for column in row}
    for name in sorted(changed & {column.name for column in table.primary_key} | changed & {table.info["spread_by"]}):
        yield f"it changes {table.name}.{name}, which is a key"


def _plain(column: Any) -> str:
    return str(getattr(column, "key", column))


def _mixed_people(nodes: Sequence[Any], tables: set[Table]) -> list[str]:
    equalities = _equalities(nodes)
    given = {frozenset(pair) for pair in equalities}
    allowed = ALLOWED if _is_together(nodes[0]) else {}
    spread = {
        _spread(table) for table in tables if not any(way <= given for way in allowed.get(table.name, {}).values())
    }
    # What can be reached from one of them by equalities is one person's.
    reached: set[str] = set()
    ahead = sorted(spread)[:1]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [other for pair in equalities if name in pair for other in pair if other]
    names = ", ".join(sorted(table.name for table in tables))
    return [] if spread <= reached else [f"it joins rows of different people: {names}"]


def _is_together(statement: Any) -> bool:
    """Whether a statement is sent on one machine only, such as one that reads entries with their cards."""
    return isinstance(statement, Select | Update) and bool(statement.get_execution_options().get(TOGETHER))


def _unbound(statement: ClauseElement, nodes: Sequence[Any]) -> Iterator[str]:
    """
    Find the tables of a changing *statement* that are not bound to the values of their key.

    Such a statement is sent to all places where there are rows of the table, and locks what it finds there: that the
    key is equal to another table's, which is bound, tells a planner nothing when it is asked for more than one value.
    """
    if not isinstance(statement, Insert | Update | Delete) or _is_together(statement):
        return
    bound = {name for pair in _equalities(nodes) for name in pair if any(map(_is_value, pair))} | _listed(nodes)
    read = (
        _tables(node for node in nodes if isinstance(node, Select)) if isinstance(statement, Insert) else _tables(nodes)
    )
    if any(table.metadata is not Base.metadata for table in read):
        # A step of a migration.
        return
    if len(read) == 1 and read <= {Base.metadata.tables[name] for name in SWEPT}:
        return
    for table in sorted(read, key=lambda table: table.name):
        if _spread(table) not in bound:
            yield f"it changes something without naming the values of {_spread(table)}"


def unbound_reads(statement: ClauseElement) -> list[str]:
    """
    Return the tables of a reading *statement* that are not bound to values of their key, sorted.

    All machines are asked for these. Where the key is equal to one value in one table, a planner knows it of each that
    is joined by it; of several values it knows nothing of the sort, but that what is joined from the left by the key is
    wanted nowhere but where there are rows of the left.
    """
    parts = statement.selects if isinstance(statement, CompoundSelect) else [statement]
    missing = set[str]()
    for part in parts:
        nodes = list(visitors.iterate(part))
        pairs = _equalities(nodes)
        bound = {name for pair in pairs for name in pair if any(map(_is_value, pair))}
        while more := {name for pair in pairs if bound & set(pair) for name in pair} - bound:
            bound |= more
        bound |= _listed(nodes)
        outer = _equalities_of_left_joins(nodes)
        while more := {right for left, right in outer if left in bound} - bound:
            bound |= more
        tables = {table for table in _tables(nodes) if table.name in OURS and not table.info.get("everywhere")}
        missing |= {table.name for table in tables if _spread(table) not in bound}
    return sorted(missing)


def _is_left_join(node: Any) -> bool:
    return isinstance(node, Join) and node.isouter and not node.full


def _equalities_of_left_joins(nodes: Iterable[Any]) -> set[tuple[str, str]]:
    """Return the pairs of columns by which a table, which the second is of, is joined from the left."""
    joins: list[tuple[Any, Any]] = [(each.onclause, each.right) for each in nodes if _is_left_join(each)]
    for node in nodes:
        if isinstance(node, Select):
            joins += [
                (on, right)
                for right, on, _, flags in node._setup_joins
                if on is not None and flags["isouter"] and not flags["full"]
            ]
            every = (join for source in node.get_final_froms() for join in _joins(source))
            joins += [(join.onclause, join.right) for join in every if _is_left_join(join)]
    found = set()
    for onclause, right in joins:
        names = {table.name for table in _tables([right])}
        for condition in _conjuncts(onclause):
            sides = _operand(condition.left), _operand(condition.right)
            if condition.operator is operators.eq and None not in sides:
                for one, other in (sides, sides[::-1]):
                    if str(other).partition(".")[0] in names:
                        found.add((str(one), str(other)))
    return found


def unbound_reads_of_text(text: str) -> list[str]:
    """
    Return the same of a statement of which only the text is known, which names its tables and joins by their own names.

    Where it has an OR, nothing is taken to be bound.
    """
    tables = {name for name in _NAMED.findall(text) if name in OURS}
    pairs = _EQUAL.findall(text) if " OR " not in text.upper() else []
    bound = {left for left, right in pairs if right[0] in "?%"}
    while more := {name for pair in pairs if bound & set(pair) for name in pair} - bound:
        bound |= more
    return sorted(name for name in tables if _spread(Base.metadata.tables[name]) not in bound)


@contextlib.contextmanager
def reads(database: Database) -> Iterator[dict[str, list[str]]]:
    """
    Yield, by statement, the tables for which all machines are asked by what this thread reads inside the block.

    That is for statements with and without a transaction.
    """
    found: dict[str, list[str]] = {}
    this, fetch, fetch_selected = threading.get_ident(), Quick.fetch, Quick.fetch_selected

    def judge(text: str, statement: ClauseElement | None) -> None:
        if statement is None:
            tables = unbound_reads_of_text(text)
        else:
            tables = unbound_reads(statement) if isinstance(statement, Select | CompoundSelect) else []
        if tables:
            found[" ".join(text.split())] = tables

    def note(_connection: Any, _cursor: Any, text: str, _values: Any, context: Any, *_rest: Any) -> None:
        if threading.get_ident() == this and not _is_of_a_test():
            made = context.compiled.statement if context.compiled is not None else None
            judge(text, context.execution_options.get(STATEMENT) if made is None else made)

    def quick(self: Quick, text: str, values: Any, *, prepare: bool = True) -> Any:
        if threading.get_ident() == this and self is database._quick and text not in selected:
            judge(text, None)
        return fetch(self, text, values, prepare=prepare)

    def quick_selected(self: Quick, statement: Any, values: Any) -> Any:
        text = compiled(statement, database.engine.dialect).text
        if threading.get_ident() == this:
            judge(text, statement)
        selected.add(text)
        return fetch_selected(self, statement, values)

    selected = set[str]()
    event.listen(Engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Quick, "fetch", quick)
        patched.setattr(Quick, "fetch_selected", quick_selected)
        try:
            yield found
        finally:
            event.remove(Engine, "before_cursor_execute", note)


def _listed(nodes: Iterable[Any]) -> set[str]:
    """Return the columns that must be among values that are handed in as a list."""
    return {
        str(_operand(condition.left))
        for condition in _conditions(nodes)
        if condition.operator in (operators.eq, operators.in_op) and _is_list_of_values(condition.right)
    }


def _is_list_of_values(side: ClauseElement) -> bool:
    inner = list(visitors.iterate(side))
    return any(isinstance(node, BindParameter) for node in inner) and not _tables(inner)


def _spread(table: Table) -> str:
    return f"{table.name}.{table.info['spread_by']}"


def _tables(nodes: Iterable[Any]) -> set[Table]:
    found = set()
    for node in nodes:
        for inner in visitors.iterate(node):
            table = getattr(inner, "table", None) if isinstance(inner, ColumnClause) else inner
            if isinstance(table, Table):
                found.add(table)
    # The table itself, for one that the ORM has written notes on.
    return {table.metadata.tables.get(table.name, table) for table in found}


def _equalities(nodes: Iterable[Any]) -> set[tuple[str, str]]:
    """Return the pairs of columns that must be equal; a value that is handed in stands for itself, by its name."""
    every = list(nodes)
    pairs = set()
    for condition in _conditions(every):
        left, right = _operand(condition.left), _operand(condition.right)
        if condition.operator is operators.eq and left is not None and right is not None:
            pairs.add((left, right))
    for node in every:
        if isinstance(node, Insert):
            given = {column: _operand(value) for column, value in (node._values or {}).items()}
            pairs |= {(f"{node.table}.{_plain(column)}", value) for column, value in given.items() if value}
    return pairs


def _conditions(nodes: Iterable[Any]) -> Iterator[BinaryExpression[Any]]:
    """Yield what must hold for the rows of *nodes*, piece by piece."""
    for node in nodes:
        conditions: list[Any] = []
        if isinstance(node, Select):
            conditions += node._where_criteria
            conditions += [onclause for _, onclause, _, _ in node._setup_joins if onclause is not None]
            conditions += [join.onclause for source in node.get_final_froms() for join in _joins(source)]
        elif isinstance(node, Update | Delete):
            conditions += node._where_criteria
        elif isinstance(node, Join):
            conditions.append(node.onclause)
        for condition in conditions:
            yield from _conjuncts(condition)


def _joins(source: Any) -> Iterator[Join]:
    if isinstance(source, Join):
        yield source
        yield from _joins(source.left)
        yield from _joins(source.right)


def _conjuncts(condition: Any) -> Iterator[BinaryExpression[Any]]:
    """Yield the comparisons that hold wherever *condition* does: nothing below OR or NOT."""
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from _conjuncts(clause)
    elif isinstance(condition, BinaryExpression):
        yield condition


def _is_value(name: str) -> bool:
    return name.startswith(_VALUE)


def _operand(side: Any) -> str | None:
    if isinstance(side, BindParameter):
        return f"{_VALUE}{side.key}"
    if isinstance(side, ColumnClause) and isinstance(side.table, Lateral):
        # It is the column that was selected there, with what holds there.
        (side,) = side.base_columns
    if isinstance(side, ColumnClause) and isinstance(side.table, Table):
        return f"{side.table.name}.{side.name}"
    return None
