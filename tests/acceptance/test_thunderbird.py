"""Thunderbird itself, without a display: its user works in the address book, and people change their profiles."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sync.calendars import feeds
from sync.revisions import address_books
from sync.sharing import connections, grants
from tests.acceptance.clients.wire import NAMESPACES, multistatus
from tests.acceptance.conftest import HIDDEN, SHOWN, Stage
from tests.acceptance.thunderbird.program import AddressBook, Failed, Thunderbird, Unavailable
from tests.support import factories, people
from tests.support.chromium import PortalServer
from tests.support.dav import ETAG
from tests.support.people import Person
from tests.support.pictures import portrait

BEN, MOBILE = SHOWN["name"], SHOWN["mobile"]
LISTING = f"<A:propfind {NAMESPACES}><A:prop><A:getetag/></A:prop></A:propfind>"


@pytest.fixture(scope="module")
def thunderbird(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Thunderbird]:
    """Yield a Thunderbird that runs; the tests are skipped where there is none, and fail where CI=true."""
    try:
        prepared = Thunderbird(tmp_path_factory.mktemp("thunderbird"))
    except Unavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with prepared as running:
        yield running


@dataclass
class Desk:
    """A Thunderbird, and the accounts of people on *stage* that were added to it."""

    thunderbird: Thunderbird
    stage: Stage
    accounts: list[tuple[Person, AddressBook]] = field(default_factory=list)

    def open(self, person: Person) -> AddressBook:
        """Add the account of a person."""
        book = self.thunderbird.add_account(f"{self.stage.server.url}/", person.login, person.password)
        self.accounts.append((person, book))
        return book

    def say(self, kind: str, text: str) -> None:
        """Let ben change what a field of his says."""
        factories.set_field(self.stage.database, self.stage.ben.id, self.stage.shown[kind], text, kind)

    def take_back(self, *kinds: str) -> None:
        """Let ben show these fields no longer."""
        group = factories.strangers(self.stage.database, self.stage.ben.id)
        taken = [self.stage.shown[kind] for kind in kinds]
        self.stage.database.write(lambda session: grants.take_back(session, self.stage.ben.id, group, taken))

    @contextmanager
    def without_server(self) -> Iterator[None]:
        """Have no server inside the block."""
        self.stage.server.stop()
        try:
            yield
        finally:
            self.stage.server.start()


@pytest.fixture
def desk(thunderbird: Thunderbird, stage: Stage) -> Iterator[Desk]:
    """
    Yield the Thunderbird with no account in it.

    In the end Thunderbird, having synchronized, has just what the server has, and was never told what is hidden.
    """
    desk = Desk(thunderbird, stage)
    yield desk
    for person, book in desk.accounts:
        book.synchronize()
        here = {contact.href: contact.etag for contact in book.contacts.values()}
        path = f"/{person.login}/contacts/"
        there, _ = multistatus(stage.wire(person).send("PROPFIND", path, LISTING, {"Depth": "1"}))
        assert here == {href: found.text(ETAG) for href, found in there.items() if href != path}
        if person == stage.anna:
            cards = "".join(contact.vcard for contact in book.contacts.values())
            assert [secret for secret in HIDDEN if secret in cards] == []
        book.discard()


def test_the_server_s_address_is_enough_and_what_changes_there_arrives(desk: Desk) -> None:
    """Thunderbird finds the one address book, which is writable, fills it with what was granted, and follows."""
    stage = desk.stage
    desk.take_back("photo")
    book = desk.open(stage.anna)
    at = f"{stage.server.url}/{stage.anna.login}/contacts/"
    assert (book.name, book.url, book.read_only) == ("Contacts", at, False)
    assert set(book.contacts) == {stage.anna.login, BEN}
    shown = book.contact(BEN)
    assert (shown.all("tel"), shown.all("bday"), shown.photo) == ([MOBILE], [SHOWN["birthday"]], "")

    desk.say("mobile", "+49 151 5555 0111")
    stage.grant(stage.ben, stage.shown["photo"])
    book.synchronize()
    assert book.contact(BEN).all("tel") == ["+49 151 5555 0111"]
    kind, _, data = book.contact(BEN).photo.partition(",")
    assert kind == "data:image/jpeg;base64"
    assert base64.b64decode(data) == portrait(1)

    desk.say("name", "Ben Neumann")
    carl = people.register(stage.database)
    factories.connect(stage.database, stage.anna.id, carl.id)
    book.synchronize()
    assert set(book.contacts) == {stage.anna.login, "Ben Neumann", carl.login}

    stage.database.write(lambda session: connections.disconnect(session, stage.anna.id, carl.id))
    book.synchronize()
    assert set(book.contacts) == {stage.anna.login, "Ben Neumann"}

    before, token = book.contacts, book.token
    book.synchronize()
    assert (book.contacts, book.token) == (before, token)


def test_one_s_own_card_is_the_profile_and_reaches_the_others(desk: Desk) -> None:
    """What Anna changes there changes her profile, and Ben's Thunderbird sees of it what he may see."""
    stage, said = desk.stage, {"name": "Anna Chen", "mobile": "+86 138 0013 8000", "bank-account": "6222 0000 0138"}
    fields = {kind: stage.give(stage.anna, kind, text) for kind, text in said.items()}
    fields["school"] = factories.field(stage.database, stage.anna.id, "school", "Tsinghua")
    hers, his = desk.open(stage.anna), desk.open(stage.ben)
    assert his.contact("Anna Chen").all("tel") == [said["mobile"]]

    changes = (
        ("tel", said["mobile"], "+86 139 0000 1234"),
        ("email", "", "anna@example.org"),
        ("note", "", "ring; do not write"),
    )
    hers.edit(hers.contact("Anna Chen"), *changes)
    expected = {fields[kind]: text for kind, text in {**said, "mobile": changes[0][2], "school": "Tsinghua"}.items()}
    profile = {number: value for number, (_, value) in stage.profile(stage.anna).items()}
    assert {number: profile.pop(number) for number in expected} == expected
    assert set(profile.values()) == {"anna@example.org", "ring; do not write"}

    his.synchronize()
    seen = his.contact("Anna Chen")
    assert (seen.all("tel"), seen.all("email"), seen.all("note")) == (["+86 139 0000 1234"], [], [])
    assert (seen.all("x-abrelatednames"), seen.all("x-ablabel")) == (["6222 0000 0138"], ["Bank account"])

    hers.edit(hers.contact("Anna Chen"), ("nickname", "", "Annie"), ("email", "anna@example.org", ""))
    profile = {number: value for number, (_, value) in stage.profile(stage.anna).items()}
    assert {number: profile.pop(number) for number in expected} == expected
    assert set(profile.values()) == {"Annie", "ring; do not write"}


