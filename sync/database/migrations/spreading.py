"""
Spreading the tables over the machines of a cluster, as PostgreSQL's extension Citus does it.

How each table is spread follows from what the models say of it (`layout`): by the values of the column that leads its
keys, beside all other tables with keys of that kind, so that what is one person's is on one machine and foreign keys
stay there; or as a copy on every machine. Each step is a transaction of its own, and what is left to do is read from
the database, so whatever was cut off is gone on with.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, event, text
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from sync.database import postgresql
from sync.database.distribution import is_there, set_locally
from sync.database.engine import Session
from sync.errors import Conflict, InvalidInput
from sync.models import ROSTER, SHARED_BOOK, Base
from sync.models.buckets import BUCKETS, BY_RANGE, RANGES

if TYPE_CHECKING:
    from sync.database.engine import Database

#: Of each kind of key, the table that is spread first. All others with such a key are beside it, now and later.
FIRST = {"BIGINT": "account", "INTEGER": "errand", "VARCHAR": "login_name"}
#: Alembic's note of the version stays on one machine: it is read when a server starts, and written again and again to
#: see whether anything can be, for which a machine that is out of reach must not matter. It is the last to be placed.
VERSION = "alembic_version"

_BY_KEY, _EVERYWHERE, _HERE = "h", "t", "s"
_MACHINES = """
SELECT (SELECT groupid FROM pg_dist_local_group), count(*) FILTER (WHERE groupid = 0),
    count(*) FILTER (WHERE isactive AND shouldhaveshards AND noderole = 'primary')
FROM pg_dist_node
"""
_FOUND = """
SELECT relation.relname, placed.partmethod::text, placed.repmodel::text,
    column_to_column_name(placed.logicalrelid, placed.partkey), placed.colocationid, pg_relation_size(relation.oid),
    EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = relation.oid AND attname = 'bucket' AND atttypid = 'bigint'::regtype)
FROM pg_class AS relation LEFT JOIN pg_dist_partition AS placed ON placed.logicalrelid = relation.oid
WHERE relation.relnamespace = current_schema()::regnamespace AND relation.relkind = 'r'
"""
_BY = (
    "SELECT create_distributed_table(CAST(:table AS regclass), :key, colocate_with => :beside,"
    " shard_count => CAST(:shards AS int))"
)
_COPY = "SELECT create_reference_table(CAST(:table AS regclass))"
_LOCAL = "SELECT citus_add_local_table_to_metadata(CAST(:table AS regclass))"
_GATHER = "SELECT undistribute_table(CAST(:table AS regclass))"
_CLEAR = "SELECT truncate_local_data_after_distributing_table(CAST(:table AS regclass))"
#: What the rows are about whose bucket is on that one's machine, by the column that has the id.
_ABOUT = {
    "job": f"CASE WHEN kind IN ('{ROSTER}', '{SHARED_BOOK}') THEN card_id ELSE owner_id END",
    "next_end": "owner_id",
}
_MOVE = """
ALTER TABLE {table} ALTER COLUMN bucket TYPE bigint
    USING (CAST('{{{numbers}}}' AS bigint[]))[1 + (CAST(hashint8({about}) AS bigint) + {half}) / {size}],
    ADD CONSTRAINT ck_{table}_bucket CHECK (bucket >= {least});
"""
#: A step waits so long for whoever uses a table, and takes as long as copying its rows does.
_PATIENCE = {"lock_timeout": "10s", "statement_timeout": "0"}
#: One statement of a step asks the machines one after the other, so that a transaction may have many of them.
_ONE_BY_ONE = ("citus.propagate_set_commands TO 'local'", "citus.multi_shard_modify_mode TO 'sequential'")


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows of *table* are: by *key*, *beside* those of another; or, without a key, what *kind* says."""

    table: str
    kind: str
    key: str | None = None
    beside: str | None = None

    @override
    def __str__(self) -> str:
        if self.kind == _BY_KEY:
            return f"{self.table}: by {self.key}{f', beside {self.beside}' if self.beside else ''}"
        return f"{self.table}: {'a copy on every machine' if self.kind == _EVERYWHERE else 'on this machine'}"

    def step(self) -> Step:
        """Return how it is made so."""
        if self.kind == _BY_KEY:
            # A group has as many parts as the first of its tables.
            shards = None if self.beside else RANGES
            values = {"table": self.table, "key": self.key, "beside": self.beside or "none", "shards": shards}
            return Step(str(self), _BY, values)
        return Step(str(self), _COPY if self.kind == _EVERYWHERE else _LOCAL, {"table": self.table})


@dataclass(frozen=True, slots=True)
class Step:
    """What is done by one transaction: a *statement* with its *values*, and *text* for people."""

    text: str
    statement: str
    values: dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class _Found:
    """
    What the database has: how a table is *placed* (kind, key, group), None for not at all; and its size here.

    *is_by_range* says that its rows have the buckets by which they are on the machine of whom they are about.
    """

    placed: tuple[str, str | None, int] | None
    size: int
    is_by_range: bool


def layout() -> list[Place]:
    """Return where the rows of every table are, in the order in which foreign keys let them be spread."""
    tables = [Base.metadata.tables[name] for name in FIRST.values()]
    tables += [table for table in Base.metadata.sorted_tables if table not in tables]
    return [*map(place_of, tables), Place(VERSION, _HERE)]


def place_of(table: Table) -> Place:
    """Return where the rows of *table* are: what leads its primary key tells, unless it is one for everywhere."""
    known = Base.metadata.tables.get(table.name, table)
    if known.info.get("everywhere"):
        return Place(table.name, _EVERYWHERE)
    key = next(iter(table.primary_key))
    first = FIRST[str(key.type).partition("(")[0]]
    return Place(table.name, _BY_KEY, key.name, first if first != table.name else None)


