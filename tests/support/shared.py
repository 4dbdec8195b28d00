"""A shared book with people who read and write it, each with devices, in a few words."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from sync.database.engine import Database
from sync.revisions.shared_states import READER, path_of
from sync.shared_books import books
from sync.sign_in import credentials
from tests.support import clubs, dav, factories
from tests.support.clubs import Club
from tests.support.site import Site, Transport

#: What programs of a Mac and of an iPhone say they are.
MAC = "macOS/15.5 (24F74) AddressBookCore/2695.500.71"
IPHONE = "iOS/18.5 (22F76) dataaccessd/1.0"


@dataclass
class Member:
    """A person of this *login*; *replicas* are what devices of theirs have of the book at *path*."""

    site: Site
    login: str
    id: int
    path: str
    replicas: dict[dav.Style, dav.Replica] = field(default_factory=dict)

    def device(self, *, user_agent: str = "evercard-tests") -> Device:
        """Let one more device in, which asks for the shared book."""
        device_id, password = self.site.database.write(lambda s: credentials.add_device(s, self.id, "phone"))
        http = httpx.Client(base_url="http://evercard.test", transport=Transport(self.site))
        client = Device(http, self.login, password, user_agent=user_agent)
        client.id, client.book = device_id, self.home(self.path)
        return client

    def home(self, path: str) -> str:
        """Return where a collection of theirs is."""
        return f"/{self.login}/{path}/"

    def sync(self, style: dav.Style = "data") -> dict[str, str]:
        """
        Bring a device up to date, and return the cards that it has by their names.

        It is what a device is given that has nothing.
        """
        replica = clubs.synced(self.replicas, style, self.device)
        return {clubs.called(card): dav.unfolded(card.text or "") for card in replica.cards.values()}


class Device(dav.Client):
    """A device whose *id* is known."""

    id: int = 0


@dataclass
class Shelf:
    """A shared book of this *id*, of an organisation."""

    site: Site
    club: Club
    id: int

    @property
    def database(self) -> Database:
        """Where it is."""
        return self.site.database

    @property
    def path(self) -> str:
        """Its name below each principal."""
        return path_of(self.id)

    def member(self, login: str, role: str = "") -> Member:
        """Register somebody who is a member, and may do with the book what *role* says, or what everybody may."""
        somebody = self.stranger(login)
        self.club.join(somebody.id)
        if role:
            self.grant(somebody, role)
        return somebody

    def stranger(self, login: str) -> Member:
        """Register somebody who is no member."""
        return Member(self.site, login, factories.person(self.database, login), self.path)

    def grant(self, member: Member, role: str) -> None:
        """Say what a member may do."""
        self.database.write(lambda session: books.grant(session, self.id, member.id, role))


def shelf(site: Site, title: str = "Customers", everybody: str = READER, club: Club | None = None) -> Shelf:
    """Make a shared book."""
    club = club or clubs.found(site.database)
    return Shelf(site, club, site.database.write(lambda session: books.create(session, club.id, title, everybody)))


def card(name: str, *lines: str, uid: str = "") -> str:
    """Return a card of this name."""
    said = [f"UID:{uid or name.lower()}", f"N:{name};;;;", f"FN:{name}", *lines]
    return "".join(f"{line}\r\n" for line in ("BEGIN:VCARD", "VERSION:3.0", *said, "END:VCARD"))
