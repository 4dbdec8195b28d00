"""`evercard check` names each doubtful option and why, and tries what the server needs."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from radicale_plugin import settings
from sync.database.engine import Database
from tests.cli.conftest import Command
from tests.support import letters, people

#: An installation with nothing doubtful about it, by section.
SOUND = {
    "server": {"hosts": "127.0.0.1:5232"},
    "auth": {"type": "radicale_plugin.auth"},
    "rights": {"type": "radicale_plugin.rights"},
    "storage": {
        "type": "radicale_plugin.storage",
        "base_url": "https://contacts.example.org",
        "trusted_proxies": "1",
        "sign_up": "invited",
        "phone_region": "CN",
        "smtp_host": "127.0.0.1",
        "smtp_security": "none",
        "mail_from": "Evercard <cards@example.org>",
    },
    "web": {"type": "radicale_plugin.web"},
}


class Site:
    """An installation in a folder of its own, which differs from a sound one as a test says."""

    def __init__(self, folder: Path, evercard: Command, mail_port: int) -> None:
        """Make the folder's files."""
        self.folder, self.evercard, self.mail_port = folder, evercard, mail_port
        (folder / "secret").write_text("f" * 64)
        (folder / "secret").chmod(0o600)

    def check(self, *arguments: str, **options: str) -> dict[str, tuple[str, str]]:
        """Check with *options*, named as ``storage__sign_up``; return level and text by what they are about."""
        found = self.evercard.run("-C", str(self.configure(**options)), "check", "--json", *arguments)
        return {one["about"]: (one["level"], one["text"]) for one in _json(found.stdout)}

    def configure(self, **options: str) -> Path:
        """Write the configuration and return its file."""
        sections = {name: dict(section) for name, section in SOUND.items()}
        sections["storage"]["database_url"] = f"sqlite:///{self.folder}/evercard.sqlite3"
        sections["storage"]["secret_file"] = str(self.folder / "secret")
        sections["storage"]["smtp_port"] = str(self.mail_port)
        for name, value in options.items():
            section, _, option = name.partition("__")
            sections.setdefault(section, {})[option] = value
        lines = [
            line for name, section in sections.items() for line in (f"[{name}]", *map(" = ".join, section.items()))
        ]
        file = self.folder / "evercard.conf"
        file.write_text("\n".join(lines) + "\n")
        file.chmod(0o600)
        return file


def _json(text: str) -> Any:

    return json.loads(text)


@pytest.fixture
def mailbox() -> Iterator[letters.Mailbox]:
    with letters.mail_server() as running:
        yield running