def test_what_is_added_to_somebody_s_card_stays_and_their_changes_arrive(desk: Desk) -> None:
    """What Anna adds to Ben's card is hers alone, what she overwrites of it stays Ben's, and his change comes."""
    stage = desk.stage
    book, his = desk.open(stage.anna), desk.open(stage.ben)
    added = (("note", "", "met in Rome; likes tea"), ("tel", "", "+39 06 5555 0100"), ("nickname", "", "Benny"))
    book.edit(book.contact(BEN), *added)
    assert set(book.contact(BEN).all("tel")) == {MOBILE, "+39 06 5555 0100"}
    assert book.contact(BEN).all("nickname") == ["Benny"]
    note = "NOTE:met in Rome\\; likes tea\r\n"
    assert note in stage.served_to(stage.anna, stage.ben)

    desk.say("mobile", "+49 151 5555 0111")
    book.synchronize()
    assert set(book.contact(BEN).all("tel")) == {"+49 151 5555 0111", "+39 06 5555 0100"}

    # Once more, with everything that came: nothing doubles, and no backslash is added to the note.
    book.edit(book.contact(BEN), ("nickname", "Benny", "Benno"))
    before = {name: value for name, value in book.contact(BEN).values if name not in ("rev", "nickname")}
    assert sorted(book.contact(BEN).all("tel")) == ["+39 06 5555 0100", "+49 151 5555 0111"]
    assert note in stage.served_to(stage.anna, stage.ben)

    book.edit(book.contact(BEN), ("tel", "+49 151 5555 0111", "+49 000"), ("fn", BEN, "Somebody else"))
    assert set(book.contacts) == {stage.anna.login, BEN}
    assert {"+49 151 5555 0111", "+39 06 5555 0100"} < set(book.contact(BEN).all("tel"))
    after = {name: value for name, value in book.contact(BEN).values if name not in ("rev", "nickname")}
    assert {**before, "tel": ""} == {**after, "tel": ""}

    his.synchronize()
    everything = "".join(contact.vcard for contact in his.contacts.values())
    assert [word for word in ("Rome", "+39", "Benn", "+49 000", "Somebody") if word in everything] == []
    assert {value for _, value in stage.profile(stage.ben).values()} >= {BEN, "+49 151 5555 0111", *HIDDEN}


