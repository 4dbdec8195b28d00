"""A running server that the tests of a module share, and people who are new in each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from sync.database.engine import Database
from sync.fields import FieldContent, field_from_photo
from sync.profiles import profiles
from sync.sharing import grants, visibility
from tests.acceptance.clients.wire import Wire
from tests.support import dav, factories, people
from tests.support.people import Person
from tests.support.pictures import portrait
from tests.support.server import Server


@dataclass(frozen=True)
class Stage:
    """
    A running server, and two new people in it: *anna*, whose phones the test is about, and *ben*.

    Ben shows strangers the fields in *shown*, by kind, and has a mailbox and a note that nobody may see.
    """

    server: Server
    database: Database
    connections: httpx.Client
    anna: Person
    ben: Person
    shown: dict[str, int]
    wires: list[Wire] = field(default_factory=list)

    def wire(self, person: Person | None = None) -> Wire:
        """Connect a program that signs in as *person*, anna if nobody is named."""
        signed = person or self.anna
        self.wires.append(Wire(self.connections, signed.login, signed.password))
        return self.wires[-1]

    def give(self, owner: Person, kind: str, text: str, label: str = "") -> int:
        """Add a field that strangers may see to a profile, and return its id."""
        added = factories.field(self.database, owner.id, kind, text, label)
        self.grant(owner, added)
        return added

    def grant(self, owner: Person, *field_ids: int) -> None:
        """Let strangers see fields."""
        group = factories.strangers(self.database, owner.id)
        self.database.write(lambda session: grants.grant(session, owner.id, group, field_ids))

    def profile(self, owner: Person) -> dict[int, tuple[str, str]]:
        """Return the fields of a profile by their ids: kind, and the value of the property."""
        with self.database.reading() as session:
            found = visibility.fields_of(session, owner.id)
            contents = [(one.id, FieldContent.load(one.kind, one.content)) for one in found]
        return {number: (content.kind, content.main.value) for number, content in contents}

    def own(self) -> str:
        """Return the path of anna's own card."""
        return self.path_of(self.anna)

    def entry(self) -> str:
        """Return the path of ben's card in anna's address book."""
        return self.path_of(self.ben)

    def path_of(self, owner: Person) -> str:
        """Return the path of the owner's card in anna's address book."""
        return f"/{self.anna.login}/contacts/{factories.href_of(self.database, self.anna.id, owner.id)}"

    def served_to(self, viewer: Person, owner: Person, version: str = "3.0") -> str:
        """Return the owner's card as the viewer's devices get it."""
        found = factories.served(self.database, viewer.id, owner.id, version)
        assert found is not None
        return found.text


#: What nobody sees of ben.
HIDDEN = ("ben-secret@example.org", "Bens Geheimnis")
SHOWN = {
    "name": "Ben Beispiel",
    "mobile": "+49 151 5555 0100",
    "birthday": "1980-03-22",
    "qq": "10001234",
    "school": "TU Berlin",
    "bank-account": "6222 0000 0000 0199",
    "anniversary": "2009-08-08",
    "address": ";;Hauptstraße 1;Berlin;;10115;Germany",
    "url": "https://ben.example/",
}


@pytest.fixture(scope="module")
def _running(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Database]]:
    folder = tmp_path_factory.mktemp("running")
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'evercard.sqlite')}"
    with Server(url, folder) as server:
        database = Database(url)
        yield server, database
        database.dispose()


@pytest.fixture
def stage(_running: tuple[Server, Database]) -> Iterator[Stage]:
    """Connect two new people, who have what the kinds of fields have to say."""
    server, database = _running
    anna, ben = people.register(database), people.register(database)
    shown = {kind: factories.field(database, ben.id, kind, text) for kind, text in SHOWN.items()}
    face = field_from_photo(portrait(1))
    shown["photo"] = database.write(lambda session: profiles.add_field(session, ben.id, face))
    for kind, text in zip(("email", "note"), HIDDEN, strict=True):
        factories.field(database, ben.id, kind, text)
    factories.connect(database, anna.id, ben.id)
    with dav.http(server.url) as connections:
        made = Stage(server, database, connections, anna, ben, shown)
        made.grant(ben, *shown.values())
        yield made
    exchanges = [one for wire in made.wires for one in wire.exchanges if wire.login.lower() == anna.login]
    assert exchanges
    assert [one for one in exchanges for secret in HIDDEN if secret in one.text] == []
    assert [one for one in exchanges if one.status >= 500 and one.status != 507] == []
