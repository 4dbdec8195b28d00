"""
Spreading the tables over machines, with stand-ins for Citus' functions, which refuse what Citus refuses.

Citus itself is not tried here.
"""

from __future__ import annotations

import contextlib

import pytest
from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, column, func, insert, select, table, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync import jobs
from sync.database import migrations, postgresql
from sync.database.engine import Database
from sync.database.migrations import spreading
from sync.database.migrations.spreading import VERSION, Place, Step, layout, plan, spread
from sync.disclosure.disclosure_thinning import THINNING
from sync.ends import setting
from sync.ends.targets import Target
from sync.errors import Conflict, InvalidInput, WrongSchema
from sync.models import NOBODY, ROSTER, SHARED_BOOK, Base, NextEnd, new_id, now
from sync.models.buckets import BY_ID, BY_RANGE
from sync.revisions import fan_out, roster_news
from sync.revisions.shared_fields import HOUSEHOLD
from sync.sign_in import deletion
from tests.support.citus import stand_in
from tests.support.factories import connected, field, group, person

TABLES = list(Base.metadata.sorted_tables)

#: The step that puts jobs and next ends with whom they are about.
MOVED = "job, next_end: each with whom it is about"

on_postgresql = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)


@pytest.fixture
def cluster(database: Database) -> Database:
    """A database with people in it, at the coordinator of a cluster of two more machines."""
    anna, bert = connected(database, "anna", "bert")
    group(database, anna, "family", [bert], [field(database, anna)])
    stand_in(database, "db2", "db3")
    return database


def spread_all(database: Database) -> list[str]:
    """Spread all tables, and return what was told of it."""
    told: list[str] = []
    spread(database, plan(database), lambda step: told.append(step.text))
    return told


