"""
The machine that tries to lose a line of somebody's contacts: they are made one and two again, in any order.

It is done by the forms of the portal, as they are now and as they were some time ago, while devices add, change and
delete, synchronise in every way, lose answers, go back to where they were, and do not know of what others did. Whoever
does something may be killed on the way or be left without an answer, and does it again. The clock steps back and forth,
by more than the 30 days too for which contacts can be taken apart, and a worker tidies up, or does not.

Calendars are fetched meanwhile. One with own contacts has the birthdays of all of them, one without them has none, and
both have that of somebody's card while they show it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select
from typing_extensions import override

from sync import verification, worker
from sync.calendars import feeds
from sync.models import Entry, MergedEntry
from sync.revisions import versions
from sync.sharing import grants
from sync.sign_in import credentials
from tests.properties.merging_model import BIRTHDAY, LINES, NAME, SAME, Model, card_of, changed_too, markers_of, text_of
from tests.support import dav, factories
from tests.support.clock import DAY, HOUR, Clock
from tests.support.forms import ORIGIN, ROOT, Page, Visitor
from tests.support.kills import Kills
from tests.support.machines import CHOICE, KILL, UNANSWERED, one_of, sent, written
from tests.support.site import Site, Transport

NAMES = ("a", "b", "c")
STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")
#: What is added, changed and deleted by a device that does not know of what others did; of the rest there is one.
MANY = ("EMAIL", "URL", "X-ZQ")
DAYS = (1, 16, 31, -1, -31)
#: When Bert was born.
BERT = "1801-03-04"
_DAY = re.compile(r"DTSTART;VALUE=DATE:(1[678]\d\d)0304")


@dataclass
class Calendar:
    """What a program has that fetches a calendar, and by which ETag."""

    path: str
    etag: str = ""
    days: list[str] = field(default_factory=list)


class Merging(RuleBasedStateMachine):
    """Anna with three contacts, a browser, and a device of each style."""

    def __init__(self, site: Site, clock: Clock, kills: Kills, number: int) -> None:
        """Let two of the contacts be made one, by a form whose answer is lost."""
        super().__init__()
        self.site, self.database, self.clock, self.kills = site, site.database, clock, kills
        self.model, self.login = Model(), f"anna{number}"
        clock.put(clock.now() // HOUR * HOUR + HOUR)
        worker._tidy(self.database)
        self.anna, self.bert = factories.connected(self.database, self.login, f"bert{number}")
        self.shows, self.strangers = True, factories.strangers(self.database, self.bert)
        self.day = factories.field(self.database, self.bert, "birthday", BERT)
        self.database.write(lambda session: grants.grant(session, self.bert, self.strangers, [self.day]))
        self.http = dav.http(ORIGIN, transport=Transport(site))
        self.replicas = [self.device(style) for style in STYLES]
        self.calendars = {with_private: self.calendar(with_private=with_private) for with_private in (True, False)}
        self.ended: list[str] = []
        self.sign_in()
        for name in NAMES:
            self.add(0, name)
        self.forms: dict[tuple[str, str], Page] = {}
        self.look(0)
        self.merge(0, UNANSWERED, old=False)

    def device(self, style: dav.Style) -> dav.Replica:
        """Let a device in."""
        _, password = self.database.write(lambda session: credentials.add_device(session, self.anna, "Phone"))
        return dav.Replica(dav.Client(self.http, self.login, password, keep=False), style)

    def sign_in(self) -> None:
        """Begin in a new browser."""
        self.visitor = Visitor(self.site).signed_in(self.anna)
        self.token = self.visitor.token()

    def calendar(self, *, with_private: bool) -> Calendar:
        """Make an address for one more calendar."""
        _, secret = self.database.write(
            lambda session: feeds.create(session, self.anna, "Days", "en", with_private=with_private)
        )
        return Calendar(f"/calendars/{secret}.ics")

    def entry_id(self, name: str) -> int:
        """Return by which number the portal knows a contact."""
        with self.database.reading() as session:
            mine = select(Entry.id).where(Entry.viewer_id == self.anna, Entry.href == f"{name}.vcf")
            return session.scalars(mine).one()

    def href(self, name: str) -> str:
        """Return where a contact is for devices."""
        return f"/{self.login}/contacts/{name}.vcf"

    # What devices do

    @rule(which=CHOICE, name=st.sampled_from(NAMES))
    def add(self, which: int, name: str) -> None:
        """Add a contact on a device, unless it is there; the name may have been another one's."""
        replica = one_of(self.replicas, which)
        if name in self.model.contacts:
            return
        self.bring_up_to_date(replica)
        marker, markers = self.model.mint(), {kind: self.model.mint(kind) for kind in LINES}
        text = text_of(name, marker, markers)
        self.model.contacts[name] = card_of(text)
        self.put(replica, name, text, None)

    @rule(
        which=CHOICE, choice=CHOICE, how=st.sampled_from(("add", "change", "delete")), kill=KILL, behind=st.booleans()
    )
    def edit(self, which: int, choice: int, how: str, kill: int | None, *, behind: bool) -> None:
        """
        Add a line on a device, change one, or delete one.

        Where the device is *behind*, it does not know of what happened to the contact, and names no state.
        """
        replica = one_of(self.replicas, which)
        if not behind:
            self.bring_up_to_date(replica)
        held = [name for name in NAMES if self.href(name) in replica.cards]
        if not held:
            return
        self.write(replica, one_of(held, choice), choice // 3, how, kill, behind=behind)

    def write(self, replica: dav.Replica, name: str, choice: int, how: str, kill: int | None, *, behind: bool) -> None:
        """Do so with a contact that a device has."""
        card = replica.cards[self.href(name)]
        had, now = card_of(card.text or ""), self.model.contacts.get(name)
        made = self.edited(card.text or "", choice, how, behind=behind)
        if made is None:
            return
        wrote = card_of(made)
        self.model.contacts[name] = wrote if now is None else changed_too(had, wrote, now)
        self.put(replica, name, made, kill, "" if behind else card.etag)

    def edited(self, text: str, choice: int, how: str, *, behind: bool) -> str | None:
        """Return what becomes of a card, None where nothing can."""
        text = dav.unfolded(text)
        if how == "add":
            line = LINES[one_of(MANY, choice)].format(self.model.mint())
            return text.replace("END:VCARD", f"{line}\r\nEND:VCARD")
        cells = sorted(cell for cell in card_of(text) if cell.kind in MANY or not behind)
        cells = [cell for cell in cells if cell.kind not in (NAME, BIRTHDAY) or how == "change"]
        if behind:
            said = set[str]().union(*map(markers_of, self.model.contacts.values()))
            cells = [cell for cell in cells if cell.markers <= said]
        if not cells:
            return None
        kind, markers = one_of(cells, choice)
        marker = one_of(sorted(markers), choice)
        if how == "change":
            return text.replace(marker, self.model.mint(kind))
        return "".join(line for line in text.splitlines(keepends=True) if marker not in line)

    @rule(which=CHOICE, choice=CHOICE, kill=KILL)
    @precondition(lambda self: self.model.contacts)
    def delete(self, which: int, choice: int, kill: int | None) -> None:
        """Delete a contact on a device."""
        replica, name = one_of(self.replicas, which), one_of([*self.model.contacts], choice)
        self.bring_up_to_date(replica)
        held = replica.cards.pop(self.href(name))
        del self.model.contacts[name]
        self.ask(partial(replica.client.delete, self.href(name), if_match=held.etag), kill)

    def put(self, replica: dav.Replica, name: str, text: str, kill: int | None, etag: str = "") -> None:
        """Store a card, which the device has from then on, and once more where no answer comes."""
        answered = self.ask(partial(replica.client.put, self.href(name), text, if_match=etag), kill)
        replica.cards = {**replica.cards, self.href(name): dav.Card(answered or "", text)}

    def ask(self, ask: Callable[[], str | None], kill: int | None) -> str | None:
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

    @rule(which=CHOICE, back=CHOICE | st.none(), kill=KILL)
    def synchronise(self, which: int, back: int | None, kill: int | None) -> None:
        """Bring a device up to date, perhaps from where it was long ago; the server may die while it answers."""
        replica = one_of(self.replicas, which)
        if back is not None and replica.tokens:
            replica.go_back(back % len(replica.tokens))
        if kill is not None:
            with self.kills.after(kill):
                replica.sync(lost=True)
        self.bring_up_to_date(replica)

    def bring_up_to_date(self, replica: dav.Replica) -> None:
        """Let a device ask: it has every line of every contact, what both had once, and nothing else."""
        replica.sync()
        assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}
        texts = {name: dav.unfolded(replica.cards[self.href(name)].text or "") for name in self.model.contacts}
        shown = {name: card_of(text) for name, text in texts.items()}
        assert shown == self.model.contacts, (shown, self.model.contacts)
        assert [text.count(SAME.partition(":")[2]) for text in texts.values()] == [1] * len(texts)
        # Anna's own card is there, too, and Bert's.
        assert len(replica.cards) == len(texts) + 2

    # What Anna does in the portal

    @rule(choice=CHOICE)
    @precondition(lambda self: len(self.model.contacts) > 1)
    def look(self, choice: int) -> None:
        """Open two contacts beside each other."""
        pairs = [(one, other) for one in self.model.contacts for other in self.model.contacts if one != other]
        self.look_at(one_of(pairs, choice))

    def look_at(self, pair: tuple[str, str]) -> None:
        """Open these two; the last form that was opened is the last that there is."""
        self.forms.pop(pair, None)
        self.forms[pair] = self.visitor.get(self.beside(pair))

    def beside(self, pair: tuple[str, str]) -> str:
        """Return where two contacts are shown."""
        return f"/contacts/twice/{self.entry_id(pair[0])}/{self.entry_id(pair[1])}"

    @rule(choice=CHOICE, kill=KILL, old=st.booleans())
    @precondition(lambda self: self.forms)
    def merge(self, choice: int, kill: int | None, *, old: bool) -> None:
        """Make two contacts one by a form opened some time ago: one that is *old* is refused if they changed."""
        pair = one_of([*self.forms], choice)
        if not old:
            self.forms[pair] = self.visitor.get(self.beside(pair))
        path, form = self.beside(pair), self.forms.pop(pair)
        are_there = set(pair) <= self.model.contacts.keys()
        assert are_there == (self.visitor.get(path).status == 200)
        if form.status != 200:
            return
        values = {name: str(value) for name, value in form.fields(f"{path}/merge").items()}
        is_same = are_there and self.visitor.get(path).fields(f"{path}/merge") | {"csrf_token": ""} == (
            values | {"csrf_token": ""}
        )
        page = sent(self.kills, kill, self.visitor, f"{ROOT}{path}/merge", values | {"csrf_token": self.token})
        assert kill is not None or page.told[0].startswith("They are one contact now.") == is_same, page.told
        if is_same:
            self.model.merge(*pair, self.clock.now())

    @rule(choice=CHOICE, kill=KILL)
    @precondition(lambda self: self.model.merges)
    def undo(self, choice: int, kill: int | None) -> None:
        """Take two contacts apart, which is refused after 30 days, and where what they became is not there any more."""
        self.take_apart(one_of([*self.model.merges], choice), kill)

    def take_apart(self, gone: str, kill: int | None) -> None:
        """Do so with the one that is gone."""
        can_undo = self.model.can_undo(gone, self.clock.now())
        target = f"{ROOT}/contacts/twice/done/{self.entry_id(gone)}/undo"
        page = sent(self.kills, kill, self.visitor, target, {"csrf_token": self.token})
        assert kill is not None or page.told[0].startswith("They are two contacts again.") == can_undo, page.told
        if can_undo:
            self.model.undo(gone)

    @rule(choice=CHOICE, kill=KILL)
    def bring_back(self, choice: int, kill: int | None) -> None:
        """Bring back what a contact was, also one that is gone because it was made one with another."""
        with self.database.reading() as session:
            kept = [
                (entry.href.removesuffix(".vcf"), entry.id, found.revision, found.content.decode())
                for entry, found in versions.of_person(session, self.anna)
            ]
        if not kept:
            return
        name, entry_id, revision, text = one_of(kept, choice)
        self.model.contacts[name] = card_of(text)
        target = f"{ROOT}/activity/contacts/{entry_id}/{revision}/restore"
        sent(self.kills, kill, self.visitor, target, {"csrf_token": self.token})

    # What time does

    @rule(days=st.sampled_from(DAYS), kill=KILL, by_worker=st.booleans())
    def let_time_pass(self, days: int, kill: int | None, *, by_worker: bool) -> None:
        """Put the clock forward or back; the worker may come, and may be killed."""
        self.clock.put(self.clock.now() + days * DAY)
        if by_worker:
            with self.kills.after(kill):
                worker._tidy(self.database)
            worker._tidy(self.database)
            self.model.forget(self.clock.now())
        # A browser is forgotten after a while. What devices had is as well, so none is behind from before.
        self.sign_in()
        for replica in self.replicas:
            self.bring_up_to_date(replica)

    @rule(kill=KILL)
    def show_or_take_back(self, kill: int | None) -> None:
        """Let Bert show Anna when he was born, or do so no more."""
        self.shows = not self.shows
        act = grants.grant if self.shows else grants.take_back
        written(self.database, self.kills, kill, lambda session: act(session, self.bert, self.strangers, [self.day]))

    @rule(with_private=st.booleans(), kill=KILL)
    def choose(self, kill: int | None, *, with_private: bool) -> None:
        """Fetch a calendar with or without own contacts by another address; the former opens nothing any more."""
        ended = self.calendars[with_private].path
        with self.database.reading() as session:
            first = next(each.id for each in feeds.feeds(session, self.anna) if each.with_private == with_private)
        written(self.database, self.kills, kill, lambda session: feeds.end(session, self.anna, first))
        self.ended.append(ended)
        self.calendars[with_private] = self.calendar(with_private=with_private)

    # What must be true

    @invariant()
    def calendars_have_the_days(self) -> None:
        """A calendar has them also where its program is told that nothing changed; what was ended is no calendar."""
        for with_private, calendar in self.calendars.items():
            asked = {"If-None-Match": calendar.etag} if calendar.etag else {}
            page = Visitor(self.site).get(calendar.path, **asked)
            if page.status != 304:
                calendar.etag = page.response.headers["ETag"]
                calendar.days = sorted(f"{year}-03-04" for year in _DAY.findall(page.response.text))
            own = self.model.days() if with_private else []
            assert calendar.days == own + [BERT] * self.shows
        assert all(Visitor(self.site).get(path).status == 404 for path in self.ended[-1:])

    @invariant()
    def the_page_has_what_can_be_taken_apart(self) -> None:
        """The page offers that, and nothing else is kept of what was made one."""
        actions = self.visitor.get("/contacts/twice/done").document.xpath("//form[contains(@action, '/undo')]/@action")
        shown = sorted(int(str(each).split("/")[-2]) for each in actions)
        assert shown == sorted(map(self.entry_id, self.model.undoable(self.clock.now())))
        with self.database.reading() as session:
            kept = session.scalars(select(MergedEntry.gone_id).where(MergedEntry.viewer_id == self.anna)).all()
            found = verification.page(session, self.anna - 1, 1)
        assert sorted(kept) == sorted(map(self.entry_id, self.model.merges))
        assert found is not None
        assert list(found.findings) == []

    @override
    def teardown(self) -> None:
        """Whatever was: something happens of all that is special, and every device ends with what the model says."""
        for name in NAMES:
            self.add(0, name)
        for replica in self.replicas:
            self.bring_up_to_date(replica)
        one, other, third = NAMES
        self.look_at((one, other))
        self.write(self.replicas[0], one, self.model.minted, "change", None, behind=False)
        self.merge(-1, None, old=True)
        self.make_one((one, other), self.model.minted % 41)
        self.calendars_have_the_days()
        self.write(self.replicas[1], one, self.model.minted, "add", None, behind=True)
        self.bring_up_to_date(self.replicas[2])
        self.write(self.replicas[2], one, self.model.minted, "change", None, behind=False)
        self.take_apart(other, self.model.minted % 37)
        self.calendars_have_the_days()
        self.choose(None, with_private=False)
        self.calendars_have_the_days()
        self.make_one((one, other), None)
        self.make_one((third, one), self.model.minted % 31)
        self.take_apart(other, None)
        self.let_time_pass(31, None, by_worker=False)
        self.take_apart(one, None)
        self.the_page_has_what_can_be_taken_apart()
        self.let_time_pass(1, self.model.minted % 13, by_worker=True)
        self.the_page_has_what_can_be_taken_apart()
        for which in range(len(self.replicas)):
            self.synchronise(which, 0, UNANSWERED)
        self.http.close()

    def make_one(self, pair: tuple[str, str], kill: int | None) -> None:
        """Make two contacts one by a form that was just opened."""
        self.look_at(pair)
        self.merge(-1, kill, old=False)
