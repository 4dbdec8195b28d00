"""
The machine that tries to make the cards of a household wrong: its people share, take back and change, in any order.

They act by the forms of the portal and by their phones, over HTTP. Any of it may be killed on the way or remain
unanswered, and then whoever asked asks again; so may the worker by which cards follow. Clocks are put forward and back.
Beside the server is a model of what each card says; every answer is searched for what its reader may not see.
"""

from __future__ import annotations

import re

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from typing_extensions import override

from sync import verification
from sync.calendars import feeds
from sync.ends import setting
from sync.ends.targets import Target
from sync.household import following, shares
from sync.household.pairs import Share
from sync.profiles import profiles
from sync.sharing import connections, grants
from sync.sign_in import credentials
from tests.properties.household_model import NEVER, Feed, Line, Member, Model
from tests.support import dav, factories, forms
from tests.support.clock import HOUR, MINUTE, Clock
from tests.support.forms import Visitor
from tests.support.kills import Kills
from tests.support.machines import CHOICE, KILL, UNANSWERED, one_of
from tests.support.outbox import end_leases
from tests.support.site import Site, Transport

FORMS = {"url": "https://example.org/{}", "email": "{}@example.org", "anniversary": "{}"}
STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")
_MARKER, _WORD = re.compile(r"zq\d+qz|17\d\d-03-04"), re.compile(r"zq\d+qz")
_DAY = re.compile(r"DTSTART;VALUE=DATE:(17\d\d)0304")
DONE = {
    "offer": "They are asked.",
    "accept": "It is on your card",
    "decline": "Nothing changed",
    "take-back": "It is yours alone.",
    "leave": "It is ",
}