def ask(database: Database, statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a statement."""
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def run(database: Database, statement: str) -> None:
    """Change something in the database."""
    with database.engine.begin() as connection:
        connection.execute(text(statement))


def placed(database: Database) -> dict[object, object]:
    """Return by what each table is spread, None for a copy everywhere or a table of one machine."""
    found = (
        "SELECT relname, column_to_column_name(logicalrelid, partkey) FROM pg_dist_partition"
        " JOIN pg_class ON pg_class.oid = logicalrelid"
    )
    return {row[0]: row[1] for row in ask(database, found)}


def rows(database: Database, schema: str) -> dict[str, int]:
    """Return how many rows each table has in a schema, of the tables that have any."""
    with database.engine.connect() as connection:
        counts = {
            each.name: connection.scalar(select(func.count()).select_from(table(each.name, schema=schema)))
            for each in TABLES
        }
    return {name: number for name, number in counts.items() if number}


@pytest.mark.parametrize("each", TABLES, ids=lambda each: each.name)
def test_a_table_has_a_place_which_its_column_that_spreads_it_gives(each: Table) -> None:
    (place,) = [place for place in layout() if place.table == each.name]
    if each.info.get("everywhere"):
        assert (place.key, place.beside) == (None, None)
        assert not each.foreign_keys
        return
    key = each.info["spread_by"]
    assert place.key == key
    first = Base.metadata.tables[place.beside or each.name]
    assert type(first.c[first.info["spread_by"]].type) is type(each.c[key].type)
    assert (place.beside is None) == (each.name in spreading.FIRST.values())


def test_a_table_is_spread_after_those_that_its_foreign_keys_name_and_the_version_at_last() -> None:
    order = [place.table for place in layout()]
    assert sorted(order) == sorted([*Base.metadata.tables, "alembic_version"])
    assert order[-1] == "alembic_version"
    for each in TABLES:
        assert all(order.index(other.column.table.name) < order.index(each.name) for other in each.foreign_keys)


def test_of_few_tables_every_machine_has_a_copy() -> None:
    assert [str(place) for place in layout() if not place.key] == [
        "server_secret: a copy on every machine",
        "alembic_version: on this machine",
    ]


@on_postgresql
def test_all_tables_are_spread_with_their_rows_and_then_nothing_is_left_to_do(cluster: Database) -> None:
    before = rows(cluster, "public")
    assert len(before) > 10
    first, *told = spread_all(cluster)
    assert placed(cluster) == {place.table: place.key for place in layout()}
    assert rows(cluster, "shards") == before
    assert rows(cluster, "public") == {}
    assert first == MOVED
    assert told[: len(TABLES) + 1] == [str(place) for place in layout()]
    assert told[len(TABLES) + 1] == "account: what was copied is deleted here"
    assert plan(cluster) == []
    assert spread_all(cluster) == []


@on_postgresql
def test_what_was_cut_off_is_gone_on_with(cluster: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "is_used", lambda _url: False)
    before, expected, taken = rows(cluster, "public"), plan(cluster), []

    def stop(step: Step) -> None:
        taken.append(step)
        if len(taken) % 10 == 0 or step.text.startswith(("account", VERSION)):
            raise KeyboardInterrupt

    while steps := plan(cluster):
        with contextlib.suppress(KeyboardInterrupt):
            spread(cluster, steps, stop)
    assert len(taken) > len(TABLES)
    # Deleting here what was copied of one table does so of what depends on it.
    assert taken == [step for step in expected if step in taken]
    assert placed(cluster) == {place.table: place.key for place in layout()}
    assert rows(cluster, "shards") == before
    assert rows(cluster, "public") == {}


def jobs_and_ends(database: Database) -> dict[str, int]:
    """Let there be something of every kind to do, and return by what it is which bucket it is in."""
    anna, bert = person(database), person(database)
    phone, club, book_id, at = field(database, anna), new_id(), new_id(), now()
    trip = group(database, anna, "trip", granted=[phone])

    def leave(session: Session) -> None:
        fan_out.defer(session, anna, [trip], at)
        jobs.ask(session, HOUSEHOLD, bert, at)
        jobs.ask(session, THINNING, anna, at)
        roster_news.leave(session, ROSTER, club, anna, at, 1)
        roster_news.leave(session, SHARED_BOOK, book_id, NOBODY, at)
        deletion._promise(session, bert, at)
        setting.set_end(session, anna, Target(group_id=trip), at - at % 60 + 3600)

    database.write(leave)
    return {"fan_out": anna, HOUSEHOLD: bert, THINNING: anna, ROSTER: club, SHARED_BOOK: book_id, "leaving": bert} | {
        "end": anna
    }


def in_buckets(database: Database, schema: str) -> dict[object, object]:
    """Return by what it is in which bucket something is."""
    job = table("job", column("kind"), column("bucket"), schema=schema)
    end = table("next_end", column("bucket"), schema=schema)
    with database.engine.connect() as connection:
        found = connection.execute(select(job.c.kind, job.c.bucket)).all()
        return {"end": connection.scalar(select(end.c.bucket)), **{row.kind: row.bucket for row in found}}


def as_spread_before(database: Database) -> None:
    """Let a release before have spread the tables: what is in buckets is beside each other, and beside nobody."""
    run(database, "SELECT create_distributed_table('job', 'bucket', colocate_with => 'none')")
    for name in ("errand", "given_up", "message", "next_end"):
        run(database, f"SELECT create_distributed_table('{name}', 'bucket', colocate_with => 'job')")
    own = ("job", "next_end")
    spread(database, [step for step in plan(database) if not step.text.startswith(own)], lambda _: None)


@on_postgresql
@pytest.mark.parametrize("before", [False, True], ids=["anew", "spread by the release before"])
def test_jobs_and_next_ends_are_beside_whom_they_are_about_once_tables_are_spread(
    cluster: Database, *, before: bool
) -> None:
    about = jobs_and_ends(cluster)
    if before:
        as_spread_before(cluster)
        assert placed(cluster) == {place.table: place.key for place in layout()}
    assert cluster.buckets is BY_ID
    assert in_buckets(cluster, "shards" if before else "public") == {
        kind: BY_ID.of(each) for kind, each in about.items()
    }
    told = spread_all(cluster)
    gathered = ["job: gathered on this machine", "next_end: gathered on this machine"] if before else []
    assert told[: len(gathered) + 1] == [*gathered, MOVED]
    assert cluster.buckets is BY_RANGE
    assert in_buckets(cluster, "shards") == {kind: BY_RANGE.of(each) for kind, each in about.items()}
    groups = (
        "SELECT DISTINCT colocationid FROM pg_dist_partition WHERE logicalrelid::text IN ('account', 'job', 'next_end')"
    )
    assert len(ask(cluster, groups)) == 1
    assert placed(cluster) == {place.table: place.key for place in layout()}
    assert plan(cluster) == []
    with cluster.engine.connect() as connection:
        # The tables of the stand-ins are nobody's.
        found = map(str, migrations.differences(connection))
        assert [each for each in found if not each.startswith("('remove_table'")] == []


@on_postgresql
def test_whoever_has_not_learned_of_the_buckets_writes_nothing_where_nobody_looks(cluster: Database) -> None:
    """Such as the release before, and a server that was not stopped: its change is refused as a whole."""
    anna, other = person(cluster), Database(cluster.url.render_as_string(hide_password=False))
    assert other.buckets is BY_ID
    other.dispose()
    spread_all(cluster)
    for change in (
        lambda session: jobs.ask(session, HOUSEHOLD, anna, now()),
        lambda session: session.execute(insert(NextEnd).values(bucket=other.buckets.of(anna), owner_id=anna, due_at=1)),
    ):
        with pytest.raises(IntegrityError, match="bucket"):
            other.write(change)
    other.ask_anew()
    other.write(lambda session: jobs.ask(session, HOUSEHOLD, anna, now()))
    other.dispose()


@on_postgresql
def test_a_step_that_citus_refuses_is_named_and_what_was_done_stays(cluster: Database) -> None:
    run(cluster, "ALTER TABLE card ADD CONSTRAINT once UNIQUE (id)")
    with pytest.raises(Conflict, match=r"refused a step \(card: by owner_id.*cannot create constraint on \"card\"\.$"):
        spread_all(cluster)
    assert "profile" in placed(cluster)
    run(cluster, "ALTER TABLE card DROP CONSTRAINT once")
    spread_all(cluster)
    assert plan(cluster) == []


def test_a_file_on_one_machine_cannot_be_spread() -> None:
    with pytest.raises(InvalidInput, match="only PostgreSQL"):
        plan(Database("sqlite:////nowhere/at/all.sqlite"))


@on_postgresql
def test_nothing_is_spread_without_citus_or_before_the_newest_schema(database: Database) -> None:
    with pytest.raises(Conflict, match="CREATE EXTENSION citus"):
        plan(database)
    downgrade(database, "0025")
    with pytest.raises(WrongSchema, match="`evercard migrate`"):
        plan(database)


UNDONE = "SELECT undistribute_table('message')"
UNDO = r"`SELECT undistribute_table\('message'\)` first"
#: What is not as it has to be, how that comes about and is taken back, and what is said of it.
REFUSED = {
    "the coordinator is not named": (
        "UPDATE pg_dist_node SET groupid = 9 WHERE groupid = 0",
        "UPDATE pg_dist_node SET groupid = 0 WHERE groupid = 9",
        "citus_set_coordinator_host",
    ),
    "there is no machine": (
        "UPDATE pg_dist_node SET isactive = false",
        "UPDATE pg_dist_node SET isactive = true",
        "citus_add_node",
    ),
    "this is another machine": (
        "UPDATE pg_dist_local_group SET groupid = 2",
        "UPDATE pg_dist_local_group SET groupid = 0",
        "coordinator in database_url",
    ),
    "a key is another": ("SELECT create_distributed_table('message', 'id')", UNDONE, UNDO),
    "a table is not beside": ("SELECT create_distributed_table('message', 'bucket')", UNDONE, UNDO),
    "a table is a copy": ("SELECT create_reference_table('message')", UNDONE, UNDO),
}


@on_postgresql
def test_a_cluster_that_is_not_ready_or_spread_otherwise_is_refused_in_a_sentence(cluster: Database) -> None:
    run(cluster, "SELECT create_distributed_table('errand', 'bucket')")
    steps = plan(cluster)
    for statement, undoing, said in REFUSED.values():
        run(cluster, statement)
        with pytest.raises(Conflict, match=said) as refused:
            plan(cluster)
        assert "\n" not in str(refused.value)
        run(cluster, undoing)
    assert plan(cluster) == steps


@on_postgresql
def test_nothing_is_spread_while_a_server_runs(cluster: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_GOING", 0.0)
    other = Database(cluster.url.render_as_string(hide_password=False))
    with other.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(Conflict, match="stop every server"):
            spread_all(cluster)
        # What machines of a cluster ask each other is no server's.
        connection.execute(text("SET application_name = 'citus_internal gpid=10000000123'"))
        connection.commit()
        spread_all(cluster)
    other.dispose()


@on_postgresql
def test_steps_of_the_schema_are_taken_where_tables_are_spread_and_spread_what_they_make(cluster: Database) -> None:
    spread_all(cluster)
    downgrade(cluster, "0023")
    assert "shared_book" not in placed(cluster)
    cluster.migrate()
    assert placed(cluster) == {place.table: place.key for place in layout()}
    assert plan(cluster) == []


@on_postgresql
def test_a_table_that_no_model_knows_is_spread_by_what_leads_its_key(cluster: Database) -> None:
    def make(name: str) -> None:
        with migrations.stepping(cluster) as connection, spreading.following(connection):
            Operations(MigrationContext.configure(connection)).create_table(
                name,
                Column("owner_id", BigInteger, ForeignKey("account.id"), primary_key=True),
                Column("word", String(10), primary_key=True),
            )

    make("before")
    assert "before" not in placed(cluster)
    run(cluster, "DROP TABLE before")
    spread_all(cluster)
    make("after")
    assert placed(cluster)["after"] == "owner_id"
    groups = "SELECT DISTINCT colocationid FROM pg_dist_partition WHERE logicalrelid::text IN ('account', 'after')"
    assert len(ask(cluster, groups)) == 1


def test_a_place_is_said_in_words() -> None:
    assert str(Place("entry", "h", "viewer_id", "account")) == "entry: by viewer_id, beside account"
    assert str(Place("account", "h", "id")) == "account: by id"


def downgrade(database: Database, revision: str) -> None:
    """Take steps of the schema back."""
    with migrations.stepping(database) as connection:
        command.downgrade(migrations._configuration(connection), revision)
