"""
The machine that tries to make a shared book wrong: its people write, read, come, go and may do something else.

Any of it may be killed on the way or remain unanswered, and then whoever asked asks again. Clocks are put forward and
back. Devices synchronise now and then, from old tokens and in every way, and must end up with what the model says;
every answer is searched for markers that its person may not see. Each step is chosen among those that do something.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from sync import verification
from sync.database.engine import Session
from sync.revisions.shared_states import NO_ACCESS, READER, WRITER
from sync.shared_books import access, past, writes
from sync.sign_in import credentials
from tests.properties.model import MARKER
from tests.properties.shared_books_model import (
    LINES,
    NAMES,
    Device,
    Model,
    Person,
    markers_of,
    name_of,
    text_of,
)
from tests.support import clubs, dav, shared
from tests.support.clock import HOUR, MINUTE, Clock
from tests.support.kills import Kills
from tests.support.machines import CHOICE, KILL, one_of
from tests.support.site import Site, Transport

T = TypeVar("T")
STYLES: tuple[dav.Style, ...] = ("data", "multiget")
ROLES = (READER, WRITER, NO_ACCESS, None)


class SharedBooks(RuleBasedStateMachine):
    """Two who write a book and one who reads it, each with a device of each style."""

    def __init__(self, site: Site, clock: Clock, kills: Kills, number: int) -> None:
        """Let there be a contact, which everybody has."""
        super().__init__()
        self.site, self.database, self.clock, self.kills = site, site.database, clock, kills
        self.model = Model()
        # Nothing depends on what was before, not on the minute either.
        clock.put(clock.now() // HOUR * HOUR + HOUR)
        self.http = dav.http("http://evercard.test", transport=Transport(site))
        self.shelf = shared.shelf(site, club=clubs.found(self.database, f"club {number}"))
        for index, role in enumerate((WRITER, WRITER, READER)):
            person = Person(self.shelf.stranger(f"s{number}x{index}"))
            self.model.people.append(person)
            self.let_be(person, role)
            person.replicas = [Device(self.device(person), style) for style in STYLES]
        self.write(0, line="TEL", kill=None, behind=False)
        for person in self.model.people:
            for replica in person.replicas:
                self.bring_up_to_date(person, replica)

    def device(self, person: Person) -> dav.Client:
        """Let a device in, whose every answer is looked at."""
        member = person.member
        _, password = self.database.write(lambda session: credentials.add_device(session, member.id, "phone"))
        look = partial(self.look, person)
        client = dav.Client(self.http, member.login, password, notice=look, keep=False)
        client.book = member.home(self.shelf.path)
        return client

    # What they may do

    @rule(choice=CHOICE)
    def come_go_or_be_granted(self, choice: int) -> None:
        """Let somebody come, go, or do something else from now on."""
        others = [(person, role) for person in self.model.people for role in ROLES if person.role != role]
        self.let_be(*one_of(others, choice))

    def let_be(self, person: Person, role: str | None) -> None:
        """Let somebody be a member who may do this, or none."""
        if role is None:
            self.shelf.club.leave(person.member.id)
        elif person.role is None:
            self.shelf.club.join(person.member.id)
        if role is not None:
            self.shelf.grant(person.member, role)
        person.role = role

    # What they do

    @rule(choice=CHOICE, line=st.sampled_from(LINES), kill=KILL, behind=st.booleans())
    @precondition(lambda self: self.model.who(WRITER))
    def write(self, choice: int, *, line: str, kill: int | None, behind: bool) -> None:
        """
        Let a writer change a line of a contact, or add one.

        Where the device is *behind*, it does not know of what others changed, and names no state.
        """
        person, name = one_of([(each, name) for name in NAMES for each in self.model.who(WRITER)], choice)
        replica, href = one_of(person.replicas, choice // 2), self.href(person, name)
        if not behind or href not in replica.cards or replica.role != WRITER:
            self.bring_up_to_date(person, replica)
        if name in person.own and name not in self.model.contacts:
            self.add_own(person, replica, name, kill)
            return
        held = replica.cards.get(href)
        had = markers_of(held.text or "") if held is not None else {}
        before = name in self.model.contacts
        # A contact has each line from the first: where two add one, it has both.
        sent = had | {each: self.model.mint() for each in ([line] if had else LINES)}
        self.model.store(name, had, sent)
        self.put(replica, href, text_of(name, sent), kill, "" if behind or held is None else held.etag)
        self.is_noted(person, name, past.CHANGED if before else past.ADDED)

    @rule(choice=CHOICE, line=st.sampled_from(LINES))
    @precondition(lambda self: len(self.model.who(WRITER)) > 1 and self.model.contacts)
    def change_at_once(self, choice: int, line: str) -> None:
        """Let two writers change different lines of a contact, and neither know of the other nor name a state."""
        name = one_of([*self.model.contacts], choice)
        for writer in self.model.who(WRITER):
            self.bring_up_to_date(writer, writer.replicas[0])
        had, others = dict(self.model.contacts[name]), iter((line, *(each for each in LINES if each != line)))
        for writer, changed in zip(self.model.who(WRITER), others, strict=False):
            sent = {**had, changed: self.model.mint()}
            self.model.store(name, had, sent)
            self.put(writer.replicas[0], self.href(writer, name), text_of(name, sent))

    @rule(choice=CHOICE, kill=KILL, behind=st.booleans())
    @precondition(lambda self: self.model.who(READER))
    def lay_over(self, choice: int, kill: int | None, *, behind: bool) -> None:
        """Let a reader add a note to a contact, or a contact of their own, and see it on that device."""
        person, name = one_of([(each, name) for name in NAMES for each in self.model.who(READER)], choice)
        replica = one_of(person.replicas, choice // 2)
        if not behind or not self.knows_own(person, replica, name):
            self.bring_up_to_date(person, replica)
        if name not in self.model.contacts:
            self.add_own(person, replica, name, kill)
            return
        self.note(person, replica, name, kill)

    def note(self, person: Person, replica: Device, name: str, kill: int | None) -> None:
        """Let a reader add a note to a contact, and see it on that device."""
        held = replica.cards.get(self.href(person, name))
        had = markers_of(held.text or "") if held is not None else self.model.contacts[name]
        person.hidden.discard(name)
        person.notes[name] = self.model.mint()
        self.put(replica, self.href(person, name), text_of(name, {**had, "NOTE": person.notes[name]}), kill)
        self.bring_up_to_date(person, replica)

    def knows_own(self, person: Person, replica: Device, name: str) -> bool:
        """Whether a device of a reader's has a contact, with what they made of it, but for what others changed."""
        held = replica.cards.get(self.href(person, name))
        if replica.role != READER or held is None or name in person.hidden:
            return False
        return markers_of(held.text or "").get("NOTE") == person.notes.get(name)

    def add_own(self, person: Person, replica: Device, name: str, kill: int | None) -> None:
        """Let somebody add a contact of their own, or change it."""
        person.own[name] = self.model.mint()
        self.put(replica, self.href(person, name), text_of(name, {"NOTE": person.own[name]}), kill)

    @rule(choice=CHOICE, kill=KILL)
    @precondition(lambda self: any(map(self.model.on_devices, self.model.people)))
    def remove(self, choice: int, kill: int | None) -> None:
        """Delete a contact on a device: for all, or for a reader alone."""
        there = [(person, name) for person in self.model.people for name in self.model.on_devices(person)]
        # Readers are the ones whose deletions are special.
        person, name = one_of(sorted(there, key=lambda each: each[0].role == WRITER), choice)
        self.take_off(person, one_of(person.replicas, choice // 2), name, kill)

    def take_off(self, person: Person, replica: Device, name: str, kill: int | None) -> None:
        """Delete a contact on a device that is up to date."""
        self.bring_up_to_date(person, replica)
        href = self.href(person, name)
        held = replica.cards[href]
        if name not in self.model.contacts:
            del person.own[name]
        elif person.role == READER:
            person.hidden.add(name)
        else:
            del self.model.contacts[name]
        self.ask(partial(replica.client.delete, href, if_match=held.etag), kill)
        self.bring_up_to_date(person, replica)

    @rule(choice=CHOICE)
    @precondition(lambda self: any(each.hidden & self.model.contacts.keys() for each in self.model.who(READER)))
    def bring_back(self, choice: int) -> None:
        """Let a reader have a contact again that they took off their devices."""
        gone = [(each, name) for each in self.model.who(READER) for name in self.model.contacts if name in each.hidden]
        person, name = one_of(gone, choice)
        person.hidden.remove(name)
        self.database.write(partial(self.brought_back, account_id=person.member.id, name=name))

    def brought_back(self, session: Session, account_id: int, name: str) -> None:
        """Do so in a transaction."""
        book = access.of_id(session, account_id, self.shelf.id)
        found = writes._present(session, book, f"{name}.vcf")
        assert found is not None
        writes.bring_back(session, book, found.id)

    @rule(choice=CHOICE)
    @precondition(lambda self: self.model.who(WRITER))
    def restore(self, choice: int) -> None:
        """Let a writer have back what a contact was."""
        person = one_of(self.model.who(WRITER), choice)
        with self.database.reading() as session:
            kept = [each for each in past.changes(session, self.shelf.id) if each.is_kept]
            texts = [past.text_before(session, self.shelf.id, each.entry_id, each.before) for each in kept]
        if not kept:
            return
        chosen, text = one_of(kept, choice), one_of(texts, choice)
        key = (person.member.id, chosen.entry_id, chosen.before)
        self.database.write(lambda session: past.restore(session, access.base(session, self.shelf.id), *key))
        self.model.contacts[chosen.name] = markers_of(text)

    @rule(hours=st.sampled_from([-3, -1, 1, 3]))
    def move_clock(self, hours: int) -> None:
        """Put the clock forward or back."""
        self.clock.put(self.clock.now() + hours * HOUR + MINUTE)

    # What they ask

    def put(self, replica: Device, href: str, text: str, kill: int | None = None, etag: str = "") -> None:
        """Store a card, which the device has from then on, and once more where no answer comes."""
        answered = self.ask(partial(replica.client.put, href, text, if_match=etag), kill)
        replica.cards[href] = dav.Card(answered or "", text)

    def ask(self, ask: Callable[[], T], kill: int | None) -> T | None:
        """Ask, and again where no answer comes: then it may turn out to be done already."""
        if kill is not None:
            with self.kills.after(kill):
                ask()
        try:
            return ask()
        except dav.Failed as refused:
            if kill is None or refused.status not in (404, 412):
                raise
            return None

    def href(self, person: Person, name: str) -> str:
        """Return where a contact is for somebody."""
        return f"{person.member.home(self.shelf.path)}{name}.vcf"

    @rule(choice=CHOICE, back=CHOICE | st.none(), lost=st.booleans())
    def synchronise(self, choice: int, back: int | None, *, lost: bool) -> None:
        """Bring a device up to date, perhaps from where it was long ago; perhaps the answer does not arrive."""
        person, replica = one_of([(each, one) for one in (0, 1) for each in self.model.people], choice)
        device = person.replicas[replica]
        if back is not None and device.tokens:
            device.go_back(back % len(device.tokens))
        if lost and person.sees:
            device.sync(lost=True)
        self.bring_up_to_date(person, device)

    def bring_up_to_date(self, person: Person, replica: Device) -> None:
        """Let a device ask, and compare what it has with the model and with what there is."""
        if not person.sees:
            assert replica.client.request("PROPFIND", replica.client.book, headers={"Depth": "1"}).status == 404
            return
        replica.sync()
        replica.role = person.role
        assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}
        shown = {name_of(href): sorted(MARKER.findall(held.text or "")) for href, held in replica.cards.items()}
        assert shown == self.model.on_devices(person)

    # What must be true

    def look(self, person: Person, exchange: dav.Exchange) -> None:
        """Find no marker in an answer that its person may not see."""
        seen = set(MARKER.findall(exchange.text)) & self.model.minted
        assert seen <= {marker for markers in self.model.on_devices(person).values() for marker in markers}

    def is_noted(self, person: Person, name: str, what: str) -> None:
        """Make sure that the history says who changed a contact last."""
        with self.database.reading() as session:
            last = next(each for each in past.changes(session, self.shelf.id) if each.name == name)
        assert (last.account_id, last.what) == (person.member.id, what)

    @invariant()
    def verified(self) -> None:
        """Verification finds nothing."""
        with self.database.reading() as session:
            found = [verification.page(session, person.member.id - 1, 1) for person in self.model.people]
        assert [problem for each in found if each is not None for problem in each.findings] == []

    @override
    def teardown(self) -> None:
        """Whatever was: something happens of all that is special, and every device ends with what the model says."""
        writer, other, reader = self.model.people
        for person, role in ((writer, WRITER), (other, WRITER), (reader, READER)):
            if person.role != role:
                self.let_be(person, role)
        for name in NAMES[:2]:
            self.rewrite(writer, writer.replicas[0], name)
        self.everybody_asks()
        for name in NAMES[:2]:
            self.note(reader, reader.replicas[0], name, None)
        self.take_off(reader, reader.replicas[1], NAMES[1], None)
        self.move_clock(1)
        self.rewrite(writer, writer.replicas[0], NAMES[1])
        self.change_at_once(0, LINES[0])
        self.synchronise(2, 0, lost=True)
        self.everybody_asks()
        self.let_be(reader, WRITER)
        self.let_be(other, None)
        self.everybody_asks()
        self.let_be(reader, READER)
        self.everybody_asks()
        self.http.close()

    def rewrite(self, person: Person, replica: Device, name: str) -> None:
        """Let a writer change each line of a contact, or add it."""
        self.bring_up_to_date(person, replica)
        held = replica.cards.get(self.href(person, name))
        if name in person.own and name not in self.model.contacts:
            self.take_off(person, replica, name, None)
            held = None
        sent = {line: self.model.mint() for line in LINES}
        self.model.contacts[name] = sent
        self.put(replica, self.href(person, name), text_of(name, sent), None, held.etag if held is not None else "")

    def everybody_asks(self) -> None:
        """Bring every device up to date."""
        for person in self.model.people:
            for replica in person.replicas:
                self.bring_up_to_date(person, replica)
