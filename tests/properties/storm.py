"""
Many hands on the same few people at once, and what must hold meanwhile and afterwards.

Each marker is granted to one group only, by one writer, which writes down when it could be seen; each membership is in
one writer's hands as well. So it is known of each answer what could not possibly be in it, whatever came in between.
Afterwards, when all has arrived, every device must hold what a new one gets, and that must be what the engine's
rules say.
"""

from __future__ import annotations

import contextlib
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from sync import fields
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable, EvercardError
from sync.models import Job
from sync.profiles import profiles
from sync.queries import previews
from sync.revisions import fan_out
from sync.sharing import connections, grants, groups, visibility
from sync.sharing.cards import content_of
from tests.properties.model import MARKER, new_marker
from tests.properties.world import private_card
from tests.support import dav
from tests.support.factories import pending
from tests.support.people import Person, register

T = TypeVar("T")
Hand = Callable[[random.Random], None]
FOREVER = math.inf


@dataclass
class Window:
    """A time in which something was possible."""

    since: float
    until: float = FOREVER

    def meets(self, *others: Window) -> bool:
        """Whether there is a moment in all of these windows."""
        windows = (self, *others)
        return max(window.since for window in windows) <= min(window.until for window in windows)


@dataclass(frozen=True)
class Circle:
    """A group of an owner's."""

    owner: Person
    id: int


@dataclass
class Secret:
    """A value: which *group* was granted it, and when. One of no group is nobody's but the owner's."""

    marker: str
    group: Circle | None
    windows: list[Window] = field(default_factory=list)


