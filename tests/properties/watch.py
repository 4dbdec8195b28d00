"""What a machine remembers of everybody's address book, and what it compares that with."""

from __future__ import annotations

from dataclasses import dataclass, field

import vobject
from hypothesis.stateful import RuleBasedStateMachine

from tests.properties.world import Service, World
from tests.support import dav
from tests.support.dav import Card, Replica


@dataclass
class Seen:
    """What one person's address book was: as of now, and as of the last time that nothing was on its way to it."""

    token: str = ""
    cards: dict[str, Card] = field(default_factory=dict)
    settled_token: str = ""
    settled: dict[str, Card] = field(default_factory=dict)
    changed: bool = True


class Watched(RuleBasedStateMachine):
    """A machine without rules that watches people on *service*."""

    def __init__(self, service: Service) -> None:
        """Live on *service*, beside whoever is there already."""
        super().__init__()
        self.world = World(service)
        self.model = self.world.model
        self.logins: list[str] = []
        self.seen: dict[str, Seen] = {}
        self.devices: list[Replica] = []
        #: href and UID of the entry of each pair (viewer, owner), for ever.
        self.identities: dict[tuple[str, str], tuple[str, str]] = {}
        self.by_etag: dict[tuple[str, str, str], str] = {}
        self.checked: set[str] = set()
        self.restored = False

    def check_device(self, device: Replica, fresh: dav.Changes | None = None) -> None:
        """A device that has synchronised holds what a new one gets, which may be known, and its token is of use."""
        fresh = fresh or self.fresh(device.client, device.version)
        assert device.cards == fresh.changed
        if device.style != "listing":
            assert device.token == fresh.token
            again = device.client.sync_collection(device.token)
            assert (again.changed, again.gone) == ({}, frozenset())

    def refused(self, client: dav.Client, token: str) -> None:
        """Make sure that a token is not taken."""
        try:
            client.sync_collection(token)
        except dav.Failed as answer:
            assert (answer.status, answer.condition) == (403, "{DAV:}valid-sync-token")  # noqa: PT017
        else:
            raise AssertionError(f"{token} was accepted")

    def learn(self, viewer: str, cards: dict[str, Card]) -> None:
        """Remember the name and UID of each entry when it is first seen; it has the same ever after."""
        known = {href for (who, _), (href, _) in self.identities.items() if who == viewer}
        new = [href for href in cards if href not in known and href not in self.world.person(viewer).private]
        for owner in self.model.owners(viewer):
            if (viewer, owner) not in self.identities:
                assert len(new) == 1, "one entry comes with each connection"
                self.identities[viewer, owner] = new[0], dav.value_of(cards[new.pop()], "UID")
            href, uid = self.identities[viewer, owner]
            assert href in cards
            assert dav.value_of(cards[href], "UID") == uid
        assert not new
        for href, text in self.world.texts[viewer].items():
            assert href in cards
            assert cards[href].text == text

    def expected(self, viewer: str) -> dict[str, frozenset[str]]:
        """Return what the model says is in a person's address book: markers by href."""
        cards = {self.identities[viewer, owner][0]: self.model.markers(viewer, owner) for owner in self.owners(viewer)}
        private = self.world.person(viewer).private
        return {**cards, **{href: frozenset({item.marker}) for href, item in private.items()}}

    def owners(self, viewer: str) -> list[str]:
        """Return whose cards are in a person's address book."""
        return self.model.owners(viewer)

    def compare(self, seen: Seen, fresh: dav.Changes, *, settled: bool) -> None:
        """A token and ETags are new if, and only if, something is to be seen that was not there before."""
        now = dict(fresh.changed)
        seen.changed = seen.changed or bodies(now) != bodies(seen.cards)
        seen.token, seen.cards = fresh.token, now
        if not seen.changed:
            assert (fresh.token, now) == (seen.settled_token, seen.settled), "there was nothing to tell"
        elif settled:
            if bodies(now) != bodies(seen.settled):
                assert fresh.token != seen.settled_token, "nobody was told"
            seen.settled_token, seen.settled, seen.changed = fresh.token, now, False

    def fresh(self, client: dav.Client, version: str = "3.0") -> dav.Changes:
        """Return what a new device gets."""
        fresh = client.sync_collection("", version=version)
        for href, card in fresh.changed.items():
            assert card.text
            assert self.by_etag.setdefault((client.login + href, version, card.etag), card.text) == card.text
            if version == "3.0" and card.text not in self.checked:
                self.checked.add(card.text)
                check_with_vobject(card.text)
        return fresh

    def markers_in(self, text: str) -> frozenset[str]:
        """Return every marker in a text."""
        plain = dav.unfolded(text)
        return frozenset(marker for marker in self.model.minted if marker in plain)


def bodies(cards: dict[str, Card]) -> dict[str, list[tuple[str, str]]]:
    """Return what a person can see of cards: everything but UID and REV."""
    return {href: dav.contents(card) for href, card in cards.items()}


def check_with_vobject(text: str) -> None:
    """Read a card with somebody else's parser, and make sure that it has what each client needs."""
    card = vobject.readOne(text)
    assert card.fn.value
    assert len(card.contents["n"]) == len(card.contents["uid"]) == 1
