"""What a connection to PostgreSQL makes of statements and of their answers, and which it has prepared by which name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from psycopg import Connection
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.types.numeric import Int8

from sync.pipeline.answers import Rows

#: Values by their names, or in their order.
Values: TypeAlias = Mapping[str, Any] | tuple[Any, ...]

#: Statements that a connection keeps prepared at most.
PREPARED = 500


class Key(NamedTuple):
    """A statement with the types of its values, which is what is prepared."""

    text: bytes
    types: tuple[int, ...]


class Given(NamedTuple):
    """A statement with its values, as libpq takes them."""

    key: Key
    values: Sequence[Any]
    formats: Sequence[Format] | None


class Statements:
    """The statements of one connection, each prepared once."""

    def __init__(self, driver: Connection[Any], *, prepares: bool, form: PyFormat) -> None:
        """Speak with *driver*'s server, values in this *form*; *prepares* says that it is one server for good."""
        self._transformer, self._form = Transformer(driver), form
        self._most = PREPARED if prepares else 0
        self._names: dict[Key, bytes] = {}
        self._count = 0

    def given(self, text: str, values: Values) -> Given:
        """Take a statement as the driver's cursor does, with its *values*."""
        ordered: Sequence[Any]
        if isinstance(values, tuple):
            numbered, ordered = _counted(text, len(values)), values
        else:
            numbered, order = _named(text)
            ordered = [values[name] for name in order]
        # For a number the driver takes the smallest type: a statement would be another one for each mixture of them.
        plain = [Int8(value) if type(value) is int else value for value in ordered]
        dumped = self._transformer.dump_sequence(plain, [self._form] * len(plain))
        return Given(Key(numbered, self._transformer.types or ()), dumped, self._transformer.formats)

    def name(self, key: Key) -> bytes | None:
        """Return the name under which a statement is prepared, None where it is not."""
        return self._names.get(key)

    def new_name(self, key: Key) -> bytes | None:
        """Note that a statement is prepared from now on, and return its name; None where no more can be."""
        if len(self._names) >= self._most:
            return None
        self._count += 1
        name = self._names[key] = b"evercard_%d" % self._count
        return name

    def forget(self, key: Key) -> None:
        """Note that a statement is not prepared."""
        self._names.pop(key, None)

    def clear(self) -> None:
        """Note that none is."""
        self._names.clear()

    def rows(self, result: PGresult) -> Rows:
        """Return the rows of an answer."""
        if result.status != ExecStatus.TUPLES_OK:
            return []
        self._transformer.set_pgresult(result)
        rows: Rows = self._transformer.load_rows(0, result.ntuples, tuple)
        self._transformer.set_pgresult(None, set_loaders=False)
        return rows


@cache
def _named(text: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a statement with numbers for its values, as the server takes it, and their names in this order."""
    order = _Order()
    return (text % order).encode(), tuple(order)


@cache
def _counted(text: str, count: int) -> bytes:
    """Return a statement with numbers for its *count* values, which have no names."""
    return (text % tuple(f"${number}" for number in range(1, count + 1))).encode()


class _Order(dict[str, str]):
    """The number of each value that was asked for by its name."""

    def __missing__(self, name: str) -> str:
        self[name] = f"${len(self) + 1}"
        return self[name]