def plan(database: Database) -> list[Step]:
    """
    Return what is still to be done to spread the tables: nothing where they are.

    Raises:
        Conflict: Citus is not there or not ready, or somebody spread a table otherwise.
        DatabaseUnavailable: The database could not be reached.
        InvalidInput: The database is SQLite.
        WrongSchema: It has another schema than the newest.
    """
    if database.is_sqlite:
        raise InvalidInput("A SQLite database is one file on one machine; only PostgreSQL's tables can be spread.")
    database.require_newest()
    if not is_there(database.quick):
        raise Conflict(
            "PostgreSQL has no extension citus in this database; install it and run `CREATE EXTENSION citus`."
        )
    with database.reading() as session:
        _require_machines(*session.execute(text(_MACHINES)).one())
        found = {
            name: _Found((kind if kind == _BY_KEY else way, key, group) if kind else None, size, is_by_range)
            for name, kind, way, key, group, size, is_by_range in session.execute(text(_FOUND))
        }
    places = layout()
    steps = list(_into_buckets(found))
    for place in places:
        _require_as_planned(place, found)
    clear = [place.table for place in places if place.kind != _HERE and found[place.table].size]
    return [
        *steps,
        *(place.step() for place in places if found[place.table].placed is None),
        *(Step(f"{table}: what was copied is deleted here", _CLEAR, {"table": table}) for table in clear),
    ]


def spread(database: Database, steps: list[Step], done: Callable[[Step], object]) -> None:
    """
    Take *steps* of `plan`, and tell *done* of each.

    Raises:
        Conflict: Somebody uses the database, or Citus refused a step; what was done before stays.
        DatabaseUnavailable: A machine cannot be reached.
    """
    # Its own connections are not somebody else's.
    database.dispose()
    if steps and postgresql.is_used(database.url):
        raise Conflict("The database is in use; stop every server and worker first, which have to learn of this.")
    for step in steps:
        try:
            database.write(functools.partial(_take, step=step))
        except DBAPIError as error:
            reason = str(error.orig).strip().partition("\n")[0].rstrip(".")
            raise Conflict(f"Citus refused a step ({step.text}): {reason}.") from error
        database.ask_anew()
        done(step)


def _into_buckets(found: dict[str, _Found]) -> Iterator[Step]:
    """
    Yield the steps that put jobs and next ends into the buckets by which they are with whom they are about.

    All at once, by the very statement by which these become the buckets (see `buckets_as_kept`): there is no moment in
    which some are where nobody looks. From then on nobody can put one where it was before. *found* is changed to what
    there is then.
    """
    if all(found[table].is_by_range for table in _ABOUT):
        return
    for table in _ABOUT:
        # A release before has spread them by other buckets, whose type cannot be changed while they are spread.
        if found[table].placed is not None:
            yield Step(f"{table}: gathered on this machine", _GATHER, {"table": table})
            found[table] = replace(found[table], placed=None, size=1)
    values = {"numbers": ",".join(map(str, BY_RANGE.numbers)), "half": 2**31, "size": 2**32 // RANGES, "least": BUCKETS}
    changes = "".join(_MOVE.format(table=table, about=about, **values) for table, about in _ABOUT.items())
    yield Step(f"{', '.join(_ABOUT)}: each with whom it is about", f"DO $do$ BEGIN {changes} END $do$", {})


@contextlib.contextmanager
def following(connection: Connection) -> Iterator[None]:
    """Where the tables are spread, let each that is made inside the block be spread as soon as it is there."""
    if connection.dialect.name == "sqlite" or not _is_spread(connection):
        yield
        return
    for setting in _ONE_BY_ONE:
        connection.execute(text(f"SET LOCAL {setting}"))

    def follow(table: Table, at: Connection, **_: Any) -> None:
        if at is connection:
            step = place_of(table).step()
            connection.execute(text(step.statement), step.values)

    event.listen(Table, "after_create", follow)
    try:
        yield
    finally:
        event.remove(Table, "after_create", follow)


def _take(session: Session, step: Step) -> None:
    set_locally(session, _PATIENCE)
    session.execute(text(step.statement), step.values)


def _is_spread(connection: Connection) -> bool:
    def ask(statement: str, _values: tuple[()]) -> tuple[object, ...] | None:
        row = connection.execute(text(statement)).first()
        return tuple(row) if row else None

    placed = f"SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('{VERSION}')"
    return is_there(ask) and connection.execute(text(placed)).first() is not None


def _require_machines(group: int, coordinators: int, machines: int) -> None:
    if group != 0:
        raise Conflict("This is not the cluster's coordinator; name the coordinator in database_url.")
    if not coordinators:
        raise Conflict(
            "The cluster does not know its coordinator; run `SELECT citus_set_coordinator_host('HOST')` first."
        )
    if not machines:
        raise Conflict(
            "The cluster has no machine that takes rows; run `SELECT citus_add_node('HOST', 5432)` for each."
        )


def _require_as_planned(place: Place, found: dict[str, _Found]) -> None:
    placed = found[place.table].placed
    if placed is None:
        return
    kind, key, group = placed
    first = found[place.beside or place.table].placed
    if kind != place.kind or key != place.key or (place.key and first is not None and group != first[2]):
        raise Conflict(
            f"The table {place.table} is spread otherwise than it has to be ({place}); run"
            f" `SELECT undistribute_table('{place.table}')` first."
        )
