"""Shared books under Radicale's own application and server: the same books, contacts and rules as under ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sync import verification
from sync.database.engine import Database
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER, path_of
from sync.shared_books import access, books, past
from sync.sign_in import credentials
from tests.support import clubs, dav, factories
from tests.support.plain_radicale import PlainRadicale
from tests.support.shared import card
from tests.support.site import ON_SQLITE

pytestmark = ON_SQLITE
KIND = f"{{{dav.DAV}}}resourcetype"


@dataclass
class Device:
    """Somebody's device; *book* is where the shared book is for them."""

    client: dav.Client
    account_id: int
    id: int
    book: str

    def listed(self) -> list[str]:
        """Return the address books in the home."""
        home = self.client.propfind(self.client.principal, (KIND,))
        return [
            href
            for href, found in home.items()
            if f"{{{dav.CARD}}}addressbook" in [node.tag for node in found.properties.get(KIND, [])]
        ]

    def put(self, name: str, text: str) -> None:
        """Store a contact."""
        self.client.put(self.book + name, text)

    def has(self) -> dict[str, str]:
        """Return the contacts that all ways of asking agree on, by their names."""
        found = self.client.sync_collection().changed
        assert set(found) == set(self.client.listing())
        assert self.client.multiget(list(found)) == found
        return {href.removeprefix(self.book): dav.unfolded(each.text or "") for href, each in found.items()}


class Scene:
    """Anna writes a shared book that bert reads, and carl is no member."""

    def __init__(self, database: Database, http: httpx.Client) -> None:
        """Register them."""
        self.database, self._http = database, http
        self.club = clubs.found(database)
        self.id = database.write(lambda session: books.create(session, self.club.id, "Customers"))
        self.anna, self.bert, self.carl = (self.register(login) for login in ("anna", "bert", "carl"))
        for each in (self.anna, self.bert):
            self.club.join(each.account_id)
        self.grant(self.anna, WRITER)

    def register(self, login: str) -> Device:
        """Register somebody with a device."""
        return self.device(login, factories.person(self.database, login))

    def device(self, login: str, account_id: int) -> Device:
        """Let one more device in."""
        device_id, password = self.database.write(lambda s: credentials.add_device(s, account_id, "phone"))
        client = dav.Client(self._http, login, password)
        client.book = f"/{login}/{path_of(self.id)}/"
        return Device(client, account_id, device_id, client.book)

    def grant(self, device: Device, role: str) -> None:
        """Say what a member may do."""
        self.database.write(lambda session: books.grant(session, self.id, device.account_id, role))


@pytest.fixture
def scene(database_url: str, database: Database, tmp_path: Path) -> Iterator[Scene]:
    with PlainRadicale(database_url, tmp_path) as server, dav.http(server.url) as http:
        yield Scene(database, http)
        assert "Traceback" not in server.log.read_text()
    with database.reading() as session:
        assert list(verification.findings(session)) == []


def test_members_find_it_beside_their_own_book_and_others_do_not(scene: Scene) -> None:
    anna, carl = scene.anna, scene.carl
    assert anna.listed() == ["/anna/contacts/", anna.book]
    assert carl.listed() == ["/carl/contacts/"]
    scene.database.write(lambda session: access.show(session, anna.account_id, anna.id, choice=False))
    assert anna.listed() == ["/anna/contacts/"]
    assert scene.device("anna", anna.account_id).listed() == ["/anna/contacts/", anna.book]
    anna.put("plumber.vcf", card("Plumber"))
    for path in (carl.book, f"{carl.book}plumber.vcf", anna.book, f"{anna.book}plumber.vcf"):
        for method in ("PROPFIND", "GET", "PUT", "DELETE", "REPORT", "PROPPATCH", "MOVE"):
            body = card("Mine") if method == "PUT" else b""
            answer = carl.client.request(method, path, body, {"Destination": f"{carl.book}z.vcf"})
            assert 400 <= answer.status < 500, (method, path, answer)
            assert "Plumber" not in answer.text
    assert set(anna.has()) == {"plumber.vcf"}


