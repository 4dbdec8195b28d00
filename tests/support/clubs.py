"""An organisation with people in it, each with devices, in a few words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import httpx

from sync.database.engine import Database
from sync.organisations import members, organisations
from sync.sharing import grants
from sync.sign_in import credentials
from tests.support import dav, factories
from tests.support.site import Site, Transport


@dataclass
class Club:
    """An organisation of this *id* in *database*."""

    database: Database
    id: int

    def invite(self, *owner_ids: int) -> None:
        """Invite people."""
        for owner_id in owner_ids:
            self.database.write(lambda session, owner_id=owner_id: members.invite(session, self.id, owner_id))  # type: ignore[misc]

    def join(self, owner_id: int, fields: Collection[int] = ()) -> None:
        """Let somebody join who is invited by it."""
        self.invite(owner_id)
        self.database.write(lambda session: members.join(session, self.id, owner_id, fields))

    def leave(self, owner_id: int) -> None:
        """Let somebody leave."""
        self.database.write(lambda session: members.leave(session, self.id, owner_id))

    def group_of(self, owner_id: int) -> int:
        """Return the built-in group by which a member decides what it sees."""
        with self.database.reading() as session:
            found = [each.group_id for each in members.belongings(session, owner_id) if each.organisation.id == self.id]
        assert found[0] is not None
        return found[0]

    def grant(self, owner_id: int, *fields: int) -> None:
        """Let it see fields."""
        group_id = self.group_of(owner_id)
        self.database.write(lambda session: grants.grant(session, owner_id, group_id, fields))

    def take_back(self, owner_id: int, *fields: int) -> None:
        """Let it see fields no more."""
        group_id = self.group_of(owner_id)
        self.database.write(lambda session: grants.take_back(session, owner_id, group_id, fields))


def found(database: Database, name: str = "Chess Club", minimum: Collection[str] = ()) -> Club:
    """Make an organisation."""
    return Club(database, database.write(lambda session: organisations.create(session, name, minimum)))


@dataclass
class Somebody:
    """A person with a name and a number; *replicas* are what devices of theirs have."""

    site: Site
    login: str
    id: int
    name: int
    mobile: int
    replicas: dict[dav.Style, dav.Replica] = field(default_factory=dict)

    def device(self) -> dav.Client:
        """Let one more device in."""
        _, password = self.site.database.write(lambda session: credentials.add_device(session, self.id, "phone"))
        http = httpx.Client(base_url="http://evercard.test", transport=Transport(self.site))
        return dav.Client(http, self.login, password)

    def sync(self, style: dav.Style = "data") -> dict[str, dav.Card]:
        """
        Bring a device up to date that asks in this way, and return what it has of others, by their names.

        It is what a device is given that has nothing.
        """
        replica = synced(self.replicas, style, self.device)
        return {called(card): card for card in replica.cards.values() if called(card) != self.login.title()}

    def href_of(self, login: str, style: dav.Style = "data") -> str:
        """Return where a device has somebody."""
        cards = self.replicas[style].cards
        return next(href for href, card in cards.items() if called(card) == login.title())


def synced(replicas: dict[dav.Style, dav.Replica], style: dav.Style, device: Callable[[], dav.Client]) -> dav.Replica:
    """
    Bring the one of somebody's *replicas* up to date that asks in this way, a new *device* where there is none.

    It has what a device is given that has nothing.
    """
    if style not in replicas:
        replicas[style] = dav.Replica(device(), style)
    replica = replicas[style]
    replica.sync()
    fresh = dav.Replica(replica.client, style)
    fresh.sync()
    assert replica.cards == fresh.cards
    assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}
    return replica


def called(card: dav.Card) -> str:
    """Return what a card calls its person."""
    return next(line[3:] for line in dav.unfolded(card.text or "").splitlines() if line.startswith("FN:"))


def somebody(site: Site, login: str) -> Somebody:
    """Register a person, who lets nobody see their name and number."""
    database = site.database
    person = factories.person(database, login)
    name = factories.field(database, person, "name", login.title())
    mobile = factories.field(database, person, "mobile", number_of(login))
    return Somebody(site, login, person, name, mobile)


def number_of(login: str) -> str:
    """Return the number of the person of this login."""
    return "+49 30 " + "".join(f"{ord(letter):03}" for letter in login)
