"""Migrations: they make the very tables of the models, from anywhere, and lose nothing on the way."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Column, Integer, delete, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from sync import fields, verification
from sync.accounts import addresses, one_time_tokens, rate_limits, registration
from sync.accounts.rate_limits import Limit
from sync.books.entries import EntryText
from sync.database import accounts, migrations, schema
from sync.database.engine import Database
from sync.errors import TooManyTries, WrongSchema
from sync.meeting import blocks
from sync.models import Account, Base, Group, Profile
from sync.organisations import roster_rows
from sync.pictures.keeping import APART_FROM
from sync.profiles import first_photo
from sync.revisions import address_books
from sync.sharing import grants, groups, search_keys
from sync.sharing.preferences import preferences_of
from sync.sharing.visibility import CONNECTIONS, GROUP, STRANGERS
from sync.sign_in import sessions
from tests.support import clubs, kept_whole
from tests.support.factories import connected, contents, field, group, people, person, put, vcard
from tests.support.meeting import prefer
from tests.support.pictures import portrait

ROOT = Path(__file__).parents[3]
SCRIPTS = list(ScriptDirectory.from_config(migrations._configuration(None)).walk_revisions())


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, but when an upgrade was."""
    with database.reading() as session:
        return {
            table.name: sorted(
                (tuple(row) for row in session.execute(select(table)) if APART_FROM not in row), key=repr
            )
            for table in Base.metadata.sorted_tables
        }