def test_what_is_taken_back_goes_even_after_an_edit(desk: Desk) -> None:
    """Thunderbird sends back whole cards, also with what was taken back meanwhile; that does not come again."""
    stage = desk.stage
    book = desk.open(stage.anna)
    book.edit(book.contact(BEN), ("note", "", "met in Rome"))
    desk.take_back("mobile", "birthday", "photo", "bank-account", "qq")

    # Not yet synchronized, it still has all that, and sends it.
    assert book.contact(BEN).all("tel") == [MOBILE]
    book.edit(book.contact(BEN), ("nickname", "", "Benny"))
    for _ in range(2):
        shown = book.contact(BEN)
        assert (shown.all("note"), shown.all("nickname")) == (["met in Rome"], ["Benny"])
        assert (shown.all("tel"), shown.all("bday"), shown.all("impp"), shown.photo) == ([], [], [], "")
        served = stage.served_to(stage.anna, stage.ben)
        for kind in ("mobile", "birthday", "bank-account", "qq"):
            assert SHOWN[kind] not in shown.vcard
            assert SHOWN[kind] not in served
        book.synchronize()

    stage.grant(stage.ben, stage.shown["mobile"])
    book.synchronize()
    assert book.contact(BEN).all("tel") == [MOBILE]


def test_contacts_of_one_s_own_come_and_go_and_deleting_somebody_s_card_hides_it(desk: Desk) -> None:
    stage = desk.stage
    book, his = desk.open(stage.anna), desk.open(stage.ben)
    book.create(("fn", "", "Zoë Zimmer"), ("email", "", "zoe@example.org"))
    private = book.contact("Zoë Zimmer")
    assert private.href == f"/{stage.anna.login}/contacts/{private.uid}.vcf"
    # It writes in vCard 4.0, which is kept, and what it wrote is served to it as it is.
    kept = {entry.href: entry.text for entry in factories.contents(stage.database, stage.anna.id, "4.0")}
    assert "VERSION:4.0\r\n" in kept[f"{private.uid}.vcf"]
    assert "VERSION:4.0\r\n" in private.vcard
    book.edit(private, ("email", "zoe@example.org", "zimmer@example.org"))
    assert book.contact("Zoë Zimmer").all("email") == ["zimmer@example.org"]
    his.synchronize()
    assert set(his.contacts) == {stage.anna.login, BEN}

    book.remove(book.contact("Zoë Zimmer"))
    book.remove(book.contact(BEN))
    book.synchronize()
    assert set(book.contacts) == {stage.anna.login}
    assert len(factories.contents(stage.database, stage.anna.id)) == 1
    with stage.database.reading() as session:
        assert connections.is_connected(session, stage.ben.id, stage.anna.id)

    stage.database.write(lambda session: connections.show(session, stage.anna.id, stage.ben.id))
    book.synchronize()
    assert set(book.contacts) == {stage.anna.login, BEN}


