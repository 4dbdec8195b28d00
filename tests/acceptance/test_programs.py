"""
Real clients, each as it is, with a running server: what their users do, and what the others get to see of it.

Evolution is its address book service with everything but the window. Tsdav is the library that programs in JavaScript
use, once asking for changes by sync token and once by ctag and listing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync import verification
from sync.database.engine import Database
from sync.fields import FieldContent
from sync.revisions import address_books
from sync.sharing import grants, visibility
from tests.acceptance.programs import Contacts, Evolution, Program, Tsdav, Unavailable
from tests.support import factories, people
from tests.support.people import Person
from tests.support.server import Server

STARTS: dict[str, Callable[[Path], Program]] = {
    "evolution": Evolution,
    "tsdav by token": lambda folder: Tsdav(folder, "webdav"),
    "tsdav by ctag": lambda folder: Tsdav(folder, "basic"),
}
ANNAS, BENS = "+49 555 1000111", "+49 555 2000222"
CHANGED = "+49 555 3000333"
HIDDEN = ("+49 555 0199 0199", "Bens Geheimnis")


@dataclass(frozen=True)
class Scene:
    """
    *anna* sits at the *program*, whose account is set up and up to date; she is connected to *ben*.

    Both show anybody their name and their mobile number; *fields* has them as ``anna's name`` and so on. Ben has a
    home phone and a note that nobody may see. *own* and *other* are the UIDs of their cards in her address book.
    """

    program: Program
    database: Database
    anna: Person
    ben: Person
    fields: dict[str, int]
    own: str
    other: str

    def profile(self, owner: Person) -> dict[int, tuple[str, str]]:
        """Return the fields of a profile by their ids: kind, and value as written."""
        with self.database.reading() as session:
            found = visibility.fields_of(session, owner.id)
            contents = [(one.id, FieldContent.load(one.kind, one.content)) for one in found]
        return {number: (content.kind, content.main.value) for number, content in contents}

    def served(self, viewer: Person) -> list[str]:
        """Return every card that the viewer's devices are served, as text."""
        return [entry.text for entry in factories.contents(self.database, viewer.id)]

    def values(self, viewer: Person, owner: Person, name: str) -> list[str]:
        """Return what the owner's card says under the name of a property to the viewer's devices."""
        entry = factories.served(self.database, viewer.id, owner.id)
        assert entry is not None
        return factories.values_in(entry.text, name)


@pytest.fixture(scope="module")
def running(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Database]]:
    """Yield a server that the tests of this module share."""
    folder = tmp_path_factory.mktemp("running")
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'evercard.sqlite')}"
    with Server(url, folder) as server:
        database = Database(url)
        yield server, database
        database.dispose()


@pytest.fixture(params=STARTS)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """Yield each client, just started; the test is skipped where it is not installed, and fails where CI=true."""
    try:
        started = STARTS[request.param](tmp_path)
    except Unavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with started:
        yield started


@pytest.fixture
def scene(running: tuple[Server, Database], program: Program) -> Iterator[Scene]:
    """Connect two new people, set up the account of one, and check in the end that the database keeps every promise."""
    server, database = running
    anna, ben = people.register(database), people.register(database)
    fields: dict[str, int] = {}
    for who, person, name, mobile in (("anna", anna, "Anna Alt", ANNAS), ("ben", ben, "Ben Beispiel", BENS)):
        named = factories.field(database, person.id, "name", name)
        called = factories.field(database, person.id, "mobile", mobile)
        fields |= {f"{who}'s name": named, f"{who}'s mobile": called}
        show(database, person, named, called)
    for kind, text in zip(("home-phone", "note"), HIDDEN, strict=True):
        factories.field(database, ben.id, kind, text)
    factories.connect(database, anna.id, ben.id)
    uids = []
    for owner in (anna, ben):
        entry = factories.served(database, anna.id, owner.id)
        assert entry is not None
        uids += factories.values_in(entry.text, "UID")
    assert program.set_up(f"{server.url}/", anna) == ["Contacts"]
    program.synchronized(lambda shown: set(shown) == set(uids))
    yield Scene(program, database, anna, ben, fields, *uids)
    assert [word for word in HIDDEN for card in program.contacts().values() if word in str(card)] == []
    with database.reading() as session:
        assert list(verification.findings(session)) == []


