"""Looking after the database, and what is said when it cannot be used."""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from radicale_plugin import settings
from sync import verification
from sync.database.engine import Database, Session
from sync.errors import DatabaseUnavailable
from tests.cli.conftest import Command
from tests.support import citus
from tests.support.server import free_port


def sql(url: str, statement: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute(statement)
    connection.close()


def start(*arguments: str, url: str = "", given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process of its own, on the database at *url*."""
    environment = {**os.environ, "EVERCARD_DATABASE_URL": url} if url else dict(os.environ)
    command = [sys.executable, "-m", "radicale_plugin.cli", *arguments]
    return subprocess.run(command, input=given, capture_output=True, env=environment, check=False, timeout=120)


def refusal(*arguments: str, url: str = "") -> str:
    """Run it so, expecting one line and nothing else."""
    ended = start(*arguments, url=url)
    said = ended.stderr.decode()
    assert ended.returncode == 1, said
    assert ended.stdout == b""
    assert said.startswith("Error: ")
    assert said.count("\n") == 1, said
    return said.removeprefix("Error: ").strip()


def test_a_sound_database_is_said_to_be_sound(anna: Command) -> None:
    result = anna.run("verify")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "3 people checked, 0 problems found.\n"


def test_what_is_wrong_is_told_in_a_line_each_and_by_the_exit_code(anna: Command, database_url: str) -> None:
    sql(database_url, "DELETE FROM login_name WHERE name = 'bo'")
    result = anna.run("verify")
    assert (result.exit_code, result.stdout) == (1, "bo: The login is claimed by nobody.\n")
    told = anna.run("verify", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["findings"] == [{"login": "bo", "problem": "The login is claimed by nobody."}]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DatabaseUnavailable("gone")])
def test_a_check_that_was_stopped_is_gone_on_with(anna: Command, database_url: str, error: BaseException) -> None:
    """It says from where, and what it had looked at is not looked at again."""
    sql(database_url, "DELETE FROM login_name WHERE name IN ('anna', 'bo', 'chiara')")
    page, everything = verification.page, anna.run("verify").stdout.splitlines()

    def stopped(session: Session, after: int) -> verification.Checked | None:
        if after:
            raise error
        return page(session, after, 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification, "page", stopped)
        began = anna.run("verify")
    assert began.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    said = re.search(r"1 of 3 people checked; `evercard (verify --after \d+)` goes on from here", began.stderr)
    assert said is not None
    ended = anna.run(*said[1].split())
    assert ended.stderr == f"2 people checked, {len(ended.stdout.splitlines())} problems found.\n"
    assert began.stdout.splitlines() + ended.stdout.splitlines() == everything


def test_after_a_backup_was_put_back_every_device_begins_anew(anna: Command, database_url: str) -> None:
    anna("device", "add", "bo", "Phone")
    sql(database_url, "UPDATE device SET synced_revision = 99")
    assert "evercard restored" in anna.run("verify").stdout
    assert "3 address books" in anna("restored")
    assert anna.run("verify").exit_code == 0


def test_cards_that_an_older_version_wrote_are_written_anew(anna: Command, database_url: str) -> None:
    sql(database_url, "UPDATE card SET digest = 'older', body_3 = replace(body_3, 'FN:', 'FN;X-OLD=1:')")
    assert anna.run("verify").exit_code == 1
    assert "3 people are written anew" in anna("render")
    assert anna.run("verify").exit_code == 0
    assert anna("render") == anna("render")


def test_a_database_is_migrated_by_that_command_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    assert "`evercard migrate` makes it" in refusal("user", "list", url=url)
    assert list(tmp_path.iterdir()) == []
    assert start("migrate", url=url).returncode == 0
    assert start("user", "list", "--json", url=url).stdout == b"[]\n"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE alembic_version SET version_num = 'later'", "is of a newer version of Evercard"),
        ("DELETE FROM alembic_version", "has no tables yet"),
    ],
)
def test_a_database_of_another_version_is_not_touched(
    evercard: Command, database_url: str, statement: str, said: str
) -> None:
    sql(database_url, statement)
    assert said in evercard.error("user", "add", "anna")
    if "newer" in said:
        assert said in evercard.error("migrate")


def test_a_file_that_is_no_database_is_named_so(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear database,\n" * 100)
    assert "file is not a database" in refusal("user", "list", url=f"sqlite:///{tmp_path / 'letter'}")


def test_a_database_in_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "unable to open" in refusal("migrate", url=f"sqlite:///{tmp_path / 'none' / 'new.sqlite'}")


def without_override(*command: str) -> list[str]:
    """Return *command* to be run with no more rights to a file than its mode gives, for an administrator as well."""
    return ["setpriv", "--bounding-set=-dac_override", *command] if os.geteuid() == 0 else list(command)


@pytest.mark.parametrize("closed", ["file", "folder"])
@pytest.mark.parametrize("command", [("serve",), ("user", "add", "anna")])
def test_a_database_that_cannot_be_written_is_named_so(tmp_path: Path, closed: str, command: tuple[str, ...]) -> None:
    file = tmp_path / "data" / "evercard.sqlite"
    file.parent.mkdir()
    assert start("migrate", url=f"sqlite:///{file}").returncode == 0
    place = file if closed == "file" else file.parent
    place.chmod(0o444 if closed == "file" else 0o555)
    environment = {**os.environ, "EVERCARD_DATABASE_URL": f"sqlite:///{file}"}
    run = without_override(sys.executable, "-m", "radicale_plugin.cli", *command)
    ended = subprocess.run(run, capture_output=True, env=environment, check=False, timeout=120)
    place.chmod(0o700)
    said = ended.stderr.decode()
    assert (ended.returncode, said.count("\n")) == (1, 1), said
    assert "give this user the right to write" in said


def test_a_full_disk_is_named_so(database_url: str) -> None:
    """And not: look whether the URL is right."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    environment = {**os.environ, "EVERCARD_DATABASE_URL": database_url}
    command = [sys.executable, "-B", "-m", "radicale_plugin.cli", "user", "add", "anna"]
    ended = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=120, preexec_fn=limit)
    assert ended.returncode == 1
    assert ended.stderr.decode().startswith("Error: The disk that the database is on is full; make room there.")
    assert start("user", "add", "anna", url=database_url).returncode == 0


def test_a_server_that_does_not_answer_is_named() -> None:
    said = refusal("user", "list", url=f"postgresql://somebody:secret@127.0.0.1:{free_port()}/none")
    assert "Connection refused" in said
    assert "secret" not in said


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    assert "sqlite:///FILE" in refusal("user", "list", url=url)


def test_a_database_that_stays_locked_is_given_up(database_url: str) -> None:
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert "database is locked" in refusal("user", "add", "anna", url=database_url)
    connection.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("[storage]\nno_such_option = 1\ntype = radicale_plugin.storage\n", "no_such_option"),
        ("rubbish", "rubbish"),
        ("[storage]\ntype = radicale_plugin.storage\nworkers = none\n", "workers"),
        ("[storage]\ntype = radicale_plugin.storage\ndatabase_url_file = /none/there\n", "cannot be read"),
        ("[storage]\ntype = radicale_plugin.storage\nstandby_url = postgresql://db2/evercard\n", "its primary"),
        ("[storage]\ntype = radicale_plugin.storage\nsecret_file = /bin/ls\n", "is no text"),
        ("[storage]\ntype = radicale_plugin.storage\nsecret_file = /dev/null\n", "is empty"),
        ("[storage]\ntype = radicale_plugin.storage\nsecret = short\n", "at least 16 characters"),
        ("[storage]\ntype = radicale_plugin.storage\nsecret = a\nsecret_file = /dev/null\n", "not both"),
        ("[storage]\ntype = radicale_plugin.storage\nsmtp_host = mail.example.org\n", "mail_from"),
        ("[storage]\ntype = radicale_plugin.storage\nphone_region = China\n", "two letters"),
        ("[server]\nssl = True\ncertificate = /none/there\n", "certificate"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "evercard.conf"
    if text is not None:
        file.write_text(text)
    assert said in refusal("-C", str(file), "user", "list")


def test_a_secret_in_a_file_that_others_do_not_read_is_used(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    (tmp_path / "evercard.conf").write_text(
        f"[storage]\ntype = radicale_plugin.storage\nsecret_file = {tmp_path}/secret\n"
    )
    assert start("-C", str(tmp_path / "evercard.conf"), "user", "list", url=database_url).returncode == 0


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.sqlite"
    assert str(file) in refusal("user", "list", url=f"sqlite:///{file}")


@pytest.mark.parametrize("database_engine", ["sqlite", "postgresql"], indirect=True)
def test_a_database_with_tables_of_something_else_is_refused(empty_database_url: str) -> None:
    other = Database(empty_database_url)
    with other.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE account (name TEXT)")
    other.dispose()
    assert "tables of something else" in refusal("migrate", url=empty_database_url)
    assert "no tables yet" in refusal("user", "list", url=empty_database_url)


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_a_database_of_somebody_else_is_refused(database_url: str) -> None:
    """Whoever may connect to it, but may not read its tables, is told so in one line."""
    owner = Database(database_url)
    name = f"stranger_{owner.url.database}"
    with owner.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    url = owner.url.set(username=name, password="x").render_as_string(hide_password=False)
    try:
        for command in (("user", "list"), ("migrate",)):
            assert "permission denied" in refusal(*command, url=url)
    finally:
        with owner.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE {name}")
        owner.dispose()


@pytest.mark.parametrize(
    "arguments",
    [("user", "add"), ("nosuch",), ("user", "list", "--nosuch"), ("--nosuch",), ("grant", "except", "a", "b", "c")],
)
def test_a_command_that_is_not_understood_is_told_in_one_line(evercard: Command, arguments: tuple[str, ...]) -> None:
    result = evercard.run(*arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.stderr
    assert "--help`" in result.stderr


def test_options_that_contradict_each_other_are_refused(anna: Command) -> None:
    result = anna.run("grant", "except", "anna", "bo", "name", "--show", "--withhold")
    assert (result.exit_code, "Say one of" in result.stderr) == (2, True)


def test_serving_at_a_port_in_use_is_refused(tmp_path: Path, database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "evercard.conf").write_text(f"[server]\nhosts = 127.0.0.1:{taken.getsockname()[1]}\n")
        said = refusal("-C", str(tmp_path / "evercard.conf"), "serve", url=database_url)
        assert "Address already in use" in said
        port = str(taken.getsockname()[1])
        assert "--port" in refusal("demo", "--port", port, "--directory", str(tmp_path / "demo"))


def test_names_in_every_script_are_printed_on_every_terminal(tmp_path: Path, database_url: str) -> None:
    assert start("user", "add", "anna", url=database_url).returncode == 0
    assert start("profile", "set", "anna", "name", "陈安娜", url=database_url).returncode == 0
    environment = {**os.environ, "EVERCARD_DATABASE_URL": database_url, "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "radicale_plugin.cli", "profile", "show", "anna"]
    shown = subprocess.run(command, capture_output=True, env=environment, check=True, timeout=120)
    assert rb"\u9648" in shown.stdout


def test_an_argument_that_is_no_text_is_refused(database_url: str) -> None:
    command: list[str | bytes] = [sys.executable, "-m", "radicale_plugin.cli", "profile", "show", b"\xff"]
    environment = {**os.environ, "EVERCARD_DATABASE_URL": database_url, "PYTHONUTF8": "1"}
    ended = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=120)
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Error: ")
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_everything_works_on_postgresql_too(anna: Command, database_url: str) -> None:
    anna("profile", "set", "anna", "mobile", "+86 1")
    anna("grant", "give", "anna", "family", "mobile")
    assert "TEL" in anna("preview", "anna", "--person", "bo")
    assert anna.run("verify").exit_code == 0
    database = Database(database_url)
    database.require_newest()
    database.dispose()


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_tables_are_spread_once_after_it_was_said_what_would_be_done(anna: Command, database_url: str) -> None:
    database = Database(database_url)
    assert "CREATE EXTENSION citus" in anna.error("migrate", "--distribute")
    settings.database(settings.load(None)).dispose()
    citus.stand_in(database, "db2", "db3")
    said = anna.run("migrate", "--distribute", "--dry-run")
    assert said.stdout.splitlines()[:3] == [
        "job, next_end: each with whom it is about",
        "account: by id",
        "errand: by bucket",
    ]
    assert said.stderr.endswith(" steps to take; nothing was done.\n")
    done = anna.run("migrate", "--distribute")
    assert (done.exit_code, done.stdout) == (0, said.stdout)
    assert done.stderr.startswith("The tables are spread: ")
    for options in (["--dry-run"], []):
        assert anna("migrate", "--distribute", *options) == "The tables are spread already.\n"
    assert anna("migrate") == "The database has the newest schema.\n"
    database.dispose()


def test_a_file_is_not_spread_and_a_dry_run_is_of_nothing_else(anna: Command) -> None:
    assert "only PostgreSQL" in anna.error("migrate", "--distribute")
    assert anna.run("migrate", "--dry-run").exit_code == 2


def test_a_repair_says_what_it_let_go(anna: Command) -> None:
    result = anna.run("verify", "--repair")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "0 entries let go that waited for a change.",
        "3 people checked, 0 problems found.",
    ]