class Storm:
    """
    Two owners, whom all others know, with writers and readers that work while the block of `blowing` runs.

    What goes wrong is collected in `faults`, because nobody hears what a thread raises. *at_once* tells that nothing
    goes through the outbox, so whoever synchronises after a commit has what it changed. *seed* decides what the hands
    do, not when.
    """

    def __init__(
        self, database: Database, http: httpx.Client, *, at_once: bool, viewers: int = 4, seed: int = 0
    ) -> None:
        """Make the people."""
        self.database = database
        self.at_once = at_once
        self.http = http
        self.random = random.Random(seed)
        self.counts = Counter[str]()
        self.owners = [register(database) for _ in range(2)]
        self.viewers = [register(database) for _ in range(viewers)]
        self.circles = [self._circle(owner, name) for owner in self.owners for name in ("family", "colleagues")]
        self.secrets: dict[str, Secret] = {}
        self.memberships: dict[tuple[Person, Circle], list[Window]] = {}
        #: What each private entry may hold: what was acknowledged last, and what was sent since and not answered.
        self.private: dict[tuple[Person, str], set[str | None]] = {}
        self.faults: list[str] = []
        self.devices: list[dav.Replica] = []
        self._stop = threading.Event()
        for viewer in self.viewers:
            for owner in self.owners:
                self._write(connections.connect, owner.id, viewer.id)
            self.devices += [dav.Replica(self.client(viewer), style) for style in ("data", "multiget")]

    def client(self, person: Person) -> dav.Client:
        """Return a client whose answers are searched."""
        return dav.Client(self.http, person.login, person.password, notice=self.check, keep=False)

    @contextlib.contextmanager
    def blowing(self) -> Iterator[None]:
        """Let everybody work while the block runs."""
        hands: list[Hand] = [self._write_profile, self._write_profile, self._put]
        hands += [partial(hand, half) for hand in (self._move, self._poll) for half in (0, 1)]
        self._stop.clear()
        threads = [threading.Thread(target=self._go_on, args=(hand, self._chance())) for hand in hands]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def check(self, exchange: dav.Exchange) -> None:
        """Search an answer for what could not be seen at any moment between the question and the answer."""
        self.counts["answers"] += 1
        asked = Window(exchange.sent_at, exchange.answered_at)
        for secret in self._impossible(exchange.login, exchange.text, asked):
            self.faults.append(f"leak: {secret} was sent to {exchange.login}, {exchange.method} {asked}")

    def settle(self, *, patience: float = 60) -> None:
        """Wait until the outbox is empty, working it off as well."""
        deadline = time.monotonic() + patience
        while True:
            # Whoever had a job and died is not waited for.
            self.database.write(lambda session: session.execute(update(Job).values(due_at=0)))
            fan_out.work(self.database)
            if pending(self.database) == 0:
                return
            assert time.monotonic() < deadline, "the outbox is never empty"
            time.sleep(0.1)

    def check_end(self) -> None:
        """Compare every device with a new one, and that with what the engine's rules say."""
        assert not self.faults, self.faults[:3]
        self.settle()
        # Nothing changes any more, so every new device of a person gets the same.
        new = {viewer.login: self.client(viewer).sync_collection() for viewer in self.viewers}
        for device in self.devices:
            device.sync()
            fresh = new[device.client.login]
            assert (device.cards, device.token) == (dict(fresh.changed), fresh.token), "an update was lost"
            for token, cards in device.tokens[:: max(1, len(device.tokens) // 5)]:
                device.token, device.cards = token, dict(cards)
                device.sync()
                assert device.cards == dict(fresh.changed), "an update was lost since an older token"
        assert not self.faults, self.faults[:3]
        for viewer in self.viewers:
            self._check_book(viewer, dict(new[viewer.login].changed))

    def _check_book(self, viewer: Person, cards: dict[str, dav.Card]) -> None:
        for (person, href), possible in self.private.items():
            if person == viewer:
                card = cards.pop(href, None)
                assert (card and card.text) in possible, "a contact was lost"
        with self.database.reading() as session:
            expected = []
            for owner_id in connections.connected_to(session, viewer.id):
                assert previews.for_person(session, owner_id, viewer.id) in [card.text for card in cards.values()]
                composition = visibility.composition_of(session, owner_id, viewer.id)
                visible = visibility.visible_fields(session, owner_id, composition)
                expected.append(sorted(content_of(item).main.value for item in visible))
        shown = [notes for card in cards.values() if (notes := _notes(card)) is not None]
        assert sorted(shown) == sorted([*expected, []]), "a card is not what may be seen"

    def _impossible(self, login: str, text: str, asked: Window) -> list[Secret]:
        """Return what is in a text that a person could not see at any moment of a time."""
        viewer = next(person for person in self.viewers if person.login == login)
        found = [self.secrets[marker] for marker in set(MARKER.findall(text)) if marker in self.secrets]
        return [secret for secret in found if not self._could_see(viewer, secret, asked)]

    def _could_see(self, viewer: Person, secret: Secret, asked: Window) -> bool:
        if secret.group is None:
            return False
        joined = self.memberships.get((viewer, secret.group), [])
        return any(asked.meets(window, member) for window in list(secret.windows) for member in list(joined))

    def _go_on(self, hand: Hand, chance: random.Random) -> None:
        while not self._stop.is_set():
            try:
                hand(chance)
            except httpx.TransportError:
                self.counts["lost answers"] += 1
                time.sleep(0.1)
            except (AssertionError, EvercardError, DBAPIError) as error:
                self.faults.append(f"{hand}: {type(error).__name__}: {error}")
                return

    def _write(self, change: Callable[..., T], *args: Any) -> T:
        while True:
            try:
                result = self.database.write(lambda session: change(session, *args))
            except DatabaseUnavailable:
                # So many writers may starve one of them on SQLite. Nothing was changed.
                self.counts["refused"] += 1
                assert self.counts["refused"] < 100, "the database does not come back"
            else:
                self.counts["changes"] += 1
                return result

    def _write_profile(self, chance: random.Random) -> None:
        """Add a value, grant it to a group, change it, take it back, and delete it: one value's life."""
        circle = chance.choice(self.circles)
        if chance.random() < 0.2:
            self._write(profiles.add_field, circle.owner.id, _note(self._secret(None).marker))
            return
        first, second = self._secret(circle), self._secret(circle)
        field_id = self._write(profiles.add_field, circle.owner.id, _note(first.marker))
        self._open(first)
        self._write(grants.grant, circle.owner.id, circle.id, [field_id])
        self._open(second)
        self._write(profiles.set_field, circle.owner.id, field_id, _note(second.marker))
        self._close(first)
        if chance.random() < 0.9:
            self._write(grants.take_back, circle.owner.id, circle.id, [field_id])
            self._close(second)
            self._write(profiles.remove_field, circle.owner.id, field_id)

    def _move(self, half: int, chance: random.Random) -> None:
        """Move one viewer in or out of a group, or part them from an owner and connect them again."""
        viewer, circle = chance.choice(self.viewers[half::2]), chance.choice(self.circles)
        windows = self.memberships.setdefault((viewer, circle), [])
        if chance.random() < 0.2:
            self._write(connections.disconnect, circle.owner.id, viewer.id)
            left = [(person, other) for person, other in self.memberships if person == viewer]
            for key in [key for key in left if key[1].owner == circle.owner]:
                end(self.memberships[key])
            self._write(connections.connect, circle.owner.id, viewer.id)
        elif windows and windows[-1].until == FOREVER:
            self._write(groups.remove_member, circle.owner.id, circle.id, viewer.id)
            end(windows)
        else:
            windows.append(Window(time.monotonic()))
            self._write(groups.add_member, circle.owner.id, circle.id, viewer.id)

    def _poll(self, half: int, chance: random.Random) -> None:
        """Synchronise a device, sometimes without getting the answer, sometimes from an older token."""
        device = chance.choice(self.devices[half::2])
        if device.tokens and chance.random() < 0.05:
            device.go_back(chance.randrange(len(device.tokens)))
        since = time.monotonic()
        lost = chance.random() < 0.1
        device.sync(lost=lost)
        if self.at_once and not lost:
            asked = Window(since, time.monotonic())
            text = dav.unfolded("".join(card.text or "" for card in device.cards.values()))
            for secret in self._impossible(device.client.login, text, asked):
                self.faults.append(f"an update was lost: {device.client.login} still has {secret} {asked}")

    def _put(self, chance: random.Random) -> None:
        """Store a contact of a viewer's own; what was acknowledged must be there in the end."""
        viewer = chance.choice(self.viewers)
        client = self.client(viewer)
        # One that is never written again would be missed for ever.
        name = f"c{chance.randrange(6)}" if chance.random() < 0.3 else f"once-{new_marker()}"
        text = private_card(f"{name}@{viewer.login}", new_marker())
        possible = self.private.setdefault((viewer, f"{client.book}{name}.vcf"), {None})
        possible.add(text)
        exchange = client.request("PUT", f"{client.book}{name}.vcf", text, {"Content-Type": dav.VCARD_TYPE})
        if exchange.status in (201, 204):
            possible.intersection_update({text})
        elif exchange.status != 503:
            self.faults.append(f"PUT was answered with {exchange.status}: {exchange.body!r}")
        time.sleep(0.02)

    def _chance(self) -> random.Random:
        return random.Random(self.random.random())

    def _circle(self, owner: Person, name: str) -> Circle:
        return Circle(owner, self._write(groups.create, owner.id, name))

    def _secret(self, circle: Circle | None) -> Secret:
        marker = new_marker()
        self.secrets[marker] = Secret(marker, circle)
        return self.secrets[marker]

    def _open(self, secret: Secret) -> None:
        secret.windows.append(Window(time.monotonic()))

    def _close(self, secret: Secret) -> None:
        end(secret.windows)


def end(windows: list[Window]) -> None:
    """Close the last window, if it is open: what it was about is over, and committed."""
    if windows:
        windows[-1].until = min(windows[-1].until, time.monotonic())


def _note(marker: str) -> fields.FieldContent:
    return fields.field_from_text("note", marker)


def _notes(card: dav.Card) -> list[str] | None:
    """Return the notes of a card that somebody keeps about themselves, None for a contact of one's own."""
    lines = dav.contents(card)
    if ("FN", "Plumber") in lines:
        return None
    return sorted(value for name, value in lines if name == "NOTE")
