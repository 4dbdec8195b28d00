"""Vdirsyncer, as a program of its own, keeps a folder of files and an address book the same, both ways."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync import grants
from sync.database import Database
from tests.support import dav, factories, people
from tests.support.people import Person
from tests.support.server import Server
from tests.support.site import ON_SQLITE

_CONFIGURATION = """
[general]
status_path = "{folder}/status/"
[pair book]
a = "folder"
b = "server"
collections = ["contacts"]
[storage folder]
type = "filesystem"
path = "{folder}/cards/"
fileext = ".vcf"
[storage server]
type = "carddav"
url = "{url}"
username = "{login}"
password = "{password}"
"""


@dataclass(frozen=True)
class Vdirsyncer:
    """One installation: its *folder*, and the *server* it talks to as *person*."""

    folder: Path
    server: Server
    person: Person

    def run(self, *arguments: str) -> str:
        """Run a command of it, answer yes to everything, and return what it says."""
        configuration = self.folder / "config"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder, url=self.server.url, login=self.person.login, password=self.person.password
            )
        )
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        ended = subprocess.run(
            [Path(sys.executable).with_name("vdirsyncer"), "-vdebug", "-c", configuration, *arguments],
            input="y\n" * 20,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**environment, "HOME": str(self.folder)},
        )
        said = ended.stdout + ended.stderr
        assert ended.returncode == 0, said
        return said

    @property
    def cards(self) -> Path:
        """Where the files are."""
        return self.folder / "cards" / "contacts"

    def files(self) -> dict[str, str]:
        """Return every file by its name."""
        return {path.name: path.read_bytes().decode() for path in self.cards.glob("*.vcf")}

    def sent(self, said: str) -> list[str]:
        """Return the methods other than reading ones that the run sent."""
        return [method for method in ("PUT", "DELETE", "MKCOL", "POST", "REPORT") if f"{method} http" in said]


@pytest.fixture
def synced(database_url: str, database: Database, tmp_path: Path) -> Iterator[tuple[Vdirsyncer, Person]]:
    """Yield a vdirsyncer of anna's before its first run, and ben, to whom she is connected."""
    anna, ben = people.register(database, "anna"), people.register(database, "ben")
    factories.connect(database, anna.id, ben.id)
    folder = tmp_path / "vdirsyncer"
    folder.mkdir()
    with Server(database_url, tmp_path) as server:
        yield Vdirsyncer(folder, server, anna), ben


@ON_SQLITE
def test_a_folder_and_an_address_book_are_kept_the_same(synced: tuple[Vdirsyncer, Person], database: Database) -> None:
    """Cards come, changes follow, a new file goes and stays, a deleted one goes, and what is the same is left alone."""
    vdir, ben = synced
    shown = factories.field(database, ben.id, "name", "Ben Beispiel")
    factories.field(database, ben.id, "mobile", "+49 555 0199")
    group = factories.strangers(database, ben.id)
    database.write(lambda session: grants.grant(session, ben.id, group, [shown]))

    assert "contacts" in vdir.run("discover")
    vdir.run("sync")
    with dav.http(vdir.server.url) as connections:
        anna = dav.Client(connections, "anna", vdir.person.password)
        served = {href: anna.get(href).text for href in anna.listing()}
        assert sorted(vdir.files().values()) == sorted(text or "" for text in served.values())
        assert len(served) == 2
        assert any("FN:Ben Beispiel\r\n" in text for text in vdir.files().values())
        assert "0199" not in "".join(vdir.files().values())
        assert vdir.sent(vdir.run("sync")) == []

        factories.set_field(database, ben.id, shown, "Ben Neumann", "name")
        vdir.run("sync")
        assert any("FN:Ben Neumann\r\n" in text for text in vdir.files().values())
        assert not any("Beispiel" in text for text in vdir.files().values())

        own = factories.vcard("made-here", "NOTE:one\\, two", "URL:http://example.org/a,b", name="Made Here")
        (vdir.cards / "made-here.vcf").write_bytes(own)
        assert "PUT" in vdir.sent(vdir.run("sync"))
        stored = [href for href in anna.listing() if anna.get(href).text == own.decode()]
        assert len(stored) == 1
        assert vdir.files()["made-here.vcf"] == own.decode()

        (vdir.cards / "made-here.vcf").write_bytes(own.replace(b"Made Here", b"Changed Here"))
        vdir.run("sync")
        assert anna.get(stored[0]).text == own.replace(b"Made Here", b"Changed Here").decode()
        assert vdir.sent(vdir.run("sync")) == []

        (vdir.cards / "made-here.vcf").unlink()
        assert "DELETE" in vdir.sent(vdir.run("sync"))
        assert stored[0] not in anna.listing()

        anna.put("/anna/contacts/made-there.vcf", factories.vcard("made-there").decode())
        vdir.run("sync")
        assert factories.vcard("made-there").decode() in vdir.files().values()
        anna.delete("/anna/contacts/made-there.vcf")
        vdir.run("sync")
        assert sorted(vdir.files().values()) == sorted(anna.get(href).text or "" for href in anna.listing())
        assert vdir.sent(vdir.run("sync")) == []
