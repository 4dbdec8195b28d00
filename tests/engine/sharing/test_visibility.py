"""Who sees which field of whom: the union of their groups, what strangers see, and exceptions; nothing by default."""

from __future__ import annotations

import pytest

from sync.database.engine import Database
from sync.errors import NotFound
from sync.queries import previews
from sync.sharing import connections, grants, visibility
from sync.sharing.visibility import CONNECTED, STRANGER, Adjustment, Composition, Grants
from tests.support.factories import (
    MOBILE,
    connect,
    connected,
    everybody_connected,
    field,
    group,
    people,
    person,
    revisions,
    seen,
    served,
    strangers,
)

MAIL = "a@example.org"
QQ = "x-apple:10001234"


def grant(database: Database, owner_id: int, group_id: int, *field_ids: int) -> None:
    database.write(lambda session: grants.grant(session, owner_id, group_id, field_ids))


def take_back(database: Database, owner_id: int, group_id: int, *field_ids: int) -> None:
    database.write(lambda session: grants.take_back(session, owner_id, group_id, field_ids))


def make_exception(database: Database, owner_id: int, viewer_id: int, field_id: int, *, allowed: bool | None) -> None:
    database.write(lambda session: grants.except_person(session, owner_id, viewer_id, [field_id], allowed=allowed))


def said(database: Database, viewer_id: int, owner_id: int) -> set[str]:
    """Return the values that a viewer sees, without labels."""
    return {value for value in seen(database, viewer_id, owner_id) if value != "QQ"}


def test_a_father_a_net_friend_and_a_colleague_each_get_what_they_were_granted(database: Database) -> None:
    """The example of the source: A grants family, net friends and colleagues different fields (¶55)."""
    a, b, c, d = connected(database, "a", "b", "c", "d")
    values = {
        "mobile": ("mobile", "+86 138 0013 8000"),
        "bank": ("bank-account", "6222 0000 0000 0000"),
        "office": ("office-phone", "+86 10 5555 0101"),
        "qq": ("qq", "10001234"),
        "mailbox x": ("email", "x@example.org"),
        "mailbox y": ("email", "y@example.org"),
        "mailbox z": ("email", "z@example.org"),
        "birthday": ("birthday", "1980-03-22"),
    }
    ids = {name: field(database, a, kind, text) for name, (kind, text) in values.items()}
    group(database, a, "family", [b], [ids["mobile"], ids["bank"], ids["office"]])
    group(database, a, "net friends", [c], [ids["qq"], ids["mailbox y"]])
    group(database, a, "colleagues", [d], [ids["mobile"], ids["mailbox z"]])
    labels = {"QQ", "Bank account", "_$!<Bank account>!$_"}
    told = {viewer: seen(database, viewer, a) - labels for viewer in (b, c, d)}
    assert told[b] == {"+86 138 0013 8000", "6222 0000 0000 0000", "+86 10 5555 0101"}
    assert told[c] == {QQ, "y@example.org"}
    assert told[d] == {"+86 138 0013 8000", "z@example.org"}
    assert seen(database, a, b) == seen(database, a, c) == set()


def test_a_looks_at_public_people_and_sees_what_they_let_strangers_see(database: Database) -> None:
    """The other example (¶57): B and D let strangers see something, E does not; A, of no group, sees B's and D's."""
    a, b, d, e = connected(database, "a", "b", "d", "e")
    for owner in (b, d, e):
        phone = field(database, owner, text=f"+1 555 {owner % 10_000:04}")
        group(database, owner, "family", granted=[phone])
        if owner != e:
            grant(database, owner, strangers(database, owner), phone)
    assert seen(database, a, b) == {f"+1 555 {b % 10_000:04}"}
    assert seen(database, a, d) == {f"+1 555 {d % 10_000:04}"}
    assert seen(database, a, e) == set()


