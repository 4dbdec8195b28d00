"""The command starts at once: it reads what the command that was typed needs, and no more."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from radicale_plugin.cli import main
from radicale_plugin.cli.main import PARTS
from radicale_plugin.server import running, serving
from sync.database.engine import Database

#: What takes a second or more together, and what needs each of them.
SLOW = ("alembic", "granian", "lxml", "phonenumbers", "radicale", "sqlalchemy", "urllib3", "flask", "prometheus_client")
PROGRAM = """
import sys
from radicale_plugin.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
#: What no answer needs before somebody sends a picture or a password, or the tables are of an older version.
LATER = {"PIL", "alembic", "argon2", "email_validator"}
SERVER = """
import sys
from radicale_plugin.server import running, serving
serving.settings.database(serving.settings.load(None)).migrate()
serving.create()
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def test_a_server_answers_before_it_loads_what_few_requests_need(database: Database, database_url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SERVER],
        capture_output=True,
        check=False,
        text=True,
        cwd=Path(__file__).parents[2],
        env={"EVERCARD_DATABASE_URL": database_url},
    )
    assert ended.returncode == 0, ended.stderr
    found = set(ended.stderr.splitlines()[-1].split())
    assert found >= {"granian", "radicale", "sqlalchemy"}
    assert found & LATER == set()
    database.migrate()


def loaded(*arguments: str, database_url: str = "") -> set[str]:
    """Run the command in a process of its own, and return the outermost names of all that it imported."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        check=False,
        text=True,
        cwd=Path(__file__).parents[2],
        env={"EVERCARD_DATABASE_URL": database_url},
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_what_needs_no_database_loads_nothing_slow(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments).intersection(SLOW) == set()


@pytest.mark.parametrize("arguments", [("user", "list"), ("device", "list", "anna"), ("profile", "show", "anna")])
def test_a_command_about_people_loads_no_server_and_no_migrations(
    arguments: tuple[str, ...], database: Database, database_url: str
) -> None:
    from tests.support import people

    people.register(database, "anna")
    found = loaded(*arguments, database_url=database_url).intersection(SLOW)
    assert found <= {"radicale", "sqlalchemy"}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert ("" if command.hidden else command.get_short_help_str(200)) == PARTS[name].help


class Listening:
    """Stands where the production server would be: it answers after a while, and ends when all have begun."""

    def __init__(self, port: int, began: threading.Event, told: threading.Event) -> None:
        """Listen at this port, and end when the worker began and somebody was told the address."""
        self._port, self._began, self._told = port, began, told
        self.began_early: bool | None = None

    def on_startup(self, _: object) -> None:
        """Nothing is to be done."""

    def on_reload(self, _: object) -> None:
        """Nothing is to be done."""

    def serve(self) -> None:
        """Answer once."""
        self.began_early = self._began.wait(0.5)
        with socket.create_server(("127.0.0.1", self._port)) as here:
            here.settimeout(60)
            asking, _ = here.accept()
            with asking:
                asking.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            assert self._began.wait(60)
            assert self._told.wait(60)


def test_the_worker_begins_when_people_are_answered(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To begin takes it as long as the server, which it would keep from answering on a small machine."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file, began, heard = tmp_path / "evercard.conf", threading.Event(), threading.Event()
    file.write_text(f"[server]\nhosts = 127.0.0.1:{port}\n", "utf-8")
    monkeypatch.setenv("EVERCARD_DATABASE_URL", database_url)
    # The server sets these, and nobody else in this process is to find them.
    for name in ("RADICALE_CONFIG", running.DIRECTORY):
        monkeypatch.setenv(name, "")
    server = Listening(port, began, heard)
    monkeypatch.setattr(serving, "granian", lambda *_, **__: server)
    monkeypatch.setattr(serving, "_keep_worker", lambda *_: began.set())
    told: list[str] = []

    def listening(address: str) -> None:
        told.append(address)
        heard.set()

    serving.serve(str(file), listening)
    assert server.began_early is False
    assert told == [f"http://127.0.0.1:{port}/"]
