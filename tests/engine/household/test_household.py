"""A field of one person on the cards of others: offered, agreed to, following its owner, and kept when it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, update

from sync import meeting, verification
from sync.database.engine import Database
from sync.errors import AlreadyExists, Conflict, InvalidInput, LimitExceeded, NotFound, Refused, TooManyTries
from sync.fields import fields_of
from sync.household import following, offers, parting, shares
from sync.household.pairs import Share
from sync.models import CARRIED, DECLINED, LEFT, OFFERED, PARTED, TAKEN_BACK, Job, SharedField
from sync.profiles import field_rows, profiles
from sync.settings import Limits, Settings
from sync.sharing import connections, grants, history
from sync.sharing.changes import change
from sync.sign_in import deletion
from sync.vcard import parse_one
from tests.support import households
from tests.support.databases import opened
from tests.support.factories import (
    connect,
    connected,
    content,
    everybody_connected,
    field,
    group,
    people,
    person,
    revisions,
    seen,
    set_field,
    vcard,
)
from tests.support.households import carried, follow, offer, said, share, shared, take_back
from tests.support.statements import sent

OLD, NEW, NEWER = "+49 30 5550100", "+49 30 5550101", "+49 30 5550102"
HOME = "home-phone"
#: For rules that do not depend on how a database keeps them.
ON_SQLITE = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)


class Family:
    """Anna and her landline, Bert who may carry it, his friend Carl, and Dora, a friend of Anna's."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.anna, self.bert, self.dora = connected(database, "anna", "bert", "dora")
        self.carl = person(database, "carl")
        connect(database, self.bert, self.carl)
        self.line = field(database, self.anna, HOME, OLD)

    def change(self, text: str) -> None:
        """Let Anna change her landline; nobody has followed yet."""
        set_field(self.database, self.anna, self.line, text, HOME)

    def show(self, owner: int, field_id: int) -> None:
        """Let everybody whom somebody is connected to see a field."""
        everybody = everybody_connected(self.database, owner)
        self.database.write(lambda session: grants.grant(session, owner, everybody, [field_id]))


@pytest.fixture
def family(database: Database) -> Iterator[Family]:
    """Make everybody; in the end nothing is wrong with them."""
    yield Family(database)
    with database.reading() as session:
        assert list(verification.findings(session)) == []


def test_nobodys_card_changes_before_they_agree(family: Family) -> None:
    everybody = [family.anna, family.bert, family.carl, family.dora]
    before = revisions(family.database, everybody)
    offered = offer(family.database, family.anna, family.line, family.bert)
    assert revisions(family.database, everybody) == before
    assert said(family.database, family.bert) == {}
    family.change(NEW)
    follow(family.database)
    assert said(family.database, family.bert) == {}
    with family.database.reading() as session:
        (seen_offer,) = shares.carried_by(session, family.bert)
        assert seen_offer.said == content(HOME, NEW)
        assert shares.count_news(session, family.bert) == 1
        for other in (family.carl, family.dora):
            assert shares.carried_by(session, other) == []
    family.database.write(lambda session: offers.decline(session, offered))
    assert said(family.database, family.bert) == {}
    assert carried(family.database, family.bert) == {}
    assert shared(family.database, family.anna) == {(family.line, family.bert): DECLINED}


