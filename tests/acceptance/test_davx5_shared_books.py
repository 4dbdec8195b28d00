"""DAVx5 is told of a change in a shared book, as long as its person may see it, by a server and its worker."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from sync.database.engine import Database
from sync.models import SHARED_BOOK, Job
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER, path_of
from sync.shared_books import books
from tests.acceptance.clients.davx5 import Book, DAVx5
from tests.acceptance.clients.davx5_user import installed
from tests.acceptance.clients.wire import Wire
from tests.support import clubs, dav, people
from tests.support.clubs import Club
from tests.support.people import Person
from tests.support.push_service import PushService, Received, Subscriber, push_service
from tests.support.server import Server
from tests.support.shared import card
from tests.support.subscribing import rows, set_all
from tests.support.waiting import until


@dataclass
class Scene:
    """Anna writes a shared book, and bert reads it, whose phone is registered for it as *book*."""

    database: Database
    club: Club
    book_id: int
    anna: dav.Client
    bert: Person
    phone: DAVx5
    book: Book
    service: PushService
    subscriber: Subscriber
    number: int = 0

    def change(self) -> None:
        """Let anna change a contact."""
        self.number += 1
        self.anna.put(f"{self.anna.book}p.vcf", card("Plumber", f"NOTE:say {self.number}"))

    def heard(self, number: int) -> Received:
        """Wait until so many messages came, and return the last."""
        until(lambda: len(self.service.of(self.subscriber)) >= number)
        return self.service.of(self.subscriber)[-1]

    def quiet(self) -> None:
        """Let anna change something of which nobody is told, although nothing keeps a message back."""
        set_all(self.database, not_before=0)
        before = self.service.asked
        self.change()
        until(lambda: not self._is_told())
        assert [each.has_content for each in rows(self.database)] == [False]
        time.sleep(1)
        assert self.service.asked == before

    def _is_told(self) -> bool:
        with self.database.reading() as session:
            return session.scalars(select(Job.id).where(Job.kind == SHARED_BOOK)).first() is not None

    def grant(self, role: str) -> None:
        """Say what bert may do."""
        self.database.write(lambda session: books.grant(session, self.book_id, self.bert.id, role))


@pytest.fixture
def scene(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Scene]:
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'evercard.sqlite')}"
    options = {"base_url": "http://127.0.0.1", "push_allow_local": "True"}
    with Server(url, tmp_path, options=options) as server, dav.http(server.url) as http, push_service() as service:
        database = Database(url)
        anna, bert = people.register(database), people.register(database)
        club = clubs.found(database)
        for each in (anna, bert):
            club.join(each.id)
        book_id = database.write(lambda session: books.create(session, club.id, "Customers"))
        database.write(lambda session: books.grant(session, book_id, anna.id, WRITER))
        writer = dav.Client(http, anna.login, anna.password)
        writer.book = f"/{anna.login}/{path_of(book_id)}/"
        phone = installed(Wire(http, bert.login, bert.password))
        book = phone.books[f"{phone.home}{path_of(book_id)}/"]
        phone.sync(book)
        subscriber = service.subscribe(key=book.key)
        phone.subscribe(book, subscriber)
        yield Scene(database, club, book_id, writer, bert, phone, book, service, subscriber)
        assert service.broken == []
        database.dispose()


def test_a_change_of_a_writer_reaches_a_readers_phone_by_a_message(scene: Scene) -> None:
    scene.change()
    message = scene.heard(1)
    assert scene.phone.hear(message) == [scene.book]
    scene.phone.sync(scene.book)
    assert scene.phone.errors == []
    assert ["say 1" in each.fetched for each in scene.book.cards] == [True]
    assert "Plumber" not in "".join(message.xml.itertext())


@pytest.mark.parametrize("way", ["granted none", "everybody none", "left"])
def test_whoever_may_not_see_it_any_more_is_told_nothing_and_is_again_when_they_may(scene: Scene, way: str) -> None:
    scene.change()
    scene.heard(1)
    if way == "granted none":
        scene.grant(NO_ACCESS)
    elif way == "everybody none":
        scene.database.write(lambda session: books.set_everybody(session, scene.book_id, NO_ACCESS))
    else:
        scene.club.leave(scene.bert.id)
    scene.quiet()
    if way == "left":
        scene.club.join(scene.bert.id)
    scene.grant(READER)
    set_all(scene.database, not_before=0)
    scene.change()
    scene.heard(2)
    scene.phone.sync(scene.book)
    assert [f"say {scene.number}" in each.fetched for each in scene.book.cards] == [True]