@pytest.fixture
def site(
    tmp_path: Path, evercard: Command, mailbox: letters.Mailbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    monkeypatch.delenv("EVERCARD_DATABASE_URL")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    made = Site(tmp_path, evercard, mailbox.port)
    evercard("-C", str(made.configure()), "migrate")
    (tmp_path / "evercard.sqlite3").chmod(0o600)
    yield made
    settings.database(settings.load(str(made.configure()))).dispose()
    monkeypatch.setenv("EVERCARD_DATABASE_URL", "sqlite:////nonexistent/x")


def test_nothing_is_doubtful_about_a_sound_installation(site: Site) -> None:
    found = site.check()
    assert {about: level for about, (level, _) in found.items()} == {
        "configuration": "good",
        "disk": "good",
        "database": "good",
        "worker": "good",
        "clock": "good",
        "mail": "good",
    }


@pytest.mark.parametrize(
    ("option", "value", "about"),
    [
        ("auth__type", "none", "[auth] type"),
        ("auth__cache_logins", "True", "cache_logins"),
        ("logging__level", "debug", "[logging] level"),
        ("server__hosts", "0.0.0.0:5232", "hosts"),
        ("server__script_name", "/contacts", "base_url"),
        ("storage__base_url", "", "base_url"),
        ("storage__base_url", "http://contacts.example.org", "base_url"),
        ("storage__trusted_proxies", "0", "trusted_proxies"),
        ("storage__sign_up", "open", "sign_up"),
        ("storage__phone_region", "", "phone_region"),
        ("storage__phone_region", "China", "phone_region"),
        ("storage__smtp_host", "", "smtp_host"),
        ("storage__mail_from", "", "mail_from"),
        ("storage__mail_from", "Evercard", "mail_from"),
        ("storage__secret_file", "", "secret_file"),
        ("storage__keep_versions_days", "0", "keep_versions_days"),
        ("storage__metrics_address", "0.0.0.0:9464", "metrics_address"),
        ("storage__threads", "100", "threads"),
        ("storage__workers", "1000", "workers"),
    ],
)
def test_a_doubtful_option_is_named(site: Site, option: str, value: str, about: str) -> None:
    level, text = site.check(**{option: value})[about]
    assert level == "doubtful"
    assert text.endswith(".")


@pytest.mark.parametrize(
    ("option", "value", "about"),
    [
        ("storage__database_url", "mysql://x/y", "database_url"),
        ("storage__database_url", "sqlite:////proc/nowhere/evercard.sqlite3", "database_url"),
        ("storage__secret_file", "/nonexistent/secret", "secret_file"),
        ("storage__sign_up", "perhaps", "configuration"),
        ("storage__metrics_address", "here", "configuration"),
        ("storage__nonsense", "1", "configuration"),
        ("server__ssl", "True", "certificate"),
        ("server__hosts", "127.0.0.1:5232, 127.0.0.1:5233", "hosts"),
        ("storage__sms_url", "http://gateway.example/", "sms_url"),
    ],
)
def test_what_would_stop_the_server_is_wrong_and_stops_it(site: Site, option: str, value: str, about: str) -> None:
    found = site.check(**{option: value})
    assert found[about][0] == "wrong"
    error = site.evercard.error("-C", str(site.configure(**{option: value})), "serve")
    assert about in error


def test_an_address_that_somebody_listens_at_stops_the_server(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        hosts = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "Nothing can listen" in site.evercard.error("-C", str(site.configure(server__hosts=hosts)), "serve")


def test_secrets_that_everybody_can_read_are_named_and_not_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (site.folder / "secret", site.folder / "evercard.sqlite3"):
        file.chmod(0o644)
    # The tests' own folder is closed, which protects what is in it.
    monkeypatch.setattr("pathlib.Path.parents", ())
    found = site.check()
    assert found["secret_file"][0] == found["database_url"][0] == "doubtful"
    file = site.configure(storage__smtp_password="s3cret-password")
    file.chmod(0o644)
    said = site.evercard("-C", str(file), "check")
    assert "doubtful  smtp_password" in said
    assert "s3cret-password" not in said


def test_a_name_in_the_environment_that_nobody_reads_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERCARD_DATABSE_URL", "sqlite:////tmp/x")
    assert site.check()["EVERCARD_DATABSE_URL"][0] == "doubtful"


def test_a_test_letter_arrives(site: Site, mailbox: letters.Mailbox) -> None:
    assert site.check("--mail-to", "anna@example.org")["mail"] == ("good", "The mail server took a test letter.")
    assert mailbox.letters[-1]["To"] == "anna@example.org"


def test_a_mail_server_that_refuses_or_is_not_there_is_wrong(site: Site, mailbox: letters.Mailbox) -> None:
    mailbox.answers.append("550 no")
    assert site.check("--mail-to", "anna@example.org")["mail"][0] == "wrong"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert site.check(storage__smtp_port=str(port))["mail"][0] == "wrong"


def test_a_disk_without_room_is_wrong(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage(50_000_000))
    assert site.check()["disk"][0] == "wrong"
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage(500_000_000))
    assert site.check()["disk"][0] == "doubtful"


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_clock_that_went_wrong_is_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{site.folder}/evercard.sqlite3")
    people.register(database)
    database.dispose()
    yesterday = time.time() - 86400
    monkeypatch.setattr("radicale_plugin.server.checking.trials.time.time", lambda: yesterday)
    assert site.check()["clock"][0] == "wrong"


def test_a_database_without_tables_is_told_apart(site: Site) -> None:
    url = f"sqlite:///{site.folder}/other.sqlite3"
    assert site.check(storage__database_url=url)["database"][0] == "doubtful"
    assert not (site.folder / "other.sqlite3").exists()
    (site.folder / "broken.sqlite3").write_bytes(b"This is no database." * 100)
    assert site.check(storage__database_url=f"sqlite:///{site.folder}/broken.sqlite3")["database"][0] == "wrong"


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_postgresql_is_tried_too(evercard: Command, database_url: str) -> None:
    found = {one["about"]: one["level"] for one in _json(evercard.run("check", "--json").stdout)}
    assert found["database"] == found["clock"] == "good"
    assert "disk" not in found
