"""
Polls that a standby answers: it is never behind what a device has seen, and hands out nobody's card.

The standby is PostgreSQL's own, on this machine. What happens when it hears of nothing more is seen with its replay
paused; and to see the worst, it is then asked however far behind it is.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import make_url

from radicale_plugin.server import checking
from sync.database.engine import Database
from sync.database.standby import Standby
from sync.settings import Settings
from sync.sharing import grants
from sync.sign_in import credentials
from tests.support import clusters, dav, factories, people, site, subscribing
from tests.support.clusters import Cluster
from tests.support.people import Person
from tests.support.postgresql import Unavailable
from tests.support.push_service import Subscriber
from tests.support.site import Site, Transport
from tests.support.waiting import until

NUMBER, OTHER = "+49 30 5550100", "+49 30 5550200"


@dataclass
class Pair:
    """A primary and its standby."""

    primary: Cluster
    standby: Cluster

    def ask(self, statement: str) -> Any:
        """Ask the standby, and return the first value."""
        with psycopg.connect(self.standby.url, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return row[0] if row else None

    def pause(self) -> None:
        """Let the standby hear of nothing more."""
        self.ask("SELECT pg_wal_replay_pause()")
        until(lambda: bool(self.ask("SELECT pg_get_wal_replay_pause_state() = 'paused'")))

    def go_on(self) -> None:
        """Let it catch up."""
        self.ask("SELECT pg_wal_replay_resume()")


@dataclass
class Circle:
    """Somebody who shows *field* to *group*, and the device of a viewer in it."""

    owner: int
    viewer: Person
    group: int
    field: int
    phone: dav.Replica

    @property
    def shown(self) -> str:
        """All that the device has."""
        return dav.unfolded("".join(card.text or "" for card in self.phone.cards.values()))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Run a primary, and a standby that it does not wait for."""
    with clusters.directory() as place:
        try:
            primary, standby = Cluster(place, "primary"), Cluster(place, "standby")
        except Unavailable as error:
            pytest.skip(str(error))
        try:
            primary.create()
            primary.start()
            database = Database(primary.url)
            database.migrate()
            database.dispose()
            standby.copy(primary)
            standby.start()
            yield Pair(primary, standby)
        finally:
            primary.kill()
            standby.kill()


@pytest.fixture
def server(pair: Pair) -> Iterator[Site]:
    """Make a server with a standby, which goes on afterwards."""
    with site.opened(pair.primary.url, storage={"standby_url": pair.standby.url}) as made:
        yield made
    pair.go_on()


@pytest.fixture
def circle(server: Site) -> Circle:
    """Let a phone have somebody's number, and the standby be close enough to be asked."""
    owner, viewer = factories.person(server.database), people.register(server.database)
    field = factories.field(server.database, owner, text=NUMBER)
    factories.connect(server.database, owner, viewer.id)
    group = factories.group(server.database, owner, "family", [viewer.id], [field])
    http = httpx.Client(transport=Transport(server), base_url="http://evercard.test")
    made = Circle(owner, viewer, group, field, dav.Replica(dav.Client(http, viewer.login, viewer.password)))
    made.phone.sync()
    assert NUMBER in made.shown
    until(lambda: is_answered_by_standby(server, made))
    return made


def standby_of(database: Database) -> Standby:
    assert database.standby is not None
    return database.standby


def is_answered_by_standby(server: Site, circle: Circle) -> bool:
    """Poll, and say whether the primary was asked nothing for it."""
    standby_of(server.database).is_close()
    asked: list[float] = []
    server.database.observe_quick(asked.append)
    try:
        said = circle.phone.client.sync_collection(circle.phone.token)
    finally:
        server.database.observe_quick(lambda _: None)
    assert (said.token, said.changed, said.gone) == (circle.phone.token, {}, frozenset())
    return not asked


def take_back(server: Site, circle: Circle) -> None:
    server.database.write(lambda session: grants.take_back(session, circle.owner, circle.group, [circle.field]))


def doors(circle: Circle) -> list[str]:
    """Ask by every door but a poll, and return what came."""
    client, hrefs = circle.phone.client, list(circle.phone.cards)
    before = len(client.exchanges)
    client.sync_collection()
    client.sync_collection(circle.phone.token)
    client.multiget(hrefs)
    client.query("TEL")
    client.listing()
    for href in hrefs:
        client.get(href)
    return [exchange.text for exchange in client.exchanges[before:] if exchange.request.find(b"sync-token>urn") < 0]


