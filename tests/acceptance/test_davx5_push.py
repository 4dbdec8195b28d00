"""DAVx5 is told of a change by its push service, while the server and its worker run as they do for people."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.database.engine import Database
from sync.revisions.shared_states import WRITER, path_of
from sync.shared_books import books
from sync.sharing import grants
from sync.sign_in import credentials
from tests.acceptance.clients import lines
from tests.acceptance.clients.davx5 import DAVx5, Local
from tests.acceptance.clients.davx5_cards import Contact
from tests.acceptance.clients.davx5_user import added, book_of, installed, synced
from tests.acceptance.clients.wire import Wire
from tests.support import clubs, dav, factories, people
from tests.support.people import Person
from tests.support.push_service import PushService, Received, Subscriber, push_service
from tests.support.server import Server
from tests.support.subscribing import device_of, rows
from tests.support.waiting import until


@dataclass
class Phone:
    """Anna's phone with its push service, and Ben, whose number she sees, which is the field *number*."""

    davx5: DAVx5
    service: PushService
    subscriber: Subscriber
    database: Database
    anna: Person
    ben: Person
    number: int

    def heard(self, number: int) -> list[Received]:
        """Wait until so many messages came, and return them."""
        until(lambda: len(self.service.of(self.subscriber)) >= number)
        return self.service.of(self.subscriber)

    def quiet(self) -> None:
        """See that nothing more comes."""
        before = self.service.asked
        time.sleep(2)
        assert self.service.asked == before


@pytest.fixture(scope="module")
def running(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Database]]:
    """A server that tells devices of changes."""
    folder = tmp_path_factory.mktemp("push")
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, folder / 'evercard.sqlite')}"
    with Server(url, folder, options={"base_url": "http://127.0.0.1", "push_allow_local": "True"}) as server:
        database = Database(url)
        yield server, database
        database.dispose()


@pytest.fixture
def phone(running: tuple[Server, Database]) -> Iterator[Phone]:
    """A phone that is set up, has synchronized, and is registered."""
    server, database = running
    anna, ben = people.register(database), people.register(database)
    factories.connect(database, anna.id, ben.id)
    number = factories.field(database, ben.id, "mobile", "+49 555 0100")
    group = factories.strangers(database, ben.id)
    database.write(lambda session: grants.grant(session, ben.id, group, [number]))
    with push_service() as service, dav.http(server.url) as connections:
        davx5 = installed(Wire(connections, anna.login, anna.password))
        book = book_of(davx5)
        subscriber = service.subscribe(key=book.key)
        davx5.subscribe(book, subscriber)
        yield Phone(davx5, service, subscriber, database, anna, ben, number)
        assert service.broken == []
    assert "push/" not in server.log.read_text(), "the log names no push resource"


def test_from_registration_to_message_to_synchronization(phone: Phone) -> None:
    """The message says which book and which state; the phone fetches the card, and then nothing more comes."""
    began = time.monotonic()
    factories.set_field(phone.database, phone.ben.id, phone.number, "+49 555 0101")
    (message,) = phone.heard(1)
    assert message.at - began < 10
    (book,) = phone.davx5.hear(message)
    assert book is book_of(phone.davx5)
    assert synced(phone.davx5) == ["PROPFIND", "REPORT", "REPORT"]
    assert book.token == message.sync_token
    assert "+49 555 0101" in [lines.plain(line.value) for card in book.cards for line, _ in card.contact.lists]
    assert synced(phone.davx5) == ["PROPFIND"]
    phone.quiet()


def test_a_member_is_told_the_state_with_the_rosters_in_it(phone: Phone) -> None:
    """The token in the message is the one that the phone has when it has synchronized, also of an organisation's."""
    club = clubs.found(phone.database, f"Club {phone.anna.login}")
    carl = people.register(phone.database)
    mobile = factories.field(phone.database, carl.id, "mobile", "+49 555 0110")
    club.join(phone.anna.id)
    club.join(carl.id, [mobile])
    message = phone.heard(1)[-1]
    synced(phone.davx5)
    before = len(phone.heard(1))
    factories.set_field(phone.database, carl.id, mobile, "+49 555 0111")
    message = phone.heard(before + 1)[-1]
    synced(phone.davx5)
    assert "/organisations/" in (message.sync_token or "")
    assert book_of(phone.davx5).token == message.sync_token
    assert synced(phone.davx5) == ["PROPFIND"]


