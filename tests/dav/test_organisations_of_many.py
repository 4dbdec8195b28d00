"""An organisation of 10,000 costs whoever polls, changes something, joins or leaves what one of two does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select

from sync.database.engine import Database, Session
from sync.models import Account, Audience, Card, Organisation, Profile, RosterEntry, new_id, now
from sync.organisations import members
from sync.profiles import profiles
from sync.revisions.address_books import PRESENT
from sync.sharing import cards, grants
from sync.sharing.visibility import Composition
from tests.dav.test_statements import counted
from tests.support import clubs, dav, factories
from tests.support.clubs import Club, Somebody, somebody
from tests.support.site import Site

MANY = 10_000


def crowd(database: Database, club: Club) -> None:
    """Let many people be on the roster, each with a card that says their name."""

    def make(session: Session) -> None:
        keys, at, alone = sorted(new_id() for _ in range(MANY)), now(), Composition(connected=False)
        body = "\r\nN:;Somebody;;;\r\nFN:Somebody\r\nEND:VCARD\r\n".removeprefix("\r\n")
        card = {"id": 1, "digest": "0" * 32, "changed_at": at, "body_3": body, "body_4": body}
        audience = {"id": 1, "kind": cards.ORGANISATION, "composition": alone.dump(), "digest": alone.digest}
        revision = session.scalars(select(Organisation.revision).where(Organisation.id == club.id)).one()
        row = {"organisation_id": club.id, "state": PRESENT, "card_id": 1, "revision": revision, "changed_at": at}
        rows: list[tuple[Any, str, dict[str, Any]]] = [
            (Account, "id", {"created_at": at}),
            (Profile, "owner_id", {"changed_at": at}),
            (Audience, "owner_id", audience),
            (Card, "owner_id", card),
            (RosterEntry, "owner_id", row),
        ]
        for model, key, values in rows:
            login = {"login": ""} if model is Account else {}
            session.execute(
                insert(model), [{key: each, **values, **(login and {"login": f"c{each:x}"})} for each in keys]
            )

    database.write(make)


class Scene:
    """Anna and bert, who do the same in a club of two and in one of many; outside is nobody but otto."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.anna, self.bert, self.otto = (somebody(site, name) for name in ("anna", "bert", "otto"))
        self.club = clubs.found(site.database)
        for who in (self.anna, self.bert):
            self.club.join(who.id, [who.name])
        self.device = self.anna.device()

    def costs(self) -> dict[str, int]:
        """Return how many statements everything takes that can happen, and find what the other member is told."""
        found = {"poll": self.poll(self.anna, self.device)}
        mobile, group = self.bert.mobile, self.club.group_of(self.bert.id)
        number = factories.content("mobile", "+49 170 5550177")
        for name, change, told in (
            ("grant", lambda s: grants.grant(s, self.bert.id, group, [mobile]), (1, 0)),
            ("number", lambda s: profiles.set_field(s, self.bert.id, mobile, number), (1, 0)),
            ("leave", lambda s: members.leave(s, self.club.id, self.bert.id), (0, 1)),
            ("invite", lambda s: members.invite(s, self.club.id, self.bert.id), (0, 0)),
            ("join", lambda s: members.join(s, self.club.id, self.bert.id, [self.bert.name]), (1, 0)),
        ):
            found[name] = self.change(change, told)
        self.site.database.write(lambda s: profiles.set_field(s, self.bert.id, mobile, factories.content()))
        return found

    def change(self, change: Callable[[Session], object], told: tuple[int, int]) -> int:
        """Change something, and find that the other member is told of just so many cards that changed or went."""
        before = self.device.book_token()
        with counted(self.site.database) as sent:
            self.site.database.write(change)
        news = self.device.sync_collection(before)
        assert (len(news.changed), len(news.gone)) == told
        return len(sent.statements)

    def poll(self, who: Somebody, device: dav.Client) -> int:
        """Return how many statements a poll takes, none of which has a transaction."""
        device.book_token()
        with counted(self.site.database) as sent:
            device.book_token()
        assert sent.statements == [], who.login
        return sent.quick


@pytest.mark.timeout(300)
def test_what_it_costs_does_not_depend_on_how_many_members_there_are(site: Site) -> None:
    scene = Scene(site)
    few = scene.costs()
    crowd(site.database, scene.club)
    assert scene.costs() == few
    assert few["poll"] == 2
    assert scene.poll(scene.otto, scene.otto.device()) == 1
    assert len(scene.device.listing()) == MANY + 2