def test_a_standby_that_hears_of_nothing_hands_out_nothing_that_was_taken_back(
    pair: Pair, server: Site, circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Standby, "is_close", lambda _: True)
    until(lambda: is_answered_by_standby(server, circle))
    pair.pause()
    take_back(server, circle)
    answers = doors(circle)
    assert answers
    assert not [answer for answer in answers if NUMBER in answer]
    # All that it can still say is that it knows of nothing new.
    until(lambda: is_answered_by_standby(server, circle))
    new = dav.Replica(circle.phone.client)
    new.sync()
    assert new.token != circle.phone.token


def test_a_device_hears_of_no_state_before_one_that_it_has_seen(
    pair: Pair, server: Site, circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Standby, "is_close", lambda _: True)
    pair.pause()
    factories.set_field(server.database, circle.owner, circle.field, OTHER)
    seen = circle.phone.client.sync_collection().token
    assert seen != circle.phone.token
    for _ in range(2):
        said = circle.phone.client.sync_collection(seen)
        assert (said.token, said.changed) == (seen, {})
        assert circle.phone.client.book_token() == seen


def test_a_standby_is_asked_no_more_soon_after_it_hears_of_nothing(pair: Pair, server: Site, circle: Circle) -> None:
    pair.pause()
    take_back(server, circle)
    until(lambda: not standby_of(server.database).is_close())
    circle.phone.sync()
    assert NUMBER not in circle.shown
    pair.go_on()
    until(lambda: is_answered_by_standby(server, circle))


def test_a_device_that_is_told_of_changes_hears_of_them_from_the_primary(server: Site, circle: Circle) -> None:
    until(lambda: is_answered_by_standby(server, circle))
    device = circle.phone.client
    told = Subscriber("https://push.example.org/1", ec.generate_private_key(ec.SECP256R1()), bytes(16))
    subscribing.subscribe(server.database, circle.viewer.id, subscribing.wanted(told))
    until(lambda: not is_answered_by_standby(server, circle))
    assert device.exchanges[-1].status == 207


def test_a_device_that_was_shut_out_is_so_as_soon_as_the_standby_knows(server: Site, circle: Circle) -> None:
    device_id = subscribing.device_of(server.database, circle.viewer.id)
    server.database.write(lambda session: credentials.revoke_device(session, circle.viewer.id, device_id))
    until(lambda: poll_status(circle) == 401)


def test_without_its_standby_the_primary_answers(pair: Pair, server: Site, circle: Circle) -> None:
    pair.standby.kill()
    try:
        assert not is_answered_by_standby(server, circle)
        take_back(server, circle)
        circle.phone.sync()
        assert NUMBER not in circle.shown
    finally:
        pair.standby.start()


def test_what_takes_changes_itself_is_no_standby(pair: Pair) -> None:
    """So one that was promoted is not asked, and neither is a database that has nothing to do with this one."""
    database = Database(pair.primary.url, Settings(standby_url=pair.primary.url))
    assert not standby_of(database).is_close()
    database.dispose()


def test_a_check_says_how_it_stands_with_the_standby(pair: Pair, server: Site, circle: Circle) -> None:
    assert checked(server) == ("good", "The standby answers polls.")
    pair.pause()
    take_back(server, circle)
    assert checked(server) == ("doubtful", "It is more than 1 s behind, and the primary answers all polls.")


@pytest.mark.parametrize(("named", "text"), [("primary", "It is no standby"), ("nobody", "It cannot be reached")])
def test_a_check_doubts_what_is_no_standby_of_the_primary(pair: Pair, named: str, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = pair.primary.url if named == "primary" else make_url(pair.primary.url).set(port=port).render_as_string()
    with site.opened(pair.primary.url, storage={"standby_url": url}) as made:
        level, said = checked(made)
    assert level == "doubtful"
    assert said.startswith(text)


def checked(server: Site) -> tuple[str, str]:
    """Return what a check finds about the standby."""
    found = checking.of_running(server.configuration, server.database, distant=False)
    ((level, text),) = [(one.level.value, one.text) for one in found if one.about == "standby_url"]
    return level, text


def poll_status(circle: Circle) -> int:
    try:
        circle.phone.client.sync_collection(circle.phone.token)
    except dav.Failed as refused:
        return refused.status
    return 207