def test_the_address_of_the_server_is_enough(scene: Scene) -> None:
    """The one address book is found and its two cards come, with what may be seen and nothing else."""
    shown = scene.program.contacts()
    said = {uid: (card["FN"], card.get("TEL"), card.get("NOTE")) for uid, card in shown.items()}
    assert said == {
        scene.own: (["Anna Alt"], [ANNAS], None),
        scene.other: (["Ben Beispiel"], [BENS], None),
    }


def test_a_change_arrives_and_what_is_taken_back_goes(scene: Scene) -> None:
    factories.set_field(scene.database, scene.ben.id, scene.fields["ben's mobile"], CHANGED)
    scene.program.synchronized(lambda shown: shown[scene.other].get("TEL") == [CHANGED])
    take_back(scene)
    shown = scene.program.synchronized(lambda shown: "TEL" not in shown[scene.other])
    assert shown[scene.other]["FN"] == ["Ben Beispiel"]


def test_who_edits_their_own_card_edits_their_profile(scene: Scene) -> None:
    """A changed field stays the same field, so that the others follow; a new one is shown to nobody."""
    scene.program.edit(scene.own, {"mobile": CHANGED, "note": "call after ten"})
    shown = scene.program.synchronized(lambda shown: shown[scene.own].get("NOTE") == ["call after ten"])
    assert shown[scene.own]["TEL"] == [CHANGED]
    profile = scene.profile(scene.anna)
    assert profile.pop(scene.fields["anna's name"]) == ("name", "Anna Alt")
    assert profile.pop(scene.fields["anna's mobile"]) == ("mobile", CHANGED)
    assert list(profile.values()) == [("note", "call after ten")]
    assert scene.values(scene.ben, scene.anna, "TEL") == [CHANGED]
    assert [card for card in scene.served(scene.ben) for old in ("call after ten", "1000111") if old in card] == []


def test_what_is_written_into_somebody_else_s_card_is_the_writer_s_alone(scene: Scene) -> None:
    """It stays when the owner changes the card, and when something is taken back, which goes."""
    before = scene.profile(scene.ben)
    scene.program.edit(scene.other, {"note": "met in Berlin"})
    noted = ["met in Berlin"]
    scene.program.synchronized(lambda shown: shown[scene.other].get("NOTE") == noted)
    assert scene.values(scene.anna, scene.ben, "NOTE") == noted
    assert scene.profile(scene.ben) == before
    assert "met in Berlin" not in "".join(scene.served(scene.ben))

    factories.set_field(scene.database, scene.ben.id, scene.fields["ben's mobile"], CHANGED)
    shown = scene.program.synchronized(lambda shown: shown[scene.other].get("TEL") == [CHANGED])
    assert shown[scene.other]["NOTE"] == noted

    scene.program.edit(scene.other, {"note": "met in Bonn"})
    scene.program.synchronized(lambda shown: shown[scene.other].get("NOTE") == ["met in Bonn"])
    take_back(scene)
    shown = scene.program.synchronized(lambda shown: "TEL" not in shown[scene.other])
    assert shown[scene.other]["NOTE"] == ["met in Bonn"]
    assert scene.values(scene.anna, scene.ben, "TEL") == []