def test_what_writers_change_is_everybodys_and_what_readers_change_is_theirs(scene: Scene) -> None:
    anna, bert = scene.anna, scene.bert
    anna.put("plumber.vcf", card("Plumber", "TEL:+49 30 1"))
    token = bert.client.sync_collection().token
    anna.put("plumber.vcf", card("Plumber", "TEL:+49 30 2"))
    assert list(bert.client.sync_collection(token).changed) == [f"{bert.book}plumber.vcf"]
    bert.put("plumber.vcf", card("Plumber", "TEL:+49 30 2", "NOTE:rings twice"))
    bert.put("mine.vcf", card("Mine"))
    assert "rings twice" in bert.has()["plumber.vcf"]
    assert list(bert.client.query("NOTE", "rings")) == [f"{bert.book}plumber.vcf"]
    assert set(bert.has()) == {"mine.vcf", "plumber.vcf"}
    assert list(anna.has()) == ["plumber.vcf"]
    assert "rings" not in anna.has()["plumber.vcf"]
    bert.client.delete(f"{bert.book}plumber.vcf")
    assert set(bert.has()) == {"mine.vcf"}
    # A device that stores it under another name gives it back under its own.
    bert.put("again.vcf", card("Plumber"))
    assert set(bert.has()) == {"mine.vcf", "plumber.vcf"}
    conflict = bert.client.request("PUT", f"{bert.book}third.vcf", card("Plumber"), {"Content-Type": "text/vcard"})
    assert conflict.status == 409
    anna.client.delete(f"{anna.book}plumber.vcf")
    assert (set(anna.has()), set(bert.has())) == (set(), {"mine.vcf"})
    with scene.database.reading() as session:
        assert {each.account_id for each in past.changes(session, scene.id)} == {anna.account_id}


def test_a_note_of_a_reader_stays_theirs_when_they_become_a_writer(scene: Scene) -> None:
    anna, bert = scene.anna, scene.bert
    anna.put("plumber.vcf", card("Plumber", "TEL:+49 30 1"))
    bert.put("plumber.vcf", card("Plumber", "TEL:+49 30 1", "NOTE:never pays"))
    scene.grant(bert, WRITER)
    # The device has not looked since.
    bert.put("plumber.vcf", card("Plumber", "TEL:+49 30 7", "NOTE:never pays"))
    for each in (anna, bert):
        text = each.has()["plumber.vcf"]
        assert "30 7" in text
        assert "never pays" not in text
    scene.grant(bert, READER)
    assert "never pays" in bert.has()["plumber.vcf"]


def test_a_book_is_gone_for_whoever_may_not_see_it_any_more(scene: Scene) -> None:
    anna, bert = scene.anna, scene.bert
    anna.put("plumber.vcf", card("Plumber"))
    token = bert.client.sync_collection().token
    for by_grant in (True, False):
        if by_grant:
            scene.grant(bert, NO_ACCESS)
        else:
            scene.club.leave(bert.account_id)
        assert bert.listed() == ["/bert/contacts/"]
        assert bert.client.request("GET", f"{bert.book}plumber.vcf").status == 404
        with pytest.raises(dav.Failed):
            bert.client.sync_collection(token)
        assert 400 <= bert.client.request("PUT", f"{bert.book}new.vcf", card("New")).status < 500
        if by_grant:
            scene.grant(bert, READER)
        else:
            scene.club.join(bert.account_id)
        assert set(bert.has()) == {"plumber.vcf"}


def test_it_is_neither_renamed_nor_deleted_nor_emptied_by_a_device(scene: Scene) -> None:
    anna = scene.anna
    anna.put("plumber.vcf", card("Plumber"))
    renamed = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Mine</D:displayname></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    for method in ("PROPPATCH", "DELETE", "PUT", "MKCOL", "MOVE"):
        body = {"PROPPATCH": renamed, "PUT": card("Other")}.get(method, "")
        headers = {"Destination": f"{anna.book}y/", "Content-Type": "text/vcard"}
        assert 400 <= anna.client.request(method, anna.book, body, headers).status < 500, method
    assert set(anna.has()) == {"plumber.vcf"}
    with scene.database.reading() as session:
        assert [each.title for each in access.books_of(session, anna.account_id)] == ["Customers"]