def test_one_change_reaches_all_who_see_it_on_any_card(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    assert said(family.database, family.bert) == {own: OLD}
    assert seen(family.database, family.carl, family.bert) == set()
    family.show(family.bert, own)
    assert seen(family.database, family.carl, family.bert) == {OLD}
    before = revisions(family.database, [family.carl, family.dora])
    family.change(NEW)
    family.change(NEWER)
    follow(family.database)
    assert seen(family.database, family.carl, family.bert) == {NEWER}
    assert seen(family.database, family.dora, family.anna) == set()
    after = revisions(family.database, [family.carl, family.dora])
    assert after[family.carl] == before[family.carl] + 1
    assert after[family.dora] == before[family.dora]


@ON_SQLITE
def test_who_sees_it_is_for_each_to_say(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    family.show(family.anna, family.line)
    assert seen(family.database, family.carl, family.bert) == set()
    assert seen(family.database, family.dora, family.anna) == {OLD}
    family.show(family.bert, own)
    everybody = everybody_connected(family.database, family.anna)
    family.database.write(lambda session: grants.take_back(session, family.anna, everybody, [family.line]))
    assert seen(family.database, family.carl, family.bert) == {OLD}
    assert seen(family.database, family.dora, family.anna) == set()


@ON_SQLITE
def test_what_one_has_already_can_be_what_follows_and_is_seen_by_whoever_saw_it(family: Family) -> None:
    own = field(family.database, family.bert, HOME, OLD)
    family.show(family.bert, own)
    before = revisions(family.database, [family.carl])
    assert share(family.database, family.anna, family.line, family.bert, instead_of=own) == own
    assert revisions(family.database, [family.carl]) == before
    family.change(NEW)
    follow(family.database)
    assert seen(family.database, family.carl, family.bert) == {NEW}


@ON_SQLITE
def test_a_carrier_who_makes_something_else_of_it_has_it_alone(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    set_field(family.database, family.bert, own, NEW, HOME)
    follow(family.database)
    assert said(family.database, family.anna) == {family.line: OLD}
    assert carried(family.database, family.bert) == {own: LEFT}
    assert shared(family.database, family.anna) == {(family.line, family.bert): LEFT}
    family.change(NEWER)
    follow(family.database)
    assert said(family.database, family.bert) == {own: NEW}
    with family.database.reading() as session:
        assert [shares.count_news(session, each) for each in (family.anna, family.bert)] == [1, 1]
    for each in (family.anna, family.bert):
        note = Share(family.anna, family.line, family.bert)
        family.database.write(lambda session, each=each, note=note: parting.dismiss(session, each, note))  # type: ignore[misc]
    assert (carried(family.database, family.bert), shared(family.database, family.anna)) == ({}, {})


def test_of_an_edit_and_a_carriers_own_the_carriers_stays(family: Family) -> None:
    """Both wait for the worker: in whatever order it comes to them, what the carrier said on their card stays."""
    own = share(family.database, family.anna, family.line, family.bert)
    family.change(NEW)
    set_field(family.database, family.bert, own, NEWER, HOME)
    follow(family.database)
    assert said(family.database, family.bert) == {own: NEWER}
    assert shared(family.database, family.anna) == {(family.line, family.bert): LEFT}


@ON_SQLITE
def test_a_carrier_who_deletes_it_carries_it_no_more(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    family.database.write(lambda session: profiles.remove_field(session, family.bert, own))
    follow(family.database)
    family.change(NEW)
    follow(family.database)
    assert said(family.database, family.bert) == {}
    assert shared(family.database, family.anna) == {(family.line, family.bert): LEFT}


@ON_SQLITE
@pytest.mark.parametrize("keep", [True, False])
def test_who_leaves_keeps_a_copy_or_not(family: Family, keep: bool) -> None:  # noqa: FBT001 - pytest gives it by its name
    own = share(family.database, family.anna, family.line, family.bert)
    households.leave(family.database, family.bert, own, keep=keep)
    family.change(NEW)
    follow(family.database)
    assert said(family.database, family.bert) == ({own: OLD} if keep else {})
    assert carried(family.database, family.bert) == {}
    assert shared(family.database, family.anna) == {(family.line, family.bert): LEFT}
    with pytest.raises(NotFound):
        households.leave(family.database, family.bert, own)


@ON_SQLITE
def test_what_is_taken_back_stays_a_copy_that_follows_no_more(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    take_back(family.database, Share(family.anna, family.line, family.bert))
    family.change(NEW)
    follow(family.database)
    assert said(family.database, family.bert) == {own: OLD}
    assert carried(family.database, family.bert) == {own: TAKEN_BACK}
    assert shared(family.database, family.anna) == {}


@ON_SQLITE
def test_an_offer_that_is_taken_back_shows_nothing_and_cannot_be_agreed_to(family: Family) -> None:
    offered = offer(family.database, family.anna, family.line, family.bert)
    take_back(family.database, offered)
    assert carried(family.database, family.bert) == {}
    with pytest.raises(NotFound):
        family.database.write(lambda session: offers.accept(session, offered))


def test_a_field_that_its_owner_deletes_stays_with_those_who_carry_it(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    offer(family.database, family.anna, family.line, family.dora)
    family.database.write(lambda session: profiles.remove_field(session, family.anna, family.line))
    follow(family.database)
    assert said(family.database, family.bert) == {own: OLD}
    assert carried(family.database, family.bert) == {own: TAKEN_BACK}
    assert carried(family.database, family.dora) == {}
    assert shared(family.database, family.anna) == {}


@pytest.mark.parametrize("how", ["disconnect", "block"])
def test_who_parts_keeps_what_they_had_and_is_shown_nothing_more(family: Family, how: str) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    other = field(family.database, family.anna, "email", "a@example.org")
    offer(family.database, family.anna, other, family.bert)
    family.change(NEW)
    act = connections.disconnect if how == "disconnect" else meeting.block
    family.database.write(lambda session: act(session, family.anna, family.bert))
    follow(family.database)
    assert said(family.database, family.bert) == {own: OLD}
    assert carried(family.database, family.bert) == {own: PARTED}
    assert shared(family.database, family.anna) == {}


def test_who_deletes_their_account_leaves_copies_and_nothing_else(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    mail = field(family.database, family.bert, "email", "b@example.org")
    share(family.database, family.bert, mail, family.anna)
    family.change(NEW)
    deletion.leave(family.database, family.anna)
    follow(family.database)
    assert said(family.database, family.bert) == {own: OLD, mail: "b@example.org"}
    assert carried(family.database, family.bert) == {own: PARTED}
    assert shared(family.database, family.bert) == {}


@ON_SQLITE
def test_an_earlier_card_that_comes_back_is_the_persons_own(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    family.change(NEW)
    follow(family.database)
    with family.database.reading() as session:
        first = history.states(session, family.bert)[-1].version
    family.database.write(lambda session: profiles.restore(session, family.bert, first))
    follow(family.database)
    assert said(family.database, family.bert) == {own: OLD}
    assert carried(family.database, family.bert) == {own: LEFT}


@ON_SQLITE
def test_what_an_organisation_says_is_neither_shared_nor_made_to_follow(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    with family.database.writing() as session, change(session, family.bert) as under_way:
        field_rows.fill_field(under_way, family.bert, own, content(HOME, OLD), "phone")
    family.change(NEW)
    follow(family.database)
    assert said(family.database, family.bert) == {own: OLD}
    assert shared(family.database, family.anna) == {(family.line, family.bert): LEFT}
    with pytest.raises(Refused):
        offer(family.database, family.bert, own, family.carl)


@ON_SQLITE
def test_only_what_belongs_to_a_home_is_offered_and_only_to_connected_people(family: Family) -> None:
    for kind, text in (("name", "Anna"), ("birthday", "1980-03-22"), ("note", "x"), ("bank-account", "6222")):
        other = field(family.database, family.anna, kind, text)
        with pytest.raises(InvalidInput):
            offer(family.database, family.anna, other, family.bert)
    with pytest.raises(NotFound):
        offer(family.database, family.anna, family.line, family.carl)
    with pytest.raises(NotFound):
        offer(family.database, family.anna, 1, family.bert)


@ON_SQLITE
def test_what_is_carried_is_not_offered_on_and_what_is_shared_does_not_follow(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    with pytest.raises(Refused):
        offer(family.database, family.bert, own, family.carl)
    with pytest.raises(AlreadyExists):
        offer(family.database, family.anna, family.line, family.bert)
    theirs = field(family.database, family.carl, HOME, NEW)
    offer(family.database, family.carl, theirs, family.bert)
    with pytest.raises(Refused):
        family.database.write(
            lambda session: offers.accept(session, Share(family.carl, theirs, family.bert), instead_of=own)
        )


@ON_SQLITE
def test_whoever_looked_at_something_else_agrees_to_nothing(family: Family) -> None:
    offered = offer(family.database, family.anna, family.line, family.bert)
    looked = content(HOME, OLD).digest
    family.change(NEW)
    mail = field(family.database, family.bert, "email", "b@example.org")
    for refused, instead_of, digest in ((Conflict, None, looked), (InvalidInput, mail, None), (NotFound, 1, None)):
        with pytest.raises(refused):
            family.database.write(
                lambda session, instead_of=instead_of, digest=digest: offers.accept(  # type: ignore[misc]
                    session, offered, instead_of=instead_of, seen=digest
                )
            )
    assert said(family.database, family.bert) == {mail: "b@example.org"}


@ON_SQLITE
def test_as_many_carry_a_field_as_may(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MOST_CARRIERS", 1)
    offered = offer(family.database, family.anna, family.line, family.bert)
    with pytest.raises(LimitExceeded):
        offer(family.database, family.anna, family.line, family.dora)
    family.database.write(lambda session: offers.decline(session, offered))
    offer(family.database, family.anna, family.line, family.dora)
    assert shared(family.database, family.anna)[family.line, family.dora] == OFFERED


def test_nobody_has_more_of_other_peoples_than_they_may(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MOST_CARRIED", 1)
    share(family.database, family.anna, family.line, family.bert)
    mail = field(family.database, family.anna, "email", "a@example.org")
    with pytest.raises(LimitExceeded):
        offer(family.database, family.anna, mail, family.bert)
    take_back(family.database, Share(family.anna, family.line, family.bert))
    offer(family.database, family.anna, mail, family.bert)
    assert carried(family.database, family.bert) == {None: OFFERED}


@ON_SQLITE
def test_nobody_is_offered_things_without_end(family: Family) -> None:
    offered = Share(family.anna, family.line, family.bert)
    for _ in range(offers.OFFERS_TO_ONE.tries):
        offer(family.database, *offered)
        family.database.write(lambda session: offers.decline(session, offered))
    with pytest.raises(TooManyTries):
        offer(family.database, *offered)


@ON_SQLITE
def test_a_carrier_whose_card_has_no_room_keeps_what_they_have(database_url: str) -> None:
    with opened(database_url, Settings(limits=Limits(profile_size=3_000))) as database:
        family = Family(database)
        own = share(database, family.anna, family.line, family.bert)
        field(database, family.bert, "note", "x" * 2_500)
        family.change(NEW + "0" * 300)
        follow(database)
        assert said(database, family.bert)[own] == OLD
        assert carried(database, family.bert) == {own: LEFT}
        assert shared(database, family.anna) == {(family.line, family.bert): LEFT}


@ON_SQLITE
def test_a_group_of_the_carriers_sees_what_follows_in_another_place(family: Family) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    group(family.database, family.bert, "friends", [family.carl], [own])
    family.database.write(lambda session: profiles.move_field(session, family.anna, family.line, 1))
    family.database.write(lambda session: profiles.add_field(session, family.bert, content("note", "x")))
    family.database.write(lambda session: profiles.move_field(session, family.bert, own, 1))
    follow(family.database)
    assert carried(family.database, family.bert) == {own: CARRIED}
    family.change(NEW)
    follow(family.database)
    assert seen(family.database, family.carl, family.bert) == {NEW}


@ON_SQLITE
def test_what_phones_add_to_a_line_is_no_change_of_it(family: Family) -> None:
    """A number that is preferred to others since a program wrote it, or called something, still follows."""
    own = share(family.database, family.anna, family.line, family.bert)
    preferred = next(iter(fields_of(parse_one(vcard("u", f"TEL;TYPE=HOME;TYPE=VOICE;TYPE=pref:{OLD}")))[2:]))
    assert preferred.kind == HOME
    before = revisions(family.database, [family.bert])
    family.database.write(lambda session: profiles.set_field(session, family.anna, family.line, preferred))
    follow(family.database)
    assert revisions(family.database, [family.bert]) == before
    family.database.write(lambda session: profiles.set_field(session, family.bert, own, content(HOME, OLD, "Parents")))
    follow(family.database)
    assert carried(family.database, family.bert) == {own: CARRIED}
    family.change(NEW)
    follow(family.database)
    assert said(family.database, family.bert) == {own: NEW}


def test_whatever_stops_the_worker_the_next_one_goes_on(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies between two carriers: one follows, and what the other is owed is still known."""
    owns = {each: share(family.database, family.anna, family.line, each) for each in (family.bert, family.dora)}
    family.change(NEW)
    follow_one, followed = following.follow, list[Share]()

    def die(session: object, share: Share) -> None:
        if followed:
            raise RuntimeError
        followed.append(share)
        follow_one(session, share)  # type: ignore[arg-type]

    monkeypatch.setattr(following, "follow", die)
    with pytest.raises(RuntimeError):
        following.work(family.database)
    with family.database.reading() as session:
        assert len(following.owed(session, family.anna)) == 1
        assert list(verification.findings(session)) == []
    monkeypatch.setattr(following, "follow", follow_one)
    following.settle(family.database, family.anna)
    assert {each: said(family.database, each)[own] for each, own in owns.items()} == dict.fromkeys(owns, NEW)


def test_a_change_takes_the_same_statements_however_many_carry_it(database: Database) -> None:
    anna, *others = connected(database, "anna", *(f"p{number}" for number in range(4)))
    line = field(database, anna, HOME, OLD)
    counted = []
    for number, carriers in enumerate((others[:1], others[1:])):
        for carrier in carriers:
            share(database, anna, line, carrier)
        with sent(database.engine) as statements:
            set_field(database, anna, line, f"+49 30 {number}", HOME)
        counted.append(len(statements))
        follow(database)
    assert counted[0] == counted[1]


def test_a_change_while_the_worker_ends_its_job_is_followed_by_the_next(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = share(family.database, family.anna, family.line, family.bert)
    family.change(NEW)
    finish, changed = following._finish, list[int]()

    def change_first(session: object, person_id: int) -> bool:
        if not changed:
            changed.append(1)
            set_in_same(session)
        return finish(session, person_id)  # type: ignore[arg-type]

    def set_in_same(session: object) -> None:
        profiles.set_field(session, family.anna, family.line, content(HOME, NEWER))  # type: ignore[arg-type]

    monkeypatch.setattr(following, "_finish", change_first)
    following.work(family.database)
    assert said(family.database, family.bert) == {own: NEWER}


@ON_SQLITE
def test_verification_names_who_does_not_follow_and_what_nobody_would_see_to(database: Database) -> None:
    family = Family(database)
    share(database, family.anna, family.line, family.bert)
    mail = field(database, family.anna, "email", "a@example.org")
    offer(database, family.anna, mail, family.bert)

    def findings(*statements: object) -> list[str]:
        with database.writing() as session:
            for statement in statements:
                session.execute(statement)  # type: ignore[call-overload]
            found = [each.problem for each in verification.findings(session)]
            session.rollback()
        return found

    assert findings(update(SharedField).values(is_owed=True)) == [
        "Others are to follow a change of this person's, and nobody would see to it."
    ]
    assert findings(delete(SharedField)) == ["The person has what nobody shares with them."]
    assert "bert does not have what the person shares with them." in findings(
        update(SharedField).where(SharedField.state == CARRIED).values(state=OFFERED)
    )
    family.change(NEW)
    assert findings(delete(Job), update(SharedField).values(is_owed=False)) == [
        "bert carries a field of this person's that says something else by now."
    ]


@ON_SQLITE
def test_people_who_never_met_share_nothing(database: Database) -> None:
    one, other = people(database, "one", "other")
    with pytest.raises(NotFound):
        offer(database, one, field(database, one), other)
