"""Vdirsyncer, as a program of its own, keeps a folder of files and an address book the same, both ways."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.database.engine import Database
from sync.revisions import address_books
from sync.sharing import grants
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

    def file_of(self, name: str) -> Path:
        """Return the one file with the card of somebody of this name."""
        (found,) = [path for path in self.cards.glob("*.vcf") if f"FN:{name}\r\n".encode() in path.read_bytes()]
        return found

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
        assert "555 0199" not in "".join(vdir.files().values())
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


@ON_SQLITE
def test_edited_files_become_a_profile_and_additions(synced: tuple[Vdirsyncer, Person], database: Database) -> None:
    """The own card's file is the profile; what was added to another stays one's own, and the rest follows its owner."""
    vdir, ben = synced
    anna = vdir.person
    mobiles = []
    for owner, name in ((anna, "Anna Alt"), (ben, "Ben Beispiel")):
        shown = [factories.field(database, owner.id, "name", name), factories.field(database, owner.id)]
        grant(database, owner, shown)
        mobiles.append(shown[1])
    vdir.run("discover")
    vdir.run("sync")

    replaced(vdir.file_of("Anna Alt"), "+86 138 0013 8000", "+49 555 0100")
    added(vdir.file_of("Anna Alt"), "NOTE:call after ten")
    added(vdir.file_of("Ben Beispiel"), "NOTE:met in Berlin")
    assert vdir.sent(vdir.run("sync")) == ["PUT"]
    assert factories.seen(database, ben.id, anna.id) == {"+49 555 0100"}
    assert factories.seen(database, anna.id, anna.id) == {"+49 555 0100", "call after ten"}
    assert factories.seen(database, anna.id, ben.id) == {"+86 138 0013 8000", "met in Berlin"}
    assert factories.seen(database, ben.id, ben.id) == {"+86 138 0013 8000"}

    # What the server made of the files comes with the next run.
    assert [vdir.sent(vdir.run("sync")) for _ in range(2)] == [["REPORT"], []]
    factories.set_field(database, ben.id, mobiles[1], "+49 555 0200")
    vdir.run("sync")
    text = vdir.file_of("Ben Beispiel").read_text()
    assert ("+49 555 0200" in text, "met in Berlin" in text) == (True, True)
    group = factories.strangers(database, ben.id)
    database.write(lambda session: grants.take_back(session, ben.id, group, [mobiles[1]]))
    vdir.run("sync")
    text = vdir.file_of("Ben Beispiel").read_text()
    assert ("TEL" in text, "met in Berlin" in text) == (False, True)

    before = vdir.files()
    database.write(address_books.begin_new_epoch)
    assert vdir.sent(vdir.run("sync")) == []
    assert vdir.files() == before

    vdir.file_of("Ben Beispiel").unlink()
    vdir.run("sync")
    assert factories.served(database, anna.id, ben.id) is None


def grant(database: Database, owner: Person, field_ids: list[int]) -> None:
    """Let anybody see fields."""
    group = factories.strangers(database, owner.id)
    database.write(lambda session: grants.grant(session, owner.id, group, field_ids))


def replaced(file: Path, old: str, new: str) -> None:
    """Edit a file."""
    text = file.read_bytes().decode()
    assert old in text
    file.write_bytes(text.replace(old, new).encode())


def added(file: Path, line: str) -> None:
    """Add a line to the card in a file."""
    replaced(file, "END:VCARD", f"{line}\r\nEND:VCARD")
