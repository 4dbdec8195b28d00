"""
The machine that tries to make an address book wrong: any events in any order, seen from every device.

After each event everybody's address book is fetched afresh and compared with the model, and with what it was before:
who sees no change must get no other token and no other ETag. Devices synchronise now and then, from old tokens and with
answers that got lost, and must end up with what a new device gets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import vobject
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from sync import previews
from tests.properties.model import Group
from tests.properties.world import IMPORTED, KINDS, Service, World
from tests.support import dav
from tests.support.dav import Card, Replica, Style

#: Which one of several: taken modulo their number.
CHOICE = st.integers(0, 11)
STYLES: tuple[Style, ...] = ("data", "multiget", "listing")
NAMES = st.sampled_from(["family", "net friends", "colleagues", "家人"])
_TOKEN = re.compile(r"urn:x-evercard:sync/([0-9a-f]+)/([0-9a-f]+)/([0-9]+)")


@dataclass
class Seen:
    """What one person's address book was: as of now, and as of the last time that nothing was on its way to it."""

    token: str = ""
    cards: dict[str, Card] = field(default_factory=dict)
    settled_token: str = ""
    settled: dict[str, Card] = field(default_factory=dict)
    changed: bool = True


class AddressBooks(RuleBasedStateMachine):
    """See the module's docstring."""

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

    # Who there is

    @initialize(count=st.integers(2, 4), turn=CHOICE)
    def people(self, count: int, turn: int) -> None:
        """Register people with a device each; all know the first one, who has a field and a group."""
        self.logins = [self.world.register() for _ in range(count)]
        self.seen = {login: Seen() for login in self.logins}
        first, *others = self.logins
        self.world.add_field(first, "mobile")
        group_id = self.world.create_group(first, "everybody")
        self.world.grant(first, self.group(first, 0), list(self.world.person(first).fields), take=False)
        for other in others:
            self.world.connect(first, other)
            self.world.join(first, group_id, other)
        for index, login in enumerate(self.logins):
            self.devices.append(Replica(self.world.clients[login], STYLES[(index + turn) % len(STYLES)]))

    def login(self, choice: int) -> str:
        """Return the login of one person."""
        return self.logins[choice % len(self.logins)]

    def two(self, one: int, other: int) -> tuple[str, str]:
        """Return the logins of two people."""
        first = one % len(self.logins)
        return self.logins[first], self.logins[(first + 1 + other % (len(self.logins) - 1)) % len(self.logins)]

    def group(self, owner: str, choice: int) -> Group:
        """Return one of the owner's groups or, if there is none, the one of strangers."""
        found = list(self.world.person(owner).groups.values()) or [self.world.person(owner).strangers]
        return found[choice % len(found)]

    def field(self, owner: str, choice: int) -> int | None:
        """Return the id of one of the owner's fields."""
        found = list(self.world.person(owner).fields)
        return found[choice % len(found)] if found else None

    # What owners do

    @rule(owner=CHOICE, kind=st.sampled_from(sorted(KINDS)), group=CHOICE | st.none())
    def add_field(self, owner: int, kind: str, group: int | None) -> None:
        """Add a field, and perhaps grant it."""
        login = self.login(owner)
        self.world.add_field(login, kind)
        if group is not None:
            self.world.grant(login, self.group(login, group), [list(self.world.person(login).fields)[-1]], take=False)

    @rule(owner=CHOICE, choice=CHOICE, same=st.booleans())
    def set_field(self, owner: int, choice: int, same: bool) -> None:  # noqa: FBT001
        """Change a value, or set what is set already."""
        login = self.login(owner)
        if (field_id := self.field(login, choice)) is not None:
            self.world.set_field(login, field_id, same=same)

    @rule(owner=CHOICE, choice=CHOICE)
    def remove_field(self, owner: int, choice: int) -> None:
        """Delete a field."""
        login = self.login(owner)
        if (field_id := self.field(login, choice)) is not None:
            self.world.remove_field(login, field_id)

    @rule(owner=CHOICE, added=st.lists(st.sampled_from(IMPORTED), max_size=2))
    def import_card(self, owner: int, added: list[str]) -> None:
        """Import a card."""
        self.world.import_card(self.login(owner), added)

    @rule(owner=CHOICE, kept=st.integers(0, 255), added=st.lists(st.sampled_from(IMPORTED), max_size=2, unique=True))
    def replace_card(self, owner: int, kept: int, added: list[str]) -> None:
        """Replace a profile."""
        login = self.login(owner)
        chosen = [field_id for index, field_id in enumerate(self.world.person(login).fields) if kept >> index & 1]
        self.world.replace_card(login, chosen, added)

    @rule(owner=CHOICE, name=NAMES)
    def create_group(self, owner: int, name: str) -> None:
        """Make a group, once of each name."""
        login = self.login(owner)
        if name not in [group.name for group in self.world.person(login).groups.values()]:
            self.world.create_group(login, name)

    @rule(owner=CHOICE, choice=CHOICE, name=NAMES)
    def rename_group(self, owner: int, choice: int, name: str) -> None:
        """Rename a group, which is nobody else's business."""
        login = self.login(owner)
        groups = self.world.person(login).groups
        if groups and name not in [group.name for group in groups.values()]:
            self.world.rename_group(login, self.group(login, choice).id, name)

    @rule(owner=CHOICE, choice=CHOICE)
    def delete_group(self, owner: int, choice: int) -> None:
        """Delete a group."""
        login = self.login(owner)
        if self.world.person(login).groups:
            self.world.delete_group(login, self.group(login, choice).id)

    @rule(owner=CHOICE, other=CHOICE, choice=CHOICE)
    def join_or_leave(self, owner: int, other: int, choice: int) -> None:
        """Move somebody into a group, or out of it."""
        login, viewer = self.two(owner, other)
        group = self.group(login, choice)
        if group is not self.world.person(login).strangers and (viewer, login) in self.model.connected:
            (self.world.leave if viewer in group.members else self.world.join)(login, group.id, viewer)

    @rule(owner=CHOICE, choice=CHOICE, strangers=st.booleans(), which=st.integers(0, 255), take=st.booleans())
    def grant(self, owner: int, choice: int, strangers: bool, which: int, take: bool) -> None:  # noqa: FBT001
        """Grant some fields, or take them back."""
        login = self.login(owner)
        person = self.world.person(login)
        group = person.strangers if strangers else self.group(login, choice)
        chosen = [field_id for index, field_id in enumerate(person.fields) if which >> index & 1]
        self.world.grant(login, group, chosen, take=take)

    @rule(owner=CHOICE, other=CHOICE, choice=CHOICE, allowed=st.sampled_from([True, False, None]))
    def make_exception(self, owner: int, other: int, choice: int, allowed: bool | None) -> None:  # noqa: FBT001
        """Make or end an exception for one person."""
        login, viewer = self.two(owner, other)
        field_id = self.field(login, choice)
        if field_id is not None and (viewer, login) in self.model.connected:
            self.world.make_exception(login, viewer, field_id, allowed)

    @rule(one=CHOICE, other=CHOICE, again=st.booleans())
    def connect_or_part(self, one: int, other: int, again: bool) -> None:  # noqa: FBT001
        """Connect two people, or part them, and perhaps connect them again."""
        pair = self.two(one, other)
        if pair not in self.model.connected:
            self.world.connect(*pair)
            return
        self.world.disconnect(*pair)
        if again:
            self.world.connect(*pair)
            for login in pair:
                self.seen[login].changed = True

    @rule(owner=CHOICE, choice=CHOICE)
    def edit_own_card(self, owner: int, choice: int) -> None:
        """Change a value on a device, in one's own card."""
        login = self.login(owner)
        if (field_id := self.field(login, choice)) is not None:
            href, _ = self.identities[login, login]
            card = self.seen[login].cards[href]
            self.world.edit_own_card(login, field_id, href, card.etag, card.text or "")

    # What viewers do

    @rule(viewer=CHOICE, other=CHOICE, conditional=st.booleans())
    def hide_or_show(self, viewer: int, other: int, conditional: bool) -> None:  # noqa: FBT001
        """Delete somebody's entry on a device, or bring it back."""
        pair = self.two(viewer, other)
        if pair in self.model.hidden:
            self.world.show(*pair)
        elif pair in self.model.connected:
            href, _ = self.identities[pair]
            self.world.hide(*pair, href, self.seen[pair[0]].cards[href].etag if conditional else "")

    @rule(viewer=CHOICE, name=st.sampled_from(["plumber", "ä b"]), action=st.sampled_from(["put", "same", "delete"]))
    def private(self, viewer: int, name: str, action: str) -> None:
        """Write, write again, or delete a contact of one's own."""
        login = self.login(viewer)
        client = self.world.clients[login]
        href = f"{client.book}{'%C3%A4%20b' if name == 'ä b' else name}.vcf"
        there = self.seen[login].cards.get(href)
        name = href.removeprefix(client.book).removesuffix(".vcf")
        if action == "put" or there is None:
            self.world.put_private(login, name, there.etag if there else "")
        elif action == "same":
            client.put(href, self.world.texts[login][href])
        else:
            self.world.delete_private(login, href)

    @rule(viewer=CHOICE, style=st.sampled_from(STYLES), version=st.sampled_from(["3.0", "4.0"]))
    def another_device(self, viewer: int, style: Style, version: str) -> None:
        """Set up one more device."""
        if len(self.devices) < 8:
            self.devices.append(Replica(self.world.device(self.login(viewer)), style, version))

    @rule(choice=CHOICE, lost=st.booleans(), back=CHOICE | st.none())
    def synchronise(self, choice: int, lost: bool, back: int | None) -> None:  # noqa: FBT001
        """Bring a device up to date, perhaps from where it was long ago; perhaps the answer does not arrive."""
        device = self.devices[choice % len(self.devices)]
        if back is not None and device.tokens:
            device.go_back(back % len(device.tokens))
        settled = self.world.is_settled()
        device.sync(lost=lost)
        if settled and not lost:
            self.check_device(device)

    def check_device(self, device: Replica) -> None:
        """A device that has synchronised holds what a new one gets, and its token is of use."""
        fresh = self.fresh(device.client, device.version)
        assert device.cards == fresh.changed
        if device.style != "listing":
            assert device.token == fresh.token
            again = device.client.sync_collection(device.token)
            assert (again.changed, again.gone) == ({}, frozenset())

    # What the curious try

    @rule(viewer=CHOICE, choice=st.integers(0, 2**16), negate=st.booleans())
    @precondition(lambda self: self.model.minted)
    def search(self, viewer: int, choice: int, negate: bool) -> None:  # noqa: FBT001
        """Search for anything that ever was: only what may be seen is found, or makes a difference."""
        login = self.login(viewer)
        marker = list(self.model.minted)[choice % len(self.model.minted)]
        name = self.model.minted[marker]
        negate = negate and name != "FN"
        found = self.world.clients[login].query(name, marker, negate=negate)
        book = self.expected(login)
        if negate:
            others = {other for other, where in self.model.minted.items() if where == name} - {marker}
            assert set(found) == {href for href, markers in book.items() if markers & others}
        else:
            assert set(found) == {href for href, markers in book.items() if marker in markers}
        assert all(card == self.seen[login].cards[href] for href, card in found.items())

    @rule(viewer=CHOICE, other=CHOICE)
    def intrude(self, viewer: int, other: int) -> None:
        """Ask for what is not there, or somebody else's; `World.check` reads the answers."""
        login, victim = self.two(viewer, other)
        client, there = self.world.clients[login], self.world.clients[victim]
        hrefs = [href for (who, _), (href, _) in self.identities.items() if who in (login, victim)]
        found = client.multiget(hrefs)
        assert {href for href, card in found.items() if card} == set(hrefs) & self.seen[login].cards.keys()
        for href in hrefs:
            status = 403 if href.startswith(there.book) else 200 if href in self.seen[login].cards else 404
            assert client.request("GET", href).status == status, client.request("GET", href)
            nonsense = {"If-Match": '"nonsense"', "Content-Type": dav.VCARD_TYPE}
            assert client.request("PUT", href, "nonsense", nonsense).status in (403, 412)
        assert client.request("PROPFIND", there.book).status == 403
        assert client.request("GET", there.principal).status in (403, 405)
        own = _TOKEN.fullmatch(self.seen[login].token)
        assert own
        ahead = f"urn:x-evercard:sync/{own[1]}/{own[2]}/{int(own[3]) + 1}"
        for token in (self.seen[victim].token, ahead, "urn:x-evercard:sync/1/1/0", "data:,nonsense"):
            self.refused(client, token)

    def refused(self, client: dav.Client, token: str) -> None:
        """Make sure that a token is not taken."""
        try:
            client.sync_collection(token)
        except dav.Failed as answer:
            assert (answer.status, answer.condition) == (403, "{DAV:}valid-sync-token")  # noqa: PT017
        else:
            raise AssertionError(f"{token} was accepted")

    @rule(owner=CHOICE, other=CHOICE, version=st.sampled_from(["3.0", "4.0"]))
    def preview(self, owner: int, other: int, version: str) -> None:
        """The preview for a person is the very card that they have, and holders are told as it is."""
        login, viewer = self.two(owner, other)
        ids = self.world.person(login).id, self.world.person(viewer).id
        with self.world.database.reading() as session:
            text = previews.for_person(session, *ids, version)
            holders = {holder.login: holder for holder in previews.holders(session, ids[0])}
        assert self.markers_in(text) == self.model.markers(viewer, login)
        assert holders.keys() == {one for one, owner in self.model.connected if owner == login}
        for name, holder in holders.items():
            assert {field.id for field in holder.fields} == self.world.person(login).visible_to(name)
        if login in self.model.owners(viewer):
            href, _ = self.identities[viewer, login]
            assert text == self.world.clients[viewer].get(href, version=version).text

    # What administrators and machines do

    @rule()
    def restore(self) -> None:
        """Begin a new epoch, after which no token that was handed out is taken any more."""
        self.world.begin_new_epoch()
        for login, seen in self.seen.items():
            self.refused(self.world.clients[login], seen.token)
            fresh = self.fresh(self.world.clients[login])
            assert fresh.changed == seen.cards
            seen.token, seen.settled_token = fresh.token, "" if seen.changed else fresh.token

    @rule()
    @precondition(lambda self: self.world.service.deferred)
    def work(self) -> None:
        """Work off the outbox, and bring every device up to date."""
        self.world.work()
        for device in self.devices:
            device.sync()
            self.check_device(device)

    # What must hold

    @invariant()
    def everybody_sees_just_what_they_may(self) -> None:
        """Fetch everything afresh, and compare."""
        settled = self.world.is_settled()
        for login in self.logins:
            fresh = self.fresh(self.world.clients[login])
            self.learn(login, dict(fresh.changed))
            shown = {href: self.markers_in(card.text or "") for href, card in fresh.changed.items()}
            assert shown == self.expected(login)
            self.compare(self.seen[login], fresh, settled=settled)
        uids = [uid for _, uid in self.identities.values()]
        assert len(set(uids)) == len(uids), "two viewers could compare UIDs"

    def learn(self, viewer: str, cards: dict[str, Card]) -> None:
        """Remember the name and UID of each entry when it is first seen; it has the same ever after."""
        known = {href for (who, _), (href, _) in self.identities.items() if who == viewer}
        new = [href for href in cards if href not in known and href not in self.world.person(viewer).private]
        for owner in self.model.owners(viewer):
            if (viewer, owner) not in self.identities:
                # Several came at once only at the beginning, where each card still shows who it is.
                (href,) = new if len(new) == 1 else [href for href in new if self.is_of(owner, cards[href])]
                self.identities[viewer, owner] = href, dav.value_of(cards[href], "UID")
                new.remove(href)
            href, uid = self.identities[viewer, owner]
            assert dav.value_of(cards[href], "UID") == uid
        assert not new
        for href, text in self.world.texts[viewer].items():
            assert cards[href].text == text

    def is_of(self, owner: str, card: Card) -> bool:
        """Whether a card shows the login of its owner, as one without a name does."""
        return dav.value_of(card, "FN") == owner

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

    @override
    def teardown(self) -> None:
        """Let everything arrive, and bring every device up to date from each token that it ever had."""
        if not self.logins:
            return
        self.world.work()
        self.everybody_sees_just_what_they_may()
        for device in self.devices:
            for index in [None, *range(len(device.tokens))][:6]:
                if index is not None:
                    device.go_back(index)
                device.sync()
                self.check_device(device)


def search(machine: type[AddressBooks], service: Service, how: settings) -> None:
    """Search for a history on *service* that makes *machine* fail."""

    class Here(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(service)

    run_state_machine_as_test(Here, settings=how)


def bodies(cards: dict[str, Card]) -> dict[str, list[tuple[str, str]]]:
    """Return what a person can see of cards: everything but UID and REV."""
    return {href: dav.contents(card) for href, card in cards.items()}


def check_with_vobject(text: str) -> None:
    """Read a card with somebody else's parser, and make sure that it has what each client needs."""
    card = vobject.readOne(text)
    assert card.fn.value
    assert len(card.contents["n"]) == len(card.contents["uid"]) == 1
