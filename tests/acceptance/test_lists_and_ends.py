"""What phones make of groups that they show as lists, and of what is over: nobody is shown more by a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from sync.database.engine import Database
from sync.ends import setting
from sync.ends.targets import Target
from sync.sharing import groups, phone_lists
from tests.acceptance.clients import apple_user, davx5_user
from tests.acceptance.clients.apple import Apple
from tests.acceptance.clients.apple_devices import IPhone, Mac
from tests.acceptance.clients.wire import Wire
from tests.acceptance.conftest import Stage
from tests.support import dav, factories, lists, people
from tests.support.clock import HOUR, Clock
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Site, Transport, opened

NUMBER = "+49 30 5550100"


class Phone(NamedTuple):
    """What somebody does on a phone: look at what it has of a card, see its lists, and empty one."""

    fetched: Callable[[str], str]
    lists: Callable[[], dict[str, list[str]]]
    empty: Callable[[str], object]


def davx5(wire: Wire) -> Phone:
    """Return a phone with DAVx5."""
    phone = davx5_user.installed(wire)

    def fetched(path: str) -> str:
        davx5_user.synced(phone)
        return davx5_user.card(phone, path).fetched

    def shown() -> dict[str, list[str]]:
        davx5_user.synced(phone)
        cards = [local.contact for local in davx5_user.book_of(phone).cards]
        return {card.name: card.members for card in cards if card.is_group}

    def empty(name: str) -> None:
        (local,) = (each for each in davx5_user.book_of(phone).cards if each.contact.name == name)
        local.contact.members, local.dirty = [], True
        davx5_user.synced(phone)

    return Phone(fetched, shown, empty)


def iphone(wire: Wire) -> Phone:
    """Return an iPhone."""
    return apple(IPhone(wire))


def mac(wire: Wire) -> Phone:
    """Return a Mac."""
    return apple(Mac(wire))


def apple(device: Apple) -> Phone:
    """Return one of these."""
    phone = apple_user.installed(device)

    def fetched(path: str) -> str:
        apple_user.polled(phone)
        return phone.card(path).fetched

    def found() -> dict[str, str]:
        cards = {href: phone.card(href).contact for href in phone.book.cards}
        marked = {href: card for href, card in cards.items() if "X-ADDRESSBOOKSERVER-KIND" in card.single}
        return {card.name.partition(";")[0]: href for href, card in marked.items()}

    def shown() -> dict[str, list[str]]:
        apple_user.polled(phone)
        members = {name: phone.card(href).contact.members for name, href in found().items()}
        return {name: [each.removeprefix("urn:uuid:") for each in those] for name, those in members.items()}

    def empty(name: str) -> None:
        href = found()[name]
        contact = phone.card(href).contact
        contact.members = []
        phone.save(phone.book, contact, href)

    return Phone(fetched, shown, empty)


PHONES = pytest.mark.parametrize("kind", [davx5, iphone, mac])


@PHONES
def test_groups_are_lists_on_the_phone_and_moving_people_there_is_asked_about(
    stage: Stage, kind: Callable[[Wire], Phone]
) -> None:
    anna, ben = stage.anna.id, stage.ben.id
    number = factories.field(stage.database, anna, "mobile", NUMBER)
    friends = factories.group(stage.database, anna, "Friends", [ben], [number])
    lists.choose(stage.database, anna, "lists")
    entry = factories.served(stage.database, anna, ben)
    assert entry is not None
    phone = kind(stage.wire())
    assert phone.lists() == {"Friends": [entry.uid]}
    phone.empty("Friends")
    assert NUMBER in stage.served_to(stage.ben, stage.anna)
    assert phone.lists() == {"Friends": [entry.uid]}
    with stage.database.reading() as session:
        (asked,) = phone_lists.proposals(session, anna)
        assert groups.members(session, anna, friends) == [ben]
    assert (asked.group_id, asked.person_id, asked.is_in) == (friends, ben, False)
    stage.database.write(lambda session: phone_lists.accept(session, anna, friends, ben))
    assert phone.lists() == {"Friends": []}
    assert NUMBER not in stage.served_to(stage.ben, stage.anna)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server in this process, which has the clock of the test."""
    with opened(database_url) as site:
        yield site


def until_soon(database: Database, clock: Clock, ben: Person, anna: Person) -> int:
    """Let Ben show Anna a number until some minute, and return that."""
    number, at = factories.field(database, ben.id, "mobile", NUMBER), clock.soon()
    trip = factories.group(database, ben.id, "trip", [anna.id], [number])
    target = Target(group_id=trip, field_id=number)
    database.write(lambda session: setting.set_end(session, ben.id, target, at))
    return at


@ON_SQLITE
@PHONES
def test_what_ends_goes_from_the_phone_on_the_minute_and_stays_away_whatever_the_clock_does(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: Callable[[Wire], Phone]
) -> None:
    clock, database = Clock(monkeypatch), site.database
    anna, ben = people.register(database), people.register(database)
    factories.connect(database, anna.id, ben.id)
    lists.choose(database, anna.id, "lists")
    factories.group(database, anna.id, "Travellers", [ben.id], [])
    at = until_soon(database, clock, ben, anna)
    path = f"/{anna.login}/contacts/{factories.href_of(database, anna.id, ben.id)}"
    with dav.http("http://evercard.test", transport=Transport(site)) as http:
        phone = kind(Wire(http, anna.login, anna.password))
        assert NUMBER in phone.fetched(path)
        clock.put(at)
        assert NUMBER not in phone.fetched(path)
        clock.put(at - HOUR)
        assert NUMBER not in phone.fetched(path)
        over = clock.soon()
        database.write(lambda session: setting.set_end(session, ben.id, Target(viewer_id=anna.id), over))
        assert [len(members) for members in phone.lists().values()] == [1]
        clock.put(over)
        assert phone.lists() == {"Travellers": []}
