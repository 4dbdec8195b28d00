"""Lists of values as one parameter of a statement, however many there are."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    String,
    TypeDecorator,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session
from typing_extensions import override

SQLITE = "sqlite"


def among(
    session: Session, column: ColumnElement[int] | InstrumentedAttribute[int], ids: Collection[int]
) -> ColumnElement[bool]:
    """Compare *column* with any number of *ids* through one parameter: the statement's text is always the same."""
    if session.get_bind().dialect.name == SQLITE:
        values = func.json_each(literal(json.dumps(list(ids)))).table_valued("value")
        return column.in_(select(values.c.value))
    return column == any_(bindparam(None, list(ids), type_=ARRAY(BigInteger)))


def pairs_among(
    session: Session,
    columns: tuple[ColumnElement[int] | InstrumentedAttribute[int], ColumnElement[int] | InstrumentedAttribute[int]],
    pairs: Collection[tuple[int, int]],
) -> ColumnElement[bool]:
    """
    Compare two columns with any number of different *pairs*, as `among` does one with ids.

    Each pair is looked up by the key that the columns are, which no database does by itself for a list of pairs.
    """
    if session.get_bind().dialect.name == SQLITE:
        values = func.json_each(literal(json.dumps(list(pairs)))).table_valued("value")
        one, other = (func.json_extract(values.c.value, f"$[{place}]") for place in (0, 1))
        return (columns[0] == one) & (columns[1] == other)
    sides = ([pair[place] for pair in pairs] for place in (0, 1))
    lists = (bindparam(None, side, type_=ARRAY(BigInteger)) for side in sides)
    given = func.unnest(*lists).table_valued("one", "other").render_derived()
    return (columns[0] == given.c.one) & (columns[1] == given.c.other)


def among_parameter(
    dialect: str, column: ColumnElement[int] | InstrumentedAttribute[int], name: str
) -> ColumnElement[bool]:
    """Compare as `among` does, in a statement that is kept: the ids come as what `ids` makes, under this *name*."""
    if dialect == SQLITE:
        values = func.json_each(bindparam(name, type_=String())).table_valued("value")
        return column.in_(select(values.c.value))
    return column == any_(bindparam(name, type_=_Ids()))


class _Ids(TypeDecorator[Any]):
    """An array whose value is text already, as PostgreSQL reads it."""

    impl, cache_ok = ARRAY(BigInteger), True

    @override
    def bind_processor(self, dialect: Dialect) -> None:
        return None


def ids(dialect: str, values: Collection[int]) -> str:
    """
    Return *values* as the value of the parameter of `among_parameter`.

    It is the text of a list in either database: PostgreSQL's driver looks at every element of one to write it.
    """
    listed = ",".join(map(str, values))
    return f"[{listed}]" if dialect == SQLITE else f"{{{listed}}}"


def texts_parameter(dialect: str, name: str) -> BindParameter[Any]:
    """Return the parameter of a statement that takes what `texts` makes: JSON on SQLite, elsewhere an array."""
    return bindparam(name, type_=String() if dialect == SQLITE else ARRAY(String))


def texts(dialect: str, values: Collection[str]) -> Any:
    """Return *values* as the value of a `texts_parameter`."""
    return json.dumps(list(values)) if dialect == SQLITE else list(values)
