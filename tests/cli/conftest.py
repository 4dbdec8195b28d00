"""The `evercard` command in this process, on a database of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from radicale_plugin import settings
from radicale_plugin.cli import main


@pytest.fixture(params=["sqlite"])
def database_engine(request: pytest.FixtureRequest) -> str:
    """The engine has tests of its own on every database; here one is enough, unless a test asks for another."""
    engine: str = request.param
    return engine


class Command:
    """Runs the command and says what it printed."""

    def run(self, *arguments: str, given: str | bytes | None = None) -> Result:
        """Run it whatever comes of it, *given* being its standard input."""
        result = CliRunner().invoke(main, list(arguments), input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def __call__(self, *arguments: str, given: str | bytes | None = None) -> str:
        """Run it, expecting that it works."""
        result = self.run(*arguments, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """Run it with ``--json`` and read that."""
        return json.loads(self(*arguments, "--json"))

    def error(self, *arguments: str, given: str | bytes | None = None) -> str:
        """Run it, expecting one line that says what is wrong."""
        result = self.run(*arguments, given=given)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("Error: "), result.stderr
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr.removeprefix("Error: ").strip()


@pytest.fixture
def evercard(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Return the command on a database with the newest schema."""
    monkeypatch.setenv("EVERCARD_DATABASE_URL", database_url)
    yield Command()
    settings.database(settings.load(None)).dispose()


@pytest.fixture
def anna(evercard: Command) -> Command:
    """The command, with Anna, Bo and Chiara registered and connected to Anna, and Bo in her group family."""
    for login in ("anna", "bo", "chiara"):
        evercard("user", "add", login)
    for login in ("bo", "chiara"):
        evercard("connect", "anna", login)
    evercard("group", "create", "anna", "family")
    evercard("group", "add", "anna", "family", "bo")
    return evercard