def test_a_reader_is_told_the_state_of_a_shared_book_and_not_of_what_is_laid_over_it(phone: Phone) -> None:
    club = clubs.found(phone.database, f"Company {phone.anna.login}")
    club.join(phone.anna.id)
    club.join(phone.ben.id)
    book_id = phone.database.write(lambda session: books.create(session, club.id, "Customers"))
    phone.database.write(lambda session: books.grant(session, book_id, phone.ben.id, WRITER))
    phone.davx5.set_up()
    shared = phone.davx5.books[f"{phone.davx5.home}{path_of(book_id)}/"]
    phone.davx5.sync(shared)
    subscriber = phone.service.subscribe(key=shared.key)
    phone.davx5.subscribe(shared, subscriber)
    writer = installed(Wire(phone.davx5.wire.connections, phone.ben.login, phone.ben.password))
    theirs = writer.books[f"{writer.home}{path_of(book_id)}/"]
    theirs.cards.append(Local(Contact(str(uuid.uuid4()), name="Plumber"), dirty=True))
    writer.sync(theirs)
    until(lambda: phone.service.of(subscriber) != [])
    (message,) = phone.service.of(subscriber)
    assert phone.davx5.hear(message) == [shared]
    phone.davx5.sync(shared)
    assert [each.contact.name for each in shared.cards] == ["Plumber"]
    assert shared.token == message.sync_token
    assert phone.davx5.errors == []


def test_nothing_comes_of_what_is_not_shown(phone: Phone) -> None:
    factories.field(phone.database, phone.ben.id, "email", "ben-secret@example.org")
    phone.quiet()
    assert phone.service.received == []


def test_a_grant_that_was_taken_back_is_told_without_a_word_of_it(phone: Phone) -> None:
    group = factories.strangers(phone.database, phone.ben.id)
    phone.database.write(lambda session: grants.take_back(session, phone.ben.id, group, [phone.number]))
    (message,) = phone.heard(1)
    assert {text for text in message.xml.itertext() if text.strip()} == {message.topic, message.sync_token}
    synced(phone.davx5)
    assert not [card for card in book_of(phone.davx5).cards if "555 0100" in card.fetched]


def test_the_phone_does_not_hear_of_what_it_did_itself(phone: Phone) -> None:
    added(phone.davx5, "New Person")
    synced(phone.davx5)
    phone.quiet()
    book_of(phone.davx5).cards[-1].deleted = True
    synced(phone.davx5)
    phone.quiet()
    assert phone.service.received == []


def test_it_renews_and_leaves(phone: Phone) -> None:
    book = book_of(phone.davx5)
    registered = book.registration
    phone.davx5.subscribe(book, phone.subscriber)
    assert book.registration == registered
    phone.davx5.unsubscribe(book)
    factories.set_field(phone.database, phone.ben.id, phone.number, "+49 555 0102")
    phone.quiet()
    assert phone.service.received == []


def test_a_phone_that_was_shut_out_is_told_nothing(phone: Phone) -> None:
    device = device_of(phone.database, phone.anna.id)
    phone.database.write(lambda session: credentials.revoke_device(session, phone.anna.id, device))
    factories.set_field(phone.database, phone.ben.id, phone.number, "+49 555 0103")
    phone.quiet()
    assert phone.service.received == []
    assert [each for each in rows(phone.database) if each.viewer_id == phone.anna.id] == []


def test_what_a_push_service_could_not_take_comes_when_it_can(phone: Phone) -> None:
    phone.service.answers = [(503, {"Retry-After": "31"})]
    factories.set_field(phone.database, phone.ben.id, phone.number, "+49 555 0104")
    until(lambda: phone.service.asked == 1)
    (message,) = phone.heard(1) if phone.service.received else [None]
    assert message is None
    until(lambda: len(phone.service.received) == 1, 60)
    assert phone.davx5.hear(phone.service.received[0]) == [book_of(phone.davx5)]