@pytest.mark.parametrize("how", ["a backup was put back", "the token is somebody else's", "the token is no token"])
def test_an_unknown_token_makes_it_start_again_and_loses_nothing(desk: Desk, how: str) -> None:
    """Everything comes that it missed, also that something is gone, and what was added to a card is still there."""
    stage = desk.stage
    book = desk.open(stage.anna)
    book.edit(book.contact(BEN), ("note", "", "met in Rome"))
    for name in ("Old Friend", "New Friend"):
        book.create(("fn", "", name))
    old = book.contact("Old Friend").href.rpartition("/")[2]
    book.synchronize()

    desk.say("mobile", "+49 151 5555 0111")
    factories.delete(stage.database, stage.anna.id, old)
    if how == "a backup was put back":
        stage.database.write(address_books.begin_new_epoch)
    elif how == "the token is somebody else's":
        book.token = factories.book(stage.database, stage.ben.id).sync_token
    else:
        book.token = "http://example.org/ns/sync/1234"
    refused = book.token

    book.synchronize()
    assert set(book.contacts) == {stage.anna.login, BEN, "New Friend"}
    assert book.contact(BEN).all("tel") == ["+49 151 5555 0111"]
    assert book.contact(BEN).all("note") == ["met in Rome"]
    assert book.token == factories.book(stage.database, stage.anna.id).sync_token != refused

    desk.say("mobile", "+49 151 5555 0122")
    book.synchronize()
    assert book.contact(BEN).all("tel") == ["+49 151 5555 0122"]


def test_what_is_done_while_the_server_is_away_arrives_later(desk: Desk) -> None:
    """An edit, a new contact and a deletion that met no server are sent when Thunderbird synchronizes again."""
    stage = desk.stage
    book = desk.open(stage.anna)
    book.create(("fn", "", "Old Friend"))
    with desk.without_server():
        with pytest.raises(Failed, match="Connection error"):
            book.edit(book.contact(BEN), ("note", "", "met in Rome"))
        with pytest.raises(Failed, match="Connection error"):
            book.create(("fn", "", "New Friend"))
        book.remove(book.contact("Old Friend"))
        desk.say("mobile", "+49 151 5555 0111")

    book.synchronize()
    assert set(book.contacts) == {stage.anna.login, BEN, "New Friend"}
    assert book.contact(BEN).all("tel") == ["+49 151 5555 0111"]
    assert "NOTE:met in Rome\r\n" in stage.served_to(stage.anna, stage.ben)
    kept = "".join(entry.text for entry in factories.contents(stage.database, stage.anna.id))
    assert [name in kept for name in ("New Friend", "Old Friend")] == [True, False]


def test_days_on_cards_are_in_its_calendar_as_long_as_they_are_granted(desk: Desk, tmp_path: Path) -> None:
    """Subscribed by the secret address alone; a day that is taken back is gone when it is fetched again."""
    stage, thunderbird = desk.stage, desk.thunderbird
    desk.open(stage.anna)
    _, secret = stage.database.write(lambda session: feeds.create(session, stage.anna.id, "laptop", "en"))
    birthday, wedding = ["Ben Beispiel’s birthday", "20270322", True], ["Ben Beispiel: Anniversary", "20270808", True]
    with PortalServer(stage.database.url.render_as_string(hide_password=False), tmp_path) as portal:
        calendar = thunderbird.do("subscribe", f"{portal.url}/.web/calendars/{secret}.ics")
        try:
            assert sorted(thunderbird.do("days", calendar, "20270101", "20280101")) == sorted([birthday, wedding])
            desk.take_back("birthday")
            thunderbird.do("reload", calendar)
            assert thunderbird.do("days", calendar, "20270101", "20280101") == [wedding]
        finally:
            thunderbird.do("unsubscribe", calendar)
