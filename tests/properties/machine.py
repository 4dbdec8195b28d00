"""
The machine that tries to make an address book wrong: any events in any order, seen from every device.

After each event everybody's address book is fetched afresh and compared with the model, and with what it was before:
who sees no change must get no other token and no other ETag. Devices synchronise now and then, from old tokens and with
answers that got lost, and must end up with what a new device gets. Each is registered with a push service, and told of
what it is to fetch and of nothing else (`tests.properties.told`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from sync.ends.targets import Target
from sync.queries import previews
from tests.properties.model import Group
from tests.properties.told import NAMED, Told
from tests.properties.watch import Seen
from tests.properties.world import IMPORTED, KINDS, Service
from tests.support import dav
from tests.support.dav import Replica, Style
from tests.support.machines import CHOICE, one_of

T = TypeVar("T")
#: Who acts: mostly the first, whom all others know; and towards whom.
OWNER = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3])
#: Fields by their place, as bits.
SOME = st.integers(1, 255)
STYLES: tuple[Style, ...] = ("data", "multiget", "listing")
NAMES = st.sampled_from(["family", "net friends", "colleagues", "家人"])
_TOKEN = re.compile(r"urn:x-evercard:sync/([0-9a-f]+)/([0-9a-f]+)/([0-9]+)")


class AddressBooks(Told):
    """See the module's docstring."""

    # Who there is

    @initialize(count=st.sampled_from([3, 3, 2, 4]), turn=CHOICE, kinds=st.permutations(sorted(KINDS)))
    def people(self, count: int, turn: int, kinds: list[str]) -> None:
        """
        Register people with a device each, which have synchronised once.

        All know the first one, who has fields that nobody, everybody, and just one of them may see, and a contact.
        """
        self.logins = [self.world.register() for _ in range(count)]
        self.seen = {login: Seen() for login in self.logins}
        first, *others = self.logins
        for other in others:
            self.everybody_sees_just_what_they_may()
            self.world.connect(first, other)
        self.everybody_sees_just_what_they_may()
        for kind in kinds[:3]:
            self.world.add_field(first, kind)
        everybody, one = self.world.create_group(first, "everybody"), self.world.create_group(first, "one")
        _, for_all, for_one = self.world.person(first).fields
        for group_id, field_id in ((everybody, for_all), (one, for_one)):
            self.world.grant(first, self.world.person(first).groups[group_id], [field_id], take=False)
        for other in others:
            self.world.join(first, everybody, other)
        self.world.join(first, one, others[0])
        self.world.put_private(first, "plumber")
        self.world.work()
        for index, login in enumerate(self.logins):
            self.devices.append(Replica(self.world.clients[login], STYLES[(index + turn) % len(STYLES)]))
            self.devices[-1].sync()
            self.register(self.devices[-1].client)

    def login(self, choice: int) -> str:
        """Return the login of one person."""
        return self.logins[choice % len(self.logins)]

    def two(self, one: int, other: int) -> tuple[str, str]:
        """Return the logins of two people."""
        first = one % len(self.logins)
        return self.logins[first], self.logins[(first + 1 + other % (len(self.logins) - 1)) % len(self.logins)]

    def fields(self) -> list[tuple[str, int]]:
        """Return the fields of all owners: logins and ids."""
        return [(login, field_id) for login in self.logins for field_id in self.world.person(login).fields]

    def groups(self) -> list[tuple[str, Group]]:
        """Return the groups of all owners."""
        return [(login, group) for login in self.logins for group in self.world.person(login).groups.values()]

    def pairs(self) -> list[tuple[str, str]]:
        """Return who is connected to whom: viewers and owners."""
        return sorted(self.model.connected, key=lambda pair: (self.logins.index(pair[1]), self.logins.index(pair[0])))

    # What owners do

    @rule(owner=OWNER, kind=st.sampled_from(sorted(KINDS)), group=CHOICE | st.none())
    def add_field(self, owner: int, kind: str, group: int | None) -> None:
        """Add a field, and perhaps grant it."""
        login = self.login(owner)
        self.world.add_field(login, kind)
        groups = list(self.world.person(login).groups.values())
        if group is not None and groups:
            field_id = list(self.world.person(login).fields)[-1]
            self.world.grant(login, one_of(groups, group), [field_id], take=False)

    @rule(choice=CHOICE, how=st.sampled_from(["new", "same", "on a device", "not any more"]), named=NAMED)
    @precondition(lambda self: bool(self.fields()))
    def change_field(self, choice: int, how: str, named: str) -> None:
        """Change a value in one way or another, set what is set already, or delete the field."""
        login, field_id = one_of(self.fields(), choice)
        if how == "not any more":
            self.world.remove_field(login, field_id)
        elif how == "on a device":
            href, _ = self.identities[login, login]
            card = self.seen[login].cards[href]
            with self.writing(login, named):
                self.world.edit_own_card(login, field_id, href, card.etag, card.text or "")
        else:
            self.world.set_field(login, field_id, same=how == "same")

    @rule(
        owner=OWNER,
        kept=SOME | st.none(),
        added=st.lists(st.sampled_from(IMPORTED), max_size=2, unique=True),
    )
    def take_card(self, owner: int, kept: int | None, added: list[str]) -> None:
        """Import a card, or make the profile what a card says, which has *kept* fields and others."""
        login = self.login(owner)
        if kept is None:
            self.world.import_card(login, added)
        else:
            self.world.replace_card(login, some_of(self.world.person(login).fields, kept), added)

    @rule(owner=OWNER, name=NAMES, other=NAMES)
    def name_group(self, owner: int, name: str, other: str) -> None:
        """Make a group or, where there is one of this name, give it another, which is nobody else's business."""
        login = self.login(owner)
        ids = {group.name: group.id for group in self.world.person(login).groups.values()}
        if name not in ids:
            self.world.create_group(login, name)
        elif other not in ids:
            self.world.rename_group(login, ids[name], other)

    @rule(choice=CHOICE)
    @precondition(lambda self: bool(self.groups()))
    def delete_group(self, choice: int) -> None:
        """Delete a group."""
        login, group = one_of(self.groups(), choice)
        self.world.delete_group(login, group.id)

    @rule(choice=CHOICE, other=CHOICE)
    @precondition(lambda self: bool(self.groups()))
    def join_or_leave(self, choice: int, other: int) -> None:
        """Move somebody into a group, or out of it."""
        login, group = one_of(self.groups(), choice)
        viewers = [viewer for viewer, owner in self.pairs() if owner == login]
        if viewers:
            viewer = one_of(viewers, other)
            (self.world.leave if viewer in group.members else self.world.join)(login, group.id, viewer)

    @rule(choice=CHOICE, which=SOME, take=st.booleans())
    def grant(self, choice: int, which: int, take: bool) -> None:  # noqa: FBT001 - Hypothesis gives it by its name
        """Grant some fields that are not granted, or take back some that are."""
        people = [(login, self.world.person(login)) for login in self.logins]
        built_in = [(login, group) for login, person in people for group in (person.strangers, person.connections)]
        places = [(login, group, self.world.person(login).fields) for login, group in [*self.groups(), *built_in]]
        chosen = [
            (login, group, [each for each in ids if (each in group.granted) == take]) for login, group, ids in places
        ]
        if possible := [each for each in chosen if each[2]]:
            login, group, fields = one_of(possible, choice)
            self.world.grant(login, group, some_of(fields, which) or fields, take=take)

    @rule(choice=CHOICE, which=CHOICE, wish=st.sampled_from(["flip", "keep", "end"]))
    @precondition(lambda self: bool(self.pairs()))
    def make_exception(self, choice: int, which: int, wish: str) -> None:
        """Make an exception for one person that changes what they see, or one that does not, or end it."""
        viewer, login = one_of(self.pairs(), choice)
        self.except_one(login, viewer, which, wish)

    def except_one(self, login: str, viewer: str, which: int, wish: str) -> None:
        """Make an exception for one viewer and one of the owner's fields, as far as there are any."""
        if fields := list(self.world.person(login).fields):
            field_id = one_of(fields, which)
            visible = field_id in self.world.person(login).visible_to(viewer)
            self.world.make_exception(login, viewer, field_id, None if wish == "end" else visible == (wish == "keep"))

    @rule(one=OWNER, other=CHOICE, again=st.sampled_from([True, True, False]), excepted=CHOICE | st.none())
    def connect_or_part(self, one: int, other: int, *, again: bool, excepted: int | None) -> None:
        """Connect two people, or part them, perhaps with an exception between them, and perhaps connect them again."""
        pair = self.two(one, other)
        if pair not in self.model.connected:
            self.world.connect(*pair)
            return
        if excepted is not None:
            self.except_one(*pair, excepted, "flip")
        self.world.disconnect(*pair)
        if again:
            self.world.connect(*pair)
            for login in pair:
                self.seen[login].changed = True
        else:
            self.check_preview(*pair, "3.0")

    # What time does

    @rule(
        owner=OWNER,
        which=CHOICE,
        minutes=st.sampled_from([10, 10, 120]),
        wish=st.sampled_from(["end", "end", "end and wait", "end and wait", "keep"]),
    )
    def set_end(self, owner: int, which: int, minutes: int, wish: str) -> None:
        """Let something end, and perhaps wait until it has, or keep something that was to end."""
        login = self.login(owner)
        kept = [(who, target) for who, target in self.model.ends if who == login]
        if wish == "keep" and kept:
            self.world.keep(*one_of(kept, which))
        elif targets := self.targets(login):
            self.world.set_end(login, one_of(targets, which), minutes * 60)
            if wish == "end and wait":
                self.move_clock(minutes + 5)

    @rule(minutes=st.sampled_from([15, 15, 15, 150, -15, -150]))
    def move_clock(self, minutes: int) -> None:
        """Put the clock forward or back. No worker runs: whoever reads finds out by themselves what is over."""
        self.world.move_clock(minutes * 60)
        # Who is told of it through the outbox is so only from now on.
        for login in self.logins:
            self.world.clients[login].sync_collection(self.seen[login].token)

    def targets(self, login: str) -> list[Target]:
        """Return what of an owner's can end."""
        person = self.world.person(login)
        of_groups = [(group, True) for group in person.groups.values()]
        of_groups += [(group, False) for group in (person.strangers, person.connections)]
        found = [Target(group_id=group.id) for group, is_own in of_groups if is_own]
        found += [
            Target(group_id=group.id, field_id=each)
            for group, _ in of_groups
            for each in person.fields
            if each in group.granted
        ]
        allowed = [(viewer, field_id) for (viewer, field_id), shown in person.exceptions.items() if shown]
        found += [Target(viewer_id=self.world.person(viewer).id, field_id=each) for viewer, each in allowed]
        viewers = [viewer for viewer, owner in self.pairs() if owner == login]
        return [*found, *(Target(viewer_id=self.world.person(viewer).id) for viewer in viewers)]

    # What viewers do

    @rule(choice=CHOICE, conditional=st.booleans(), named=NAMED)
    @precondition(lambda self: bool(self.pairs()))
    def hide_or_show(self, choice: int, *, conditional: bool, named: str) -> None:
        """Delete somebody's entry on a device, or bring it back."""
        pair = one_of(self.pairs(), choice)
        if pair in self.model.hidden:
            self.world.show(*pair)
        else:
            href, _ = self.identities[pair]
            with self.writing(pair[0], named):
                self.world.hide(*pair, href, self.seen[pair[0]].cards[href].etag if conditional else "")

    @rule(
        viewer=OWNER,
        name=st.sampled_from(["plumber", "%C3%A4%20b"]),
        action=st.sampled_from(["put", "same", "delete"]),
        named=NAMED,
        alone=st.booleans(),
    )
    def private(self, viewer: int, name: str, action: str, *, named: str, alone: bool) -> None:
        """Write, write again, or delete a contact of one's own, perhaps with nothing else to be told of."""
        if alone:
            self.tell(None)
        login = self.login(viewer)
        client = self.world.clients[login]
        href = f"{client.book}{name}.vcf"
        there = self.seen[login].cards.get(href)
        with self.writing(login, named):
            if action == "put" or there is None:
                self.world.put_private(login, name, there.etag if there else "")
            elif action == "same":
                client.put(href, self.world.texts[login][href])
            else:
                self.world.delete_private(login, href)
        if alone:
            self.everybody_sees_just_what_they_may()
            self.tell(None)

    @rule(viewer=CHOICE, style=st.sampled_from(STYLES), version=st.sampled_from(["3.0", "4.0"]))
    @precondition(lambda self: len(self.devices) < 8)
    def another_device(self, viewer: int, style: Style, version: str) -> None:
        """Set up one more device."""
        self.devices.append(Replica(self.world.device(self.login(viewer)), style, version))
        self.register(self.devices[-1].client)

    @rule(choice=CHOICE, lost=st.booleans(), back=CHOICE | st.none())
    def synchronise(self, choice: int, lost: bool, back: int | None) -> None:  # noqa: FBT001 - Hypothesis gives it by its name
        """Bring a device up to date, perhaps from where it was long ago; perhaps the answer does not arrive."""
        device = one_of(self.devices, choice)
        if back is not None and device.tokens:
            device.go_back(back % len(device.tokens))
        settled = self.world.is_settled()
        device.sync(lost=lost)
        if settled and not lost:
            self.check_device(device)

    # What the curious try

    @rule(viewer=CHOICE, choice=CHOICE, negate=st.booleans())
    @precondition(lambda self: self.model.minted)
    def search(self, viewer: int, choice: int, *, negate: bool) -> None:
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

    @rule(owner=OWNER, other=CHOICE, version=st.sampled_from(["3.0", "4.0"]))
    def preview(self, owner: int, other: int, version: str) -> None:
        """See what somebody is shown, or would be."""
        self.check_preview(*self.two(owner, other), version)

    def check_preview(self, login: str, viewer: str, version: str) -> None:
        """The preview for a person is the very card that they have, and holders are told as it is."""
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
    @precondition(lambda self: not self.restored)
    def restore(self) -> None:
        """Begin a new epoch, after which no token that was handed out is taken any more."""
        self.restored = True
        self.world.begin_new_epoch()
        for login, seen in self.seen.items():
            self.refused(self.world.clients[login], seen.token)
            fresh = self.fresh(self.world.clients[login])
            assert fresh.changed == seen.cards
            seen.token, seen.settled_token = fresh.token, "" if seen.changed else fresh.token
        self.forget_tokens()

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
        self.note_news()
        uids = [uid for _, uid in self.identities.values()]
        assert len(set(uids)) == len(uids), "two viewers could compare UIDs"

    @override
    def teardown(self) -> None:
        """Take something back, let everything arrive, and bring every device up to date from each token it ever had."""
        if not self.logins:
            return
        first = self.logins[0]
        for group in self.world.person(first).groups.values():
            if group.granted:
                self.world.grant(first, group, group.granted, take=True)
        self.world.work()
        self.everybody_sees_just_what_they_may()
        self.search(1, 0, negate=False)
        self.tell(None)
        for device in self.devices:
            fresh = self.fresh(device.client, device.version)
            for index in [None, *range(len(device.tokens))][:6]:
                if index is not None:
                    device.go_back(index)
                device.sync()
                self.check_device(device, fresh)


def search(machine: type[AddressBooks], service: Service, how: settings) -> None:
    """Search for a history on *service* that makes *machine* fail."""
    run_state_machine_as_test(acting_on(service, machine), settings=how)


def acting_on(service: Service, machine: type[AddressBooks]) -> type[AddressBooks]:
    """Return a machine that acts on a service."""

    class Here(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(service)

    return Here


def some_of(found: Iterable[T], which: int) -> list[T]:
    """Return those whose bit is set, over and over."""
    return [item for index, item in enumerate(found) if which >> index % 8 & 1]