def test_a_contact_of_one_s_own_is_made_changed_and_deleted(scene: Scene) -> None:
    """Nobody else hears of it."""
    ben_s = scene.served(scene.ben)
    uid = scene.program.add({"name": "Clara Neu", "mobile": "+49 555 4"})
    shown = scene.program.synchronized(lambda shown: uid in shown)
    assert (shown[uid]["FN"], shown[uid]["TEL"]) == (["Clara Neu"], ["+49 555 4"])
    assert len(scene.served(scene.anna)) == 3
    scene.program.edit(uid, {"note": "from the fair"})
    scene.program.synchronized(lambda shown: shown[uid].get("NOTE") == ["from the fair"])
    assert sum("from the fair" in card for card in scene.served(scene.anna)) == 1
    scene.program.remove(uid)
    scene.program.synchronized(lambda shown: set(shown) == {scene.own, scene.other})
    assert len(scene.served(scene.anna)) == 2
    assert scene.served(scene.ben) == ben_s


def test_a_deleted_connection_is_hidden(scene: Scene) -> None:
    """The card goes from the address book of who deleted it; the owner keeps theirs, and the connection."""
    ben_s = scene.served(scene.ben)
    scene.program.remove(scene.other)
    scene.program.synchronized(lambda shown: set(shown) == {scene.own})
    assert factories.served(scene.database, scene.anna.id, scene.ben.id) is None
    assert scene.served(scene.ben) == ben_s


def test_a_client_recovers_from_a_token_that_the_server_does_not_know(scene: Scene) -> None:
    """After a backup was put back it starts again by itself: what changed comes, what went goes, the rest stays."""
    kept = scene.program.add({"name": "Clara Neu", "mobile": "+49 555 4"})
    gone = scene.program.add({"name": "Dora Weg", "mobile": "+49 555 4"})
    scene.program.synchronized(lambda shown: {kept, gone} <= set(shown))
    href = next(entry.href for entry in factories.contents(scene.database, scene.anna.id) if "Dora" in entry.text)
    factories.delete(scene.database, scene.anna.id, href)
    scene.database.write(address_books.begin_new_epoch)
    factories.set_field(scene.database, scene.ben.id, scene.fields["ben's mobile"], CHANGED)
    shown = scene.program.synchronized(lambda shown: shown[scene.other].get("TEL") == [CHANGED])
    assert set(shown) == {scene.own, scene.other, kept}
    assert said(shown) == served(scene)
    factories.set_field(scene.database, scene.ben.id, scene.fields["ben's name"], "Ben Neumann", "name")
    shown = scene.program.synchronized(lambda shown: shown[scene.other].get("FN") == ["Ben Neumann"])
    assert said(shown) == served(scene)


@pytest.mark.parametrize("program", ["tsdav by token"], indirect=True)
def test_a_token_that_was_never_given_out_is_refused_so_that_tsdav_understands(scene: Scene) -> None:
    """It starts again once, has everything, and goes on from there."""
    assert isinstance(scene.program, Tsdav)
    scene.program.forget("data:,not-a-token")
    assert scene.program.ask("refresh") == "started again"
    assert said(scene.program.contacts()) == served(scene)
    assert scene.program.ask("refresh") == "went on"


def show(database: Database, owner: Person, *field_ids: int) -> None:
    """Let anybody see fields."""
    group = factories.strangers(database, owner.id)
    database.write(lambda session: grants.grant(session, owner.id, group, field_ids))


def take_back(scene: Scene) -> None:
    """Let ben show his number to nobody any more."""
    group = factories.strangers(scene.database, scene.ben.id)
    mobile = scene.fields["ben's mobile"]
    scene.database.write(lambda session: grants.take_back(session, scene.ben.id, group, [mobile]))


def said(shown: Contacts) -> dict[str, list[list[str]]]:
    """Return what is in each contact under the names that matter to people."""
    return {uid: [sorted(card.get(name, [])) for name in ("FN", "TEL", "NOTE")] for uid, card in shown.items()}


def served(scene: Scene) -> dict[str, list[list[str]]]:
    """Return the same of what the server has for anna."""
    texts = scene.served(scene.anna)
    names = ("FN", "TEL", "NOTE")
    return {
        factories.values_in(text, "UID")[0]: [sorted(factories.values_in(text, name)) for name in names]
        for text in texts
    }