class Household(RuleBasedStateMachine):
    """Three people who share things, each with a device, and who all see what the others show to connections."""

    def __init__(self, site: Site, clock: Clock, kills: Kills, number: int) -> None:
        """Connect them all."""
        super().__init__()
        self.site, self.database, self.clock, self.kills = site, site.database, clock, kills
        self.model = Model()
        # Nothing depends on what was before: not on the minute, and not on what a history that failed left to do.
        clock.put(clock.now() // HOUR * HOUR + HOUR)
        end_leases(self.database)
        following.work(self.database)
        for login, style in zip((f"{name}{number}" for name in ("anna", "bert", "carl")), STYLES, strict=True):
            self.register(login, style)
        for one in self.model.people:
            for other in self.model.people:
                if one < other:
                    self.meet(one, other)
        # Hypothesis begins with little: here everybody has something, and one field is carried.
        for who in range(len(self.model.people)):
            self.add(who, "url", shown=True)
            self.add(who, "anniversary", shown=True)
        self.offer(0, 0, 0, UNANSWERED)
        self.answer(0, "new", 0, UNANSWERED)
        self.show(1, 1)
        self.show(2, 1)
        for who in range(len(self.model.people)):
            self.synchronize(who, lost=False, back=None)
            self.fetch_days(who)

    def register(self, login: str, style: dav.Style) -> None:
        """Register somebody with a device and a browser."""
        account_id = factories.person(self.database, login)
        _, password = self.database.write(lambda session: credentials.add_device(session, account_id, "Phone"))
        http = dav.http(forms.ORIGIN, transport=Transport(self.site))
        client = dav.Client(http, login, password, notice=self.check, keep=False)
        # What stands in for a name that is not there must not be taken for what a phone edits.
        factories.field(self.database, account_id, "name", login.title())
        everybody = factories.everybody_connected(self.database, account_id)
        visitor = Visitor(self.site).signed_in(account_id)
        replica = dav.Replica(client, style)
        _, secret = self.database.write(lambda session: feeds.create(session, account_id, "Days", "en"))
        self.model.people[account_id] = Member(
            account_id, login, everybody, replica, visitor, visitor.token(), Feed(f"/calendars/{secret}.ics")
        )

    def meet(self, one: int, other: int) -> None:
        """Connect two people."""
        factories.connect(self.database, one, other)
        self.model.meet(one, other)

    def member(self, who: int) -> Member:
        """Return one of the people."""
        return one_of([*self.model.people.values()], who)

    # What they do

    def send(self, person: Member, action: str, kill: int | None, **values: int | str | None) -> bool:
        """
        Send a form of the household's page, and return whether the page told that it was done.

        Whoever is left without an answer sends it again, and may be told that there is nothing to do any more.
        """
        sent = {name: str(value) for name, value in values.items() if value is not None}
        target, sent = f"{forms.ROOT}/household/{action}", {"csrf_token": person.csrf_token, **sent}
        if kill is not None:
            with self.kills.after(kill):
                person.visitor.send(target, sent)
        (self.told, *_) = person.visitor.send(target, sent).followed().told
        return self.told.startswith(DONE[action])

    @rule(who=CHOICE, kind=st.sampled_from(sorted(FORMS)), shown=st.booleans())
    def add(self, who: int, kind: str, *, shown: bool) -> None:
        """Add a field."""
        person, marker = self.member(who), self.model.mint(kind)
        field_id = factories.field(self.database, person.id, kind, FORMS[kind].format(marker))
        person.lines[field_id] = Line(kind, marker)
        if shown:
            self.show(who, len(person.lines) - 1)

    @rule(who=CHOICE, choice=CHOICE)
    def show(self, who: int, choice: int) -> None:
        """Show a field to connections, or do so no more."""
        person = self.member(who)
        if person.lines:
            field_id, line = one_of([*person.lines.items()], choice)
            change = grants.take_back if line.shown_until else grants.grant
            line.shown_until = 0 if line.shown_until else NEVER
            self.database.write(lambda session: change(session, person.id, person.everybody, [field_id]))

    @rule(who=CHOICE, choice=CHOICE, by_phone=st.booleans(), kill=KILL)
    def edit(self, who: int, choice: int, *, by_phone: bool, kill: int | None) -> None:
        """Change a field, in the portal or on the phone. One that is carried follows no more."""
        person = self.member(who)
        if not person.lines:
            return
        field_id, line = one_of([*person.lines.items()], choice)
        # A line that is on a card twice is changed in the portal, since a phone would change both.
        is_once = [each.marker for each in person.lines.values()].count(line.marker) == 1
        before, after = line.marker, self.model.mint(line.kind)
        own = f"/{person.login}/contacts/{factories.href_of(self.database, person.id, person.id)}"
        card = person.replica.client.get(own) if by_phone and is_once else None
        line.marker, line.follows = after, None
        if card is not None:
            self.put(person, own, dav.unfolded(card.text or "").replace(before, after), card.etag, kill)
        else:
            factories.set_field(self.database, person.id, field_id, FORMS[line.kind].format(after), line.kind)

    def put(self, person: Member, href: str, text: str, etag: str, kill: int | None) -> None:
        """Store a card on a phone; one that is left without an answer does so again, or learns that it had done so."""
        if kill is not None:
            with self.kills.after(kill):
                person.replica.client.put(href, text, if_match=etag)
        try:
            person.replica.client.put(href, text, if_match=etag)
        except dav.Failed as refused:
            if kill is None or refused.status != 412:
                raise

    @rule(who=CHOICE, choice=CHOICE)
    def remove(self, who: int, choice: int) -> None:
        """Delete a field."""
        person = self.member(who)
        if person.lines:
            field_id = one_of([*person.lines], choice)
            del person.lines[field_id]
            self.database.write(lambda session: profiles.remove_field(session, person.id, field_id))

    @rule(who=CHOICE, choice=CHOICE, whom=CHOICE, kill=KILL)
    def offer(self, who: int, choice: int, whom: int, kill: int | None) -> None:
        """Offer somebody a field: nothing changes."""
        person = self.member(who)
        if not person.lines or not person.known:
            return
        field_id, line = one_of([*person.lines.items()], choice)
        share = Share(person.id, field_id, one_of([each for each in self.model.people if each in person.known], whom))
        is_new = line.follows is None and share not in self.model.open_shares()
        is_done = self.send(person, "offer", kill, field=field_id, carrier=share.carrier_id)
        assert is_new or not is_done
        if is_new and "too often" not in self.told:
            assert is_done or kill is not None, self.told
            self.model.offered[share] = None

    @rule(choice=CHOICE, answer=st.sampled_from(("new", "instead", "no", "taken back")), which=CHOICE, kill=KILL)
    @precondition(lambda self: self.model.offered)
    def answer(self, choice: int, answer: str, which: int, kill: int | None) -> None:
        """Carry what was offered, as something new or instead of something, or not; or the owner takes it back."""
        share = one_of([*self.model.offered], choice)
        owner, carrier = self.model.people[share.owner_id], self.model.people[share.carrier_id]
        source, ids = owner.lines.get(share.field_id), {"owner": share.owner_id, "field": share.field_id}
        if answer in ("new", "instead") and source is not None:
            free = [
                each
                for each, line in carrier.lines.items()
                if line.kind == source.kind and line.follows is None and not self.model.is_shared(carrier.id, each)
            ]
            instead = one_of(free, which) if answer == "instead" and free else None
            is_done = self.send(carrier, "accept", kill, instead=instead, **ids)
            if "shared already" in self.told:
                # Somebody left it, of which the owner is not told yet.
                assert instead is not None
                return
            assert is_done or kill is not None, self.told
            self.take_up(share, source, instead)
        elif answer == "no" and source is not None:
            assert self.send(carrier, "decline", kill, **ids) or kill is not None
        else:
            is_done = self.send(owner, "take-back", kill, field=share.field_id, carrier=share.carrier_id)
            assert is_done or kill is not None
        del self.model.offered[share]

    def take_up(self, share: Share, source: Line, instead: int | None) -> None:
        """Note by which field something is carried from now on."""
        with self.database.reading() as session:
            (own,) = (each.field_id for each in shares.carried_by(session, share.carrier_id) if each.share == share)
        assert own is not None
        assert instead in (own, None)
        line = self.model.people[share.carrier_id].lines.setdefault(own, Line(source.kind, source.marker))
        line.marker, line.follows = source.marker, share

    @rule(choice=CHOICE, how=st.sampled_from(("keep", "delete", "taken back")), kill=KILL)
    @precondition(lambda self: self.model.carriers())
    def end(self, choice: int, how: str, kill: int | None) -> None:
        """Carry something no more, or take it back: the carrier keeps what their card says, unless they delete it."""
        person, field_id, share = one_of(self.model.carriers(), choice)
        if how == "taken back":
            owner = self.model.people[share.owner_id]
            is_done = self.send(owner, "take-back", kill, field=share.field_id, carrier=share.carrier_id)
        else:
            delete = "yes" if how == "delete" else None
            is_done = self.send(person, "leave", kill, field=field_id, delete=delete)
        assert is_done or kill is not None, self.told
        person.lines[field_id].follows = None
        if how == "delete":
            del person.lines[field_id]

    @rule(who=CHOICE, whom=CHOICE)
    def part_or_meet(self, who: int, whom: int) -> None:
        """Disconnect two people, who keep what their cards say, or connect them."""
        one, other = self.member(who), self.member(whom)
        if one.id == other.id:
            return
        if other.id not in one.known:
            self.meet(one.id, other.id)
            return
        self.database.write(lambda session: connections.disconnect(session, one.id, other.id))
        self.model.part(one.id, other.id)

    # What time does

    @rule(who=CHOICE, choice=CHOICE, minutes=st.sampled_from([10, 10, 120]), first=CHOICE | st.none())
    def let_end(self, who: int, choice: int, minutes: int, first: int | None) -> None:
        """Let connections see a field, or be connected to somebody, until some minute, and perhaps wait until then."""
        person, at = self.member(who), self.clock.soon(minutes * MINUTE)
        shown = [field_id for field_id, line in person.lines.items() if line.shown_until]
        if shown and (choice % 3 or not person.known):
            field_id = one_of(shown, choice)
            target = Target(group_id=person.everybody, field_id=field_id)
            person.lines[field_id].shown_until = at
        elif person.known:
            other = one_of([each for each in self.model.people if each in person.known], choice)
            target = Target(viewer_id=other)
            person.known[other] = at
        else:
            return
        self.database.write(lambda session: setting.set_end(session, person.id, target, at))
        if first is not None:
            self.move_clock(minutes + 5, first)

    @rule(minutes=st.sampled_from([15, 15, 15, 150, -15, -150]), first=CHOICE)
    def move_clock(self, minutes: int, first: int) -> None:
        """Put the clock forward or back. No worker runs: whoever reads finds out by themselves what is over."""
        self.pass_time(minutes * MINUTE)
        self.look(first)
        self.fetch_days(first // 2)
        for who in range(len(self.model.people)):
            self.synchronize(who, lost=False, back=None)

    def pass_time(self, seconds: int) -> None:
        """Put the clock forward or back."""
        self.clock.put(self.clock.now() + seconds)
        self.model.end_by(self.clock.now())

    @rule(kill=KILL)
    def work(self, kill: int | None) -> None:
        """Let a worker do what is left, or die at it; whoever died at it before, their lease is over."""
        self.pass_time(self.database.settings.lease + 1)
        for person in self.model.people.values():
            person.replica.client.listing()
        before = self.owed()
        with self.kills.after(kill):
            following.work(self.database)
        after = self.owed()
        assert kill is not None or not after, "nobody does what is left"
        for share in before - after:
            self.model.followed(share)

    def owed(self) -> set[Share]:
        """Return whose cards are to follow, or who is to learn that somebody left."""
        with self.database.reading() as session:
            return {share for each in self.model.people for share in following.owed(session, each)}

    # What must be true

    def check(self, exchange: dav.Exchange) -> None:
        """Search an answer to a device for what must not be in it."""
        person = next(each for each in self.model.people.values() if each.login == exchange.login)
        assert set(_MARKER.findall(exchange.text)) <= self.model.may_see(person)

    @rule(who=CHOICE)
    def look(self, who: int) -> None:
        """Open the page: it shows what is offered, and nothing else of anybody else's."""
        person = self.member(who)
        found = set(_WORD.findall(person.visitor.get("/household/").response.text))
        offered = set(filter(_WORD.match, self.model.offered_to(person)))
        assert offered <= found <= offered | person.markers

    @rule(who=CHOICE)
    def fetch_days(self, who: int) -> None:
        """Fetch a calendar: it has the days that its person is shown, also where it says that nothing changed."""
        person = self.member(who)
        feed = person.feed
        page = Visitor(self.site).get(feed.path, **({"If-None-Match": feed.etag} if feed.etag else {}))
        if page.status != 304:
            feed.etag = page.response.headers["ETag"]
            feed.days = {f"{year}-03-04" for year in _DAY.findall(page.response.text)}
        assert feed.days == self.model.days_for(person)

    @rule(who=CHOICE, lost=st.booleans(), back=CHOICE | st.none())
    def synchronize(self, who: int, *, lost: bool, back: int | None) -> None:
        """
        Bring a device up to date: it has what its owner and their connections say, and show.

        Perhaps it begins where it was long ago, and perhaps the first answer does not arrive.
        """
        person = self.member(who)
        replica = person.replica
        if back is not None and replica.tokens:
            replica.go_back(back % len(replica.tokens))
        if lost:
            replica.sync(lost=True)
        replica.sync()
        cards = {href.rpartition("/")[2]: card.text or "" for href, card in replica.cards.items()}
        for each in {person.id, *person.known}:
            found = _MARKER.findall(dav.unfolded(cards[factories.href_of(self.database, person.id, each)]))
            assert sorted(found) == sorted(self.said(person, self.model.people[each]))
        assert len(cards) == len(person.known) + 1

    def said(self, viewer: Member, owner: Member) -> list[str]:
        """Return the markers of each line of an owner's that is on the card that a viewer has."""
        return [line.marker for line in owner.lines.values() if owner.id == viewer.id or line.shown_until]

    @override
    def teardown(self) -> None:
        """Something ends, everything follows, and every device has it."""
        self.let_end(0, 1, 10, 0)
        numbers = [*self.model.people]
        for _, _, share in self.model.carriers():
            lines = [*self.model.people[share.owner_id].lines]
            if share.field_id in lines:
                self.edit(numbers.index(share.owner_id), lines.index(share.field_id), by_phone=False, kill=None)
        self.verify()
        for number in range(len(numbers)):
            self.look(number)
        # A worker dies at it, and then what was left to it seems to be due in an hour.
        self.work(10 + self.model.minted % 10)
        self.pass_time(-HOUR)
        self.work(None)
        self.verify()
        for number in range(len(numbers)):
            self.synchronize(number, lost=True, back=0)
            self.look(number)
            self.fetch_days(number)

    def verify(self) -> None:
        """Make sure that verification finds nothing, also while something is owed."""
        with self.database.reading() as session:
            for person in self.model.people.values():
                found = verification.page(session, person.id - 1, 1)
                assert found is not None
                assert list(found.findings) == []
