"""Backups: complete, taken while people write, and put back whatever became of the database."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from radicale_plugin import settings
from sync.database.engine import Database
from sync.models import AddressBook
from tests.cli.conftest import Command
from tests.cli.test_upkeep import refusal, start
from tests.support import factories, people
from tests.support.people import Person
from tests.support.server import Server

BOTH = pytest.mark.parametrize("database_engine", ["sqlite", "postgresql"], indirect=True)
CARD = {"Content-Type": "text/vcard"}


@contextmanager
def written_to(server: Server, person: Person) -> Iterator[list[str]]:
    """Put one card after the other while the block runs; yield the names of those that the server has taken."""
    taken: list[str] = []
    stop = threading.Event()

    def write() -> None:
        with httpx.Client(base_url=server.url, auth=(person.login, person.password), trust_env=False) as client:
            while not stop.is_set():
                name = f"card-{len(taken)}.vcf"
                try:
                    answer = client.put(f"/{person.login}/contacts/{name}", content=factories.vcard(name), headers=CARD)
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    taken.append(name)

    thread = threading.Thread(target=write)
    thread.start()
    yield taken
    stop.set()
    thread.join()


def names(server: Server, person: Person) -> set[str]:
    """Return the names of the cards that a new device gets."""
    with httpx.Client(base_url=server.url, auth=(person.login, person.password), trust_env=False) as client:
        answer = client.request("PROPFIND", f"/{person.login}/contacts/", headers={"Depth": "1"})
        return {name for name in answer.text.replace("<", "/").split("/") if name.startswith("card-")}


@BOTH
def test_a_backup_is_put_back_after_the_server_was_killed_under_load(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """It has all that was there when it began, nothing that came when it was made, and every device begins anew."""
    anna = people.register(database, "anna")
    database.dispose()
    file = str(tmp_path / "saved" / "evercard.tar")
    Path(file).parent.mkdir()
    with Server(database_url, tmp_path) as server:
        with written_to(server, anna) as taken:
            while len(taken) < 5:
                threading.Event().wait(0.01)
            before = list(taken)
            assert start("backup", file, url=database_url).returncode == 0
            made = len(taken)
            while len(taken) < made + 5:
                threading.Event().wait(0.01)
            server.stop(at_once=True)
        assert start("restore", file, url=database_url).returncode == 0
        server.start()
        found = names(server, anna)
        assert set(before) <= found <= set(taken[: made + 1])
        assert "stop it first" in refusal("restore", file, url=database_url)
        assert names(server, anna) == found
    assert start("verify", url=database_url).returncode == 0


@BOTH
def test_what_was_given_out_after_the_backup_is_valid_no_more(anna: Command, database_url: str, tmp_path: Path) -> None:
    file = str(tmp_path / "evercard.tar")
    assert "Everything is in" in anna("backup", file)
    epochs = anna.json("verify")
    before = sync_tokens(database_url)
    let_go()
    assert start("restore", file, url=database_url).returncode == 0
    assert epochs["findings"] == []
    assert not set(sync_tokens(database_url)) & set(before)


def let_go() -> None:
    """Close what this process has open of the database, which is in use otherwise."""
    settings.database(settings.load(None)).dispose()


def sync_tokens(url: str) -> list[str]:
    """Return the sync tokens of all address books."""
    database = Database(url)
    try:
        with database.reading() as session:
            return [str(epoch) for epoch in session.scalars(select(AddressBook.epoch))]
    finally:
        database.dispose()


def test_a_backup_has_the_secret_and_the_configuration(database_url: str, tmp_path: Path) -> None:
    """Without them nobody could sign in. Who keeps them elsewhere says so."""
    (tmp_path / "secret").write_text("correct horse battery staple\n")
    configuration = tmp_path / "evercard.conf"
    configuration.write_text(
        f"[storage]\ntype = radicale_plugin.storage\ndatabase_url = {database_url}\nsecret_file = {tmp_path}/secret\n"
    )
    file = tmp_path / "evercard.tar"
    assert start("-C", str(configuration), "backup", str(file)).returncode == 0
    with tarfile.open(file) as archive:
        assert set(archive.getnames()) == {"evercard.json", "secret", "evercard.conf", "database"}
        secret = archive.extractfile("secret")
        assert secret is not None
        assert secret.read() == b"correct horse battery staple"
    assert "secret is not that of the backup" in refusal("restore", str(file), url=database_url)
    assert start("restore", str(file), "--other-secret", url=database_url).returncode == 0
    assert start("-C", str(configuration), "restore", str(file)).returncode == 0
    start("-C", str(configuration), "backup", "--without-secrets", str(file))
    with tarfile.open(file) as archive:
        assert set(archive.getnames()) == {"evercard.json", "database"}


@pytest.mark.parametrize("damage", ["gone", "rubbish", "rubbish beside", "cut short"])
def test_a_backup_is_put_back_over_whatever_is_left(
    anna: Command, database_url: str, tmp_path: Path, damage: str
) -> None:
    file, backup = Path(database_url.removeprefix("sqlite:///")), str(tmp_path / "evercard.tar")
    anna("backup", backup)
    let_go()
    if damage == "gone":
        file.unlink()
    elif damage == "rubbish":
        file.write_bytes(b"rubbish" * 1000)
    elif damage == "rubbish beside":
        file.with_name(file.name + "-wal").write_bytes(b"rubbish" * 1000)
    else:
        os.truncate(file, 20_000)
    ended = start("restore", backup, url=database_url)
    assert b"3 people restored and checked, 0 problems found." in ended.stdout, ended.stderr


@pytest.mark.parametrize("cut", [0, 5_000, 200_000])
def test_what_is_no_backup_changes_nothing(anna: Command, database_url: str, tmp_path: Path, cut: int) -> None:
    file = tmp_path / "evercard.tar"
    anna("backup", str(file))
    os.truncate(file, cut)
    refusal("restore", str(file), url=database_url)
    assert "3 people checked, 0 problems" in anna.run("verify").stderr
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_backup_of_a_newer_version_is_refused(anna: Command, tmp_path: Path) -> None:
    about = json.dumps({"format": 2, "engine": "sqlite"}).encode()
    with tarfile.open(tmp_path / "new.tar", "w") as archive:
        member = tarfile.TarInfo("evercard.json")
        member.size = len(about)
        archive.addfile(member, io.BytesIO(about))
    assert "newer version" in anna.error("restore", str(tmp_path / "new.tar"))


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_without_postgresqls_programs_that_is_said(database_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "EVERCARD_DATABASE_URL": database_url, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "radicale_plugin.cli", "backup", str(tmp_path / "x.tar")]
    ended = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=120)
    assert b"pg_dump is not installed here" in ended.stderr
    assert not (tmp_path / "x.tar").exists()


def test_what_cannot_be_written_leaves_what_was_there(anna: Command, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    file.write_text("the one before")
    (tmp_path / "empty.sqlite").write_bytes(b"")
    assert start("backup", str(file), url=f"sqlite:///{tmp_path / 'empty.sqlite'}").returncode == 1
    assert file.read_text() == "the one before"


def test_everything_that_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask: the database and what is beside it, backups, exports."""
    url = f"sqlite:///{tmp_path / 'evercard.sqlite'}"
    before = os.umask(0)
    try:
        start("migrate", url=url)
        start("user", "add", "anna", url=url)
        start("user", "export", "anna", "-o", str(tmp_path / "anna.zip"), url=url)
        start("profile", "export", "anna", "-o", str(tmp_path / "anna.vcf"), url=url)
        start("backup", str(tmp_path / "anna.tar"), url=url)
        database = Database(url)
        people.register(database, "bo")
        made = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
        database.dispose()
    finally:
        os.umask(before)
    assert made.keys() == {
        *("anna.zip", "anna.vcf", "anna.tar"),
        *("evercard.sqlite", "evercard.sqlite-wal", "evercard.sqlite-shm", "evercard.sqlite-queue"),
    }
    assert set(made.values()) == {0o600}


def test_a_database_that_others_could_read_is_closed_to_them(database_url: str) -> None:
    file = Path(database_url.removeprefix("sqlite:///"))
    file.chmod(0o644)
    start("migrate", url=database_url)
    assert file.stat().st_mode & 0o007 == 0


def test_a_command_that_writes_a_file_writes_it_whole_or_not_at_all(anna: Command, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "real.vcf").write_text("before")
    (tmp_path / "link.vcf").symlink_to("real.vcf")
    anna("profile", "export", "anna", "-o", str(tmp_path / "link.vcf"))
    assert (tmp_path / "link.vcf").is_symlink()
    assert "BEGIN:VCARD" in (tmp_path / "real.vcf").read_text()
    assert "BEGIN:VCARD" in start_to_pipe(anna)


def start_to_pipe(anna: Command) -> str:
    """Export to what is no file."""
    reading, writing = os.pipe()
    anna("profile", "export", "anna", "-o", f"/dev/fd/{writing}")
    os.close(writing)
    with os.fdopen(reading) as opened:
        return opened.read()
