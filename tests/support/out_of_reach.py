"""A machine that is out of reach, of those that the tables are spread over (see `tests.support.distribution`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import BindParameter, Delete, Engine, Insert, Select, Table, Update, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql import operators, visitors

from sync.database import prepared
from sync.database.engine import Database
from sync.database.quick import Quick
from sync.errors import DatabaseUnavailable
from tests.support import statements
from tests.support.distribution import distributed

_REASON = "connection to the remote node failed"
#: A list of numbers that is handed in as text.
_LIST = re.compile(r"[\[{][\d, ]*[\]}]")


class LostError(Exception):
    """What PostgreSQL's driver says then."""

    sqlstate = "08006"


@contextmanager
def out_of_reach(database: Database, *keys: int) -> Iterator[list[str]]:
    """
    Let the tables be spread inside the block, and what is spread by one of *keys*, ids and buckets, be out of reach.

    What asks for any of it fails as the driver tells it, and so does what asks all machines. Yields what failed.
    """
    with lost(database, keys.__contains__) as failed:
        yield failed


@contextmanager
def lost(database: Database, is_lost: Callable[[int], bool]) -> Iterator[list[str]]:
    """Do as `out_of_reach`, where *is_lost* says of a key whether what is spread by it is out of reach."""
    failed, fetch = list[str](), Quick.fetch_selected

    def note(_connection: Any, _cursor: Any, text: str, given: Any, context: Any, _many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
        every: Sequence[Mapping[str, Any]] = []
        if context.compiled is not None:
            statement, every = context.compiled.statement, _by_key(context.compiled, context.compiled_parameters)
        elif (statement := context.execution_options.get(prepared.STATEMENT)) is not None:
            order = prepared._COMPILED[database.engine.dialect.name, statement].order
            rows = given if isinstance(given, list) else [given]
            every = rows if order is None else [dict(zip(order, row, strict=True)) for row in rows]
        if statement is not None and _asks(statement, every, is_lost):
            failed.append(text)
            raise OperationalError(text, None, LostError(_REASON))

    def fetch_selected(quick: Quick, statement: Any, values: Mapping[str, Any], **options: bool) -> Any:
        given = statement.compile(dialect=database.engine.dialect).params
        if _asks(statement, [{**given, **values}], is_lost):
            failed.append(str(statement))
            raise DatabaseUnavailable(_REASON)
        return fetch(quick, statement, values, **options)

    with distributed(database), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Quick, "fetch_selected", fetch_selected)
        # Nobody waits for it to come back.
        patch.setattr("sync.database.engine.ATTEMPTS", 1)
        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield failed
        finally:
            event.remove(Engine, "before_cursor_execute", note)


def _by_key(compiled: Any, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the values of a statement by what its parameters are called in it, which is not what the text has."""
    names = {parameter._identifying_key: name for parameter, name in compiled.bind_names.items()}
    nodes = [node for node in visitors.iterate(compiled.statement) if isinstance(node, BindParameter)]
    called = [(node.key, names.get(node._identifying_key, node.key)) for node in nodes]
    return [{**row, **{key: _value(row, name) for key, name in called}} for row in rows]


def _value(row: Mapping[str, Any], name: str) -> Any:
    """Return the value of a parameter; one that takes a list became one for each element."""
    if name in row:
        return row[name]
    return [each for one, each in row.items() if one.rpartition("_")[0] == name and one.rpartition("_")[2].isdigit()]


def _asks(statement: Any, values: Sequence[Mapping[str, Any]], is_lost: Callable[[int], bool]) -> bool:
    """Whether a statement with these values is sent to where something is that is lost."""
    if not isinstance(statement, Select | Insert | Update | Delete):
        return False
    return any(
        found is None or any(map(is_lost, found)) for each in values for found in _spread_values(statement, each)
    )


def _spread_values(statement: Any, values: Mapping[str, Any]) -> Iterator[set[int] | None]:
    """Yield for each table in *statement* by what values of its key it is asked for, None where by none."""
    nodes = list(visitors.iterate(statement))
    tables = statements._tables(nodes)
    if any(table.name not in statements.OURS for table in tables):
        return
    equalities = statements._equalities(nodes)
    given = _given(statement, nodes, equalities, values)
    for table in tables:
        reached, ahead = set[str](), [statements._spread(table)]
        while ahead:
            name = ahead.pop()
            if name not in reached:
                reached.add(name)
                ahead += [other for pair in equalities if name in pair for other in pair]
        found = [given[name] for name in reached if name in given]
        yield set.intersection(*found) if found else None


def _given(
    statement: Any, nodes: Sequence[Any], equalities: set[tuple[str, str]], values: Mapping[str, Any]
) -> dict[str, set[int]]:
    """Return by column which values it must be one of."""
    given = dict[str, set[int]]()
    for condition in statements._conditions(nodes):
        is_among = condition.operator in (operators.eq, operators.in_op)
        if is_among and statements._is_list_of_values(condition.right):
            column = given.setdefault(str(statements._operand(condition.left)), set())
            for node in visitors.iterate(condition.right):
                if isinstance(node, BindParameter):
                    column |= _numbers(values.get(node.key))
    for pair in equalities:
        for one, other in (pair, pair[::-1]):
            if statements._is_value(other):
                given.setdefault(one, set()).update(_numbers(values.get(other[1:])))
    if isinstance(statement, Insert) and isinstance(statement.table, Table):
        # A value of a column that is handed in has its name.
        key = statements._spread(statement.table)
        if found := _numbers(values.get(key.partition(".")[2])):
            given.setdefault(key, set()).update(found)
    return given


def _numbers(value: Any) -> set[int]:
    """Return the numbers of a key that are handed in: one, or a list."""
    if isinstance(value, str):
        return {int(each) for each in re.findall(r"\d+", value)} if _LIST.fullmatch(value) else set()
    if isinstance(value, list | tuple | range):
        return set(value)
    return {value} if isinstance(value, int) else set()