def test_who_is_in_two_groups_sees_what_either_sees(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    group(database, anna, "family", [bert], [phone])
    chess = group(database, anna, "chess", [bert], [phone, mail])
    assert seen(database, bert, anna) == {MOBILE, MAIL}
    take_back(database, anna, chess, phone, mail)
    assert seen(database, bert, anna) == {MOBILE}


def test_what_strangers_see_everybody_sees(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    group(database, anna, "family", [bert], [phone])
    grant(database, anna, strangers(database, anna), mail)
    assert seen(database, bert, anna) == {MOBILE, MAIL}
    assert seen(database, carl, anna) == {MAIL}
    take_back(database, anna, strangers(database, anna), mail)
    assert seen(database, carl, anna) == set()


def test_an_exception_outdoes_every_group_for_one_person_until_it_ends(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    group(database, anna, "family", [bert, carl], [phone])
    grant(database, anna, strangers(database, anna), mail)
    make_exception(database, anna, bert, phone, allowed=False)
    make_exception(database, anna, bert, mail, allowed=False)
    assert seen(database, bert, anna) == set()
    assert seen(database, carl, anna) == {MOBILE, MAIL}
    make_exception(database, anna, bert, phone, allowed=None)
    make_exception(database, anna, bert, mail, allowed=None)
    assert seen(database, bert, anna) == {MOBILE, MAIL}


def test_an_exception_shows_a_field_that_no_group_sees(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone = field(database, anna)
    before = revisions(database, [bert, carl])
    make_exception(database, anna, bert, phone, allowed=True)
    assert (seen(database, bert, anna), seen(database, carl, anna)) == ({MOBILE}, set())
    assert revisions(database, [bert, carl]) == {bert: before[bert] + 1, carl: before[carl]}
    make_exception(database, anna, bert, phone, allowed=False)
    assert seen(database, bert, anna) == set()


def test_granting_and_taking_back_work_at_once_and_twice_is_once(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    family = group(database, anna, "family", [bert])
    first = revisions(database, [bert])[bert]
    for _ in range(2):
        grant(database, anna, family, phone, mail, phone)
        assert (seen(database, bert, anna), revisions(database, [bert])) == ({MOBILE, MAIL}, {bert: first + 1})
    for _ in range(2):
        take_back(database, anna, family, phone)
        assert (seen(database, bert, anna), revisions(database, [bert])) == ({MAIL}, {bert: first + 2})


def test_a_grant_to_a_group_touches_only_those_who_had_not_got_the_field(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone = field(database, anna)
    group(database, anna, "family", [bert], [phone])
    chess = group(database, anna, "chess", [bert, carl])
    before = revisions(database, [anna, bert, carl])
    grant(database, anna, chess, phone)
    assert revisions(database, before) == {**before, carl: before[carl] + 1}


def test_a_grant_is_of_ones_own_fields_to_ones_own_groups(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, others = field(database, anna), field(database, bert)
    family = group(database, anna, "family", [bert])
    foreign = group(database, bert, "family", [anna])
    for group_id, field_id in ((family, others), (foreign, phone), (1, phone), (family, 1)):
        with pytest.raises(NotFound):
            grant(database, anna, group_id, phone, field_id)
        with pytest.raises(NotFound):
            take_back(database, anna, group_id, phone, field_id)
    for viewer_id, field_id in ((bert, others), (1, phone), (anna, phone)):
        with pytest.raises(NotFound):
            make_exception(database, anna, viewer_id, field_id, allowed=True)
    with database.reading() as session:
        assert grants.granted(session, anna, family) == grants.granted(session, bert, foreign) == set()


def test_who_connects_again_starts_with_nothing(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    family = group(database, anna, "family", [bert], [phone])
    make_exception(database, anna, bert, mail, allowed=True)
    database.write(lambda session: connections.disconnect(session, bert, anna))
    assert served(database, bert, anna) is None
    connect(database, bert, anna)
    assert seen(database, bert, anna) == set()
    grant(database, anna, family, mail)
    assert seen(database, bert, anna) == set()


def test_nobody_is_something_to_somebody_by_default(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    connect(database, anna, bert)
    with database.reading() as session:
        for viewer in (carl, anna, 1):
            assert visibility.composition_of(session, anna, viewer) == STRANGER
        assert visibility.composition_of(session, anna, bert) == CONNECTED
        assert visibility.grants_of(session, 1).visible(STRANGER) == frozenset()


def test_a_composition_of_groups_that_are_gone_or_anothers_sees_nothing(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    field(database, anna)
    foreign = group(database, bert, "family", granted=[field(database, bert)])
    with database.reading() as session:
        composition = Composition(groups=frozenset((foreign, 1)))
        assert visibility.visible_fields(session, anna, composition) == []


def test_whoever_is_connected_sees_what_connections_see_and_nobody_else_does(database: Database) -> None:
    anna, bert, carl = people(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    connect(database, anna, bert)
    grant(database, anna, everybody_connected(database, anna), phone)
    grant(database, anna, strangers(database, anna), mail)
    assert seen(database, bert, anna) == {MOBILE, MAIL}
    with database.reading() as session:
        assert [each.id for each in visibility.visible_fields(session, anna, STRANGER)] == [mail]
        assert [each.id for each in visibility.shown_to_strangers(session, [anna])[anna]] == [mail]
        assert MOBILE not in previews.for_person(session, anna, carl)
    connect(database, anna, carl)
    assert seen(database, carl, anna) == {MOBILE, MAIL}
    make_exception(database, anna, carl, phone, allowed=False)
    assert seen(database, carl, anna) == {MAIL}
    database.write(lambda session: connections.disconnect(session, bert, anna))
    with database.reading() as session:
        assert MOBILE not in previews.for_person(session, anna, bert)
    take_back(database, anna, everybody_connected(database, anna), phone)
    connect(database, anna, bert)
    assert seen(database, bert, anna) == {MAIL}


def test_withholding_outdoes_showing() -> None:
    rights = Grants(frozenset((1,)), {7: frozenset((2, 3))})
    assert rights.visible(Composition(frozenset((7,)), frozenset((4,)), frozenset((1, 2, 4)))) == {3}
    assert rights.visible(Composition(frozenset((8,)))) == {1}
    assert Grants().visible(Composition(frozenset((7,)), withheld=frozenset((1,)))) == frozenset()


def test_a_composition_has_one_text_whatever_the_order() -> None:
    one = Composition(frozenset((3, 1, 2)), frozenset((9, 8)), frozenset((5,)))
    assert Composition.load(one.dump()) == one
    assert one.dump() == Composition(frozenset((2, 3, 1)), frozenset((8, 9)), frozenset((5,))).dump()
    compositions = [one, CONNECTED, Composition(allowed=frozenset((1,))), Composition(withheld=frozenset((1,)))]
    assert len({composition.digest for composition in compositions}) == len(compositions)
    assert one.without(groups=frozenset((3,)), fields=frozenset((5, 9))) == Composition(
        frozenset((1, 2)), frozenset((8,))
    )


def test_the_owner_sees_everything(database: Database) -> None:
    anna = person(database)
    field(database, anna)
    field(database, anna, "qq", "10001234")
    assert said(database, anna, anna) == {MOBILE, QQ}


def test_grants_are_given_and_taken_back_in_one_change(database: Database) -> None:
    """Nobody is told twice, and what is not named stays as it is."""
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    family = group(database, anna, "family", [bert], [phone])
    work = group(database, anna, "work", [carl], [phone])
    adjustment = Adjustment(frozenset({(family, mail), (work, phone)}), frozenset({(family, phone)}))
    before = revisions(database, [bert, carl])
    database.write(lambda session: grants.adjust(session, anna, adjustment))
    assert said(database, bert, anna) == {MAIL}
    assert said(database, carl, anna) == {MOBILE}
    assert revisions(database, before) == {bert: before[bert] + 1, carl: before[carl]}


def test_an_adjustment_of_what_is_not_ones_own_changes_nothing(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, foreign = field(database, anna), field(database, bert, text="+1 555 0101")
    family, theirs = group(database, anna, "family", [bert]), group(database, bert, "family", [anna])
    for pair in ((family, foreign), (theirs, phone), (theirs, foreign), (1, phone)):
        adjustment = Adjustment(granted=frozenset({(family, phone), pair}))
        with pytest.raises(NotFound):
            database.write(lambda session, it=adjustment: grants.adjust(session, anna, it))  # type: ignore[misc]
    assert said(database, bert, anna) == said(database, anna, bert) == set()


def test_what_an_adjustment_would_show_is_what_it_shows(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", MAIL)
    family = group(database, anna, "family", [bert], [phone])
    everybody = strangers(database, anna)
    adjustment = Adjustment(frozenset({(everybody, mail), (1, phone)}), frozenset({(family, phone)}))
    compositions = [STRANGER, Composition(frozenset({family}))]
    with database.reading() as session:
        foretold = [previews.for_audience(session, anna, it, adjustment=adjustment) for it in compositions]
    real = Adjustment(adjustment.granted - {(1, phone)}, adjustment.taken_back)
    database.write(lambda session: grants.adjust(session, anna, real))
    with database.reading() as session:
        assert [previews.for_audience(session, anna, it) for it in compositions] == foretold
    assert MAIL in foretold[0]
    assert MOBILE not in foretold[1]


def test_exceptions_of_several_kinds_are_made_in_one_change(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, mail, qq = (
        field(database, anna),
        field(database, anna, "email", MAIL),
        field(database, anna, "qq", "10001234"),
    )
    group(database, anna, "family", [bert], [phone, qq])
    make_exception(database, anna, bert, qq, allowed=False)
    before = revisions(database, [bert])
    database.write(lambda session: grants.except_fields(session, anna, bert, {phone: False, mail: True, qq: None}))
    assert said(database, bert, anna) == {MAIL, QQ}
    assert revisions(database, [bert]) == {bert: before[bert] + 1}
    foreign = field(database, bert)
    with pytest.raises(NotFound):
        database.write(lambda session: grants.except_fields(session, anna, bert, {phone: True, foreign: True}))
    assert said(database, bert, anna) == {MAIL, QQ}
