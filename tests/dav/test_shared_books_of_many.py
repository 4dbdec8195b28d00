"""Whoever polls or changes a shared book of 1,000 contacts and as many members pays what they do for a small one."""

from __future__ import annotations

from sqlalchemy import insert

from sync.database.engine import Session
from sync.models import CONTACTS, Entry, PrivateCard, RosterEntry, new_id, now
from sync.revisions.address_books import PRESENT
from sync.revisions.shared_states import WRITER
from sync.shared_books import access
from tests.dav.test_statements import counted
from tests.support import shared
from tests.support.shared import Device, Member, Shelf, card
from tests.support.site import ON_SQLITE, Site

pytestmark = ON_SQLITE
MANY = 1_000


def crowd(session: Session, shelf: Shelf) -> None:
    """Let there be many contacts and many members."""
    base = access.base(session, shelf.id)
    ids = [new_id() for _ in range(MANY)]
    entry = {"viewer_id": shelf.id, "book_id": CONTACTS, "kind": "private", "state": PRESENT, "digest": "0" * 32}
    entry |= {"revision": base.revision, "changed_at": now()}
    session.execute(insert(Entry), [{**entry, "id": each, "href": f"{each}.vcf", "uid": f"{each}"} for each in ids])
    data = card("Somebody").encode()
    session.execute(insert(PrivateCard), [{"viewer_id": shelf.id, "entry_id": each, "data": data} for each in ids])
    row = {"organisation_id": shelf.club.id, "state": PRESENT, "card_id": None, "revision": 1, "changed_at": 1}
    session.execute(insert(RosterEntry), [{"owner_id": each, **row} for each in ids])


class Scene:
    """Anna writes a book that bert reads, and carl has made something of it."""

    def __init__(self, site: Site) -> None:
        self.site, self.shelf = site, shared.shelf(site)
        self.anna, self.bert = self.shelf.member("anna", WRITER), self.shelf.member("bert")
        self.carl = self.shelf.member("carl")
        self.devices: dict[str, Device] = {each.login: each.device() for each in (self.anna, self.bert, self.carl)}
        self.number = 0
        self.put(self.anna)
        self.put(self.carl)

    def put(self, member: Member) -> int:
        """Let somebody change a contact, and return how many statements that takes."""
        device = self.devices[member.login]
        self.number += 1
        name = f"{device.book}plumber.vcf"
        with counted(self.site.database) as sent:
            device.put(name, card("Plumber", f"NOTE:{self.number}"))
        return len(sent.statements) + sent.quick

    def poll(self, member: Member) -> int:
        """Return how many statements a poll takes, none of which has a transaction."""
        with counted(self.site.database) as sent:
            self.devices[member.login].book_token()
        assert sent.statements == []
        return sent.quick

    def change(self, member: Member) -> int:
        """Return how many statements it takes to be told of one change, and of no other."""
        device = self.devices[member.login]
        before = device.book_token()
        self.put(self.anna)
        with counted(self.site.database) as sent:
            news = device.sync_collection(before)
        assert (len(news.changed), len(news.gone)) == (1, 0)
        return len(sent.statements) + sent.quick

    def costs(self) -> dict[str, int]:
        """Return what everything costs, after everybody has done it once."""
        found: dict[str, int] = {}
        for _ in range(2):
            found = {f"{each.login} polls": self.poll(each) for each in (self.anna, self.bert, self.carl)}
            found |= {f"{each.login} is told": self.change(each) for each in (self.anna, self.bert, self.carl)}
            found |= {f"{each.login} writes": self.put(each) for each in (self.anna, self.bert, self.carl)}
        return found


def test_what_it_costs_does_not_depend_on_how_many_contacts_and_members_there_are(site: Site) -> None:
    scene = Scene(site)
    few = scene.costs()
    site.database.write(lambda session: crowd(session, scene.shelf))
    assert scene.costs() == few
    # The credentials, the rosters that they name, and the book with what its person has of their own in it.
    assert {few[f"{login} polls"] for login in ("anna", "bert", "carl")} == {3}
    assert len(scene.devices["bert"].listing()) == MANY + 1