def without_what_is_made_anew(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """
    Leave out of `rows` the groups of all connections, which a step takes away, and makes with another id.

    What lists know is left out as well: the worker reads it from the cards again.
    """
    groups = [row for row in found["contact_group"] if CONNECTIONS not in row]
    return {**found, "contact_group": groups, "card_list_key": [], "contact_list_key": []}


def populate(database: Database) -> None:
    """Fill every table that matters."""
    anna, bert = connected(database, "anna", "bert")
    group(database, anna, "family", [bert], [field(database, anna)])
    put(database, bert, "a.vcf", vcard())


@pytest.fixture
def empty(empty_database_url: str) -> Database:
    """A database without tables."""
    return Database(empty_database_url)


def downgrade(database: Database, revision: str) -> None:
    with migrations.stepping(database) as connection:
        command.downgrade(migrations._configuration(connection), revision)


def test_the_steps_make_what_the_models_say(empty: Database) -> None:
    empty.migrate()
    with empty.engine.connect() as connection:
        assert migrations.differences(connection) == []
    empty.dispose()


def test_migrating_again_changes_nothing(database: Database) -> None:
    populate(database)
    before = rows(database)
    database.migrate()
    database.migrate()
    assert rows(database) == before


def test_every_step_can_be_taken_back_and_again(empty: Database) -> None:
    empty.migrate()
    populate(empty)
    for script in SCRIPTS:
        downgrade(empty, str(script.down_revision or "base"))
    with empty.engine.connect() as connection:
        assert schema.current(connection) is None
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    for script in reversed(SCRIPTS):
        migrations.upgrade(empty, script.revision)
    with empty.engine.connect() as connection:
        assert migrations.differences(connection) == []
    populate(empty)
    empty.dispose()


def seen_by(database: Database, *viewers: int) -> dict[tuple[int, str], list[EntryText]]:
    """Return everything that the devices of *viewers* are served, in both versions of vCard."""
    return {(viewer, version): contents(database, viewer, version) for viewer in viewers for version in ("3.0", "4.0")}


def test_the_names_of_the_field_reach_a_database_of_the_version_before_and_lose_nothing(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    group(database, anna, "family", [bert], [field(database, anna)])
    put(database, bert, "a.vcf", vcard())
    token = database.write(lambda session: sessions.start(session, anna, "Firefox"))
    link = database.write(lambda session: one_time_tokens.issue(session, "test", anna, {"a": 1}, lifetime=3600))
    limit = Limit("test", tries=1, period=3600)
    database.write(lambda session: rate_limits.take(session, limit, "anna"))
    database.write(lambda session: session.execute(update(Profile).values(rendering=None)))
    before, served = without_what_is_made_anew(rows(database)), seen_by(database, anna, bert)
    downgrade(database, "0003")
    with database.engine.connect() as connection:
        old = {"allowance", "directory_key", "listing", "portal_session", "seen_audience", "shown_field", "ticket"}
        assert old <= set(inspect(connection).get_table_names())
    database.migrate()
    assert without_what_is_made_anew(rows(database)) == before
    assert all(before[name] for name in ("rate_limit", "search_key", "own_search_key", "browser_session"))
    assert all(before[name] for name in ("disclosed_audience", "disclosed_field", "one_time_token"))
    assert seen_by(database, anna, bert) == served
    with database.reading() as session:
        found = sessions.find(session, token)
        assert found is not None
        assert one_time_tokens.peek(session, "test", link).account_id == anna
        assert accounts.find(session, "Anna") == anna
    with pytest.raises(TooManyTries):
        database.write(lambda session: rate_limits.take(session, limit, "anna"))


def test_pictures_are_in_the_cards_of_the_version_before_and_nobody_is_told(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    for number in (1, 2):
        photo = fields.field_from_photo(portrait(number))
        database.write(lambda session, photo=photo: first_photo.add(session, anna, photo))  # type: ignore[misc]
    served = seen_by(database, anna, bert)
    assert kept_whole.kept(database, anna) != []
    downgrade(database, "0029")
    said = "FROM card WHERE body_3 LIKE '%PHOTO;ENCODING=b%' AND body_4 LIKE '%PHOTO:data:%' AND length(body_3) > 5000"
    with database.engine.connect() as connection:
        assert "picture" not in inspect(connection).get_table_names()
        assert connection.execute(text(f"SELECT count(*) {said}")).scalar() == 2
        assert connection.execute(text("SELECT count(*) FROM field_state WHERE length(content) > 5000")).scalar() == 2
    database.migrate()
    assert kept_whole.kept(database, anna) == []
    assert seen_by(database, anna, bert) == served
    with database.reading() as session:
        assert [str(finding) for finding in verification.findings(session)] == []


def test_processes_that_start_at_once_migrate_once(empty: Database) -> None:
    program = "import sys; from sync.database.engine import Database; Database(sys.argv[1]).migrate()"
    url = empty.url.render_as_string(hide_password=False)
    started = [subprocess.Popen([sys.executable, "-c", program, url], cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    with empty.engine.connect() as connection:
        assert migrations.differences(connection) == []
    empty.dispose()


def test_whoever_was_here_before_the_directory_is_found_by_login(database: Database) -> None:
    populate(database)
    shut_out = person(database, "carl")
    database.write(lambda session: registration.set_disabled(session, shut_out, disabled=True))
    # The cards of whoever was here before are to be written anew.
    database.write(lambda session: session.execute(update(Profile).values(rendering=None)))
    before = without_what_is_made_anew(rows(database))
    downgrade(database, "0001")
    database.migrate()
    after = without_what_is_made_anew(rows(database))
    assert {key for key, _ in after["search_key"]} == {"login:anna", "login:bert"}
    assert after == before


def test_nobody_is_found_by_number_any_more_who_has_not_said_so(database: Database) -> None:
    """Before the step, everybody was whether they had decided or not; what they decided of others stays."""
    anna = person(database, "anna")
    database.write(lambda session: addresses.add(session, anna, "sms", "+8613800138000"))
    prefer(database, anna, found_by_phone=True, found_by_name=True)
    downgrade(database, "0004")
    database.migrate()
    with database.reading() as session:
        assert list(search_keys.keys_of(session, anna)) == ["login:anna"]
        decided = preferences_of(session, anna)
        assert (decided.found_by_phone, decided.phone_decided, decided.found_by_name) == (False, False, True)
        assert list(verification.findings(session)) == []


def test_a_table_can_be_made_anew_without_losing_what_depends_on_it(database: Database) -> None:
    """SQLite's way to alter a table drops the old one; the rows that refer to it must outlive that."""
    populate(database)
    before = rows(database)
    with migrations.stepping(database) as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("account", recreate="auto") as batch:
            batch.alter_column("login", nullable=True)
            batch.add_column(Column("spare", Integer, nullable=True))
    assert rows(database) == before
    database.write(lambda session: session.execute(delete(Account)))
    assert rows(database)["profile"] == []


@pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
def test_a_step_that_leaves_rows_without_their_owner_is_taken_back(database: Database) -> None:
    populate(database)
    before = rows(database)
    with pytest.raises(RuntimeError, match="left rows of"), migrations.stepping(database) as connection:
        connection.execute(delete(Account))
    assert rows(database) == before


def test_a_step_that_fails_is_taken_back_with_its_tables(database: Database) -> None:
    before = rows(database)

    def fail() -> None:
        with migrations.stepping(database) as connection:
            operations = Operations(MigrationContext.configure(connection))
            operations.create_table("half", Column("id", Integer, primary_key=True))
            operations.create_table("account", Column("id", Integer, primary_key=True))

    with pytest.raises(DBAPIError):
        fail()
    assert "half" not in inspect(database.engine).get_table_names()
    assert rows(database) == before


def test_only_the_schema_that_the_code_knows_is_worked_with(empty: Database, database: Database) -> None:
    database.require_newest()
    with pytest.raises(WrongSchema):
        empty.require_newest()
    with database.engine.begin() as connection:
        context = MigrationContext.configure(connection)
        connection.execute(context._version.update().values(version_num="9999"))
    for refused in (database.require_newest, database.migrate):
        with pytest.raises(WrongSchema):
            refused()
    with database.engine.begin() as connection:
        connection.execute(context._version.update().values(version_num=schema.newest()))
    empty.dispose()


def test_blocks_from_before_keep_people_apart_in_organisations(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    database.write(lambda session: blocks.block(session, anna, bert))
    downgrade(database, "0021")
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM entry WHERE id <> viewer_id"))
    database.migrate()
    club = clubs.found(database)
    for each in (anna, bert):
        club.join(each)
    for viewer, owner in ((anna, bert), (bert, anna)):
        with database.reading() as session:
            (book,) = address_books.books_of(session, viewer)
            assert roster_rows.of_owner(session, book, owner) is None
    with database.reading() as session:
        assert [str(each) for each in verification.findings(session)] == []


def test_contents_are_served_after_a_migration_as_before(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    before = contents(database, anna)
    database.migrate()
    assert contents(database, anna) == before
    assert bert


every_step = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.revision)


@every_step
def test_a_step_is_named_by_its_number_and_title(script: Script) -> None:
    """Its file is called so, and its docstring is the title, a blank line, and more."""
    path = Path(script.path)
    number, _, title = path.stem.partition("_")
    assert number == script.revision == f"{SCRIPTS[::-1].index(script) + 1:04}"
    assert title == (script.doc or "").replace(" ", "_")
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring is not None
    assert docstring.splitlines()[:2] == [script.doc, ""]


@every_step
def test_a_step_follows_the_one_before(script: Script) -> None:
    at = SCRIPTS.index(script)
    assert script.down_revision == (SCRIPTS[at + 1].revision if at + 1 < len(SCRIPTS) else None)
    assert script.branch_labels == set()
    assert script.dependencies is None


@every_step
def test_a_step_knows_no_model(script: Script) -> None:
    """The models move on; a step that used them would do something else next year."""
    tree = ast.parse(Path(script.path).read_text("utf-8"))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert [name for name in names if name.startswith("sync")] == []


def test_whoever_was_here_before_gets_the_group_of_all_connections_and_shows_it_nothing(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    group(database, anna, "family", [bert], [field(database, anna)])
    served = seen_by(database, anna, bert)
    downgrade(database, "0004")
    with database.reading() as session:
        assert {each.kind for each in groups.groups_of(session, anna)} == {STRANGERS, GROUP}
    # Somebody may have called a group of their own so.
    values = {"kind": GROUP, "name": "Connections", "name_key": "connections", "created_at": 1}
    database.write(lambda session: session.execute(insert(Group).values(owner_id=bert, id=7, **values)))
    database.migrate()
    with database.reading() as session:
        for owner_id, name in ((anna, "connections"), (bert, "all connections")):
            (found,) = [each for each in groups.groups_of(session, owner_id) if each.kind == CONNECTIONS]
            assert (found.name, found.members) == (name, 1)
            assert grants.granted(session, owner_id, found.id) == frozenset()
        assert groups.find(session, bert, "connections").kind == GROUP
    assert seen_by(database, anna, bert) == served
