"""Previews and holders: an owner sees just what others get, and who has got it."""

from __future__ import annotations

import pytest

from sync.database.engine import Database
from sync.errors import NotFound
from sync.queries import arrivals, previews
from sync.sharing import connections, grants
from sync.sign_in import credentials
from tests.support.factories import (
    connect,
    connected,
    crowd,
    field,
    group,
    people,
    person,
    served,
    set_field,
    strangers,
    values_in,
)
from tests.support.people import Person, register
from tests.support.statements import sent


def same_but_uid_and_rev(one: str, other: str) -> bool:
    """Whether two cards say the same."""

    def said(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith(("UID:", "REV:"))]

    return said(one) == said(other)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_preview_for_a_person_is_the_very_card_that_they_are_served(database: Database, version: str) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    group(database, anna, "family", [bert], [phone])
    database.write(lambda session: grants.except_person(session, anna, carl, [mail], allowed=True))
    for viewer in (bert, carl):
        entry = served(database, viewer, anna, version)
        assert entry is not None
        with database.reading() as session:
            assert previews.for_person(session, anna, viewer, version) == entry.text


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_preview_for_a_group_is_what_a_member_of_it_alone_gets(database: Database, version: str) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    family = group(database, anna, "family", [bert], [phone])
    database.write(lambda session: grants.grant(session, anna, strangers(database, anna), [mail]))
    for viewer, group_id in ((bert, family), (carl, strangers(database, anna))):
        entry = served(database, viewer, anna, version)
        assert entry is not None
        with database.reading() as session:
            assert same_but_uid_and_rev(previews.for_group(session, anna, group_id, version), entry.text)


def test_a_preview_for_somebody_unconnected_is_what_a_stranger_gets(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    group(database, anna, "family", granted=[phone])
    database.write(lambda session: grants.grant(session, anna, strangers(database, anna), [mail]))
    with database.reading() as session:
        text = previews.for_person(session, anna, bert)
        assert values_in(text, "TEL", "EMAIL") == ["a@example.org"]
        assert previews.for_group(session, anna, 1) == text
        with pytest.raises(NotFound):
            previews.for_person(session, 1, bert)
        with pytest.raises(NotFound):
            previews.for_group(session, 1, 1)


def test_a_group_of_another_person_shows_what_strangers_see(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    foreign = group(database, bert, "family", granted=[field(database, bert)])
    field(database, anna)
    with database.reading() as session:
        assert values_in(previews.for_group(session, anna, foreign), "TEL") == []


@pytest.fixture
def bert(database: Database) -> Person:
    """A holder with one device."""
    return register(database, "bert")


def holder(database: Database, owner_id: int, login: str) -> previews.Holder:
    with database.reading() as session:
        return next(found for found in previews.holders(session, owner_id) if found.login == login)


def synchronize(database: Database, who: Person) -> None:
    gate = credentials.Gate(database)
    caller = gate.admit(who.login, who.password)
    assert caller is not None
    gate.note_sync(caller, caller.revision)
    gate.notes.flush()


def test_holders_are_listed_with_their_groups_and_what_they_see(database: Database, bert: Person) -> None:
    anna = person(database, "anna")
    carl = person(database, "carl")
    connect(database, anna, bert.id, carl)
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    group(database, anna, "zoo", [bert.id], [phone])
    group(database, anna, "family", [bert.id], [mail])
    database.write(lambda session: connections.hide(session, carl, anna))
    with database.reading() as session:
        listed = previews.holders(session, anna)
    assert [(found.login, found.groups, found.hidden) for found in listed] == [
        ("bert", ["family", "zoo"], False),
        ("carl", [], True),
    ]
    assert [[item.id for item in found.fields] for found in listed] == [[phone, mail], []]
    entry = served(database, bert.id, anna)
    assert entry is not None
    assert listed[0].changed_at == entry.changed_at


def test_a_device_is_current_from_its_synchronization_until_the_next_change(database: Database, bert: Person) -> None:
    anna = person(database, "anna")
    connect(database, anna, bert.id)
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    group(database, anna, "family", [bert.id], [phone])
    assert [device.current for device in holder(database, anna, "bert").devices] == [False]
    synchronize(database, bert)
    (device,) = holder(database, anna, "bert").devices
    assert device.current
    assert device.synced_at is not None
    set_field(database, anna, mail, "b@example.org", "email")
    assert holder(database, anna, "bert").devices[0].current
    set_field(database, anna, phone, "+1 555 0101")
    assert not holder(database, anna, "bert").devices[0].current
    synchronize(database, bert)
    assert holder(database, anna, "bert").devices[0].current


def test_a_revoked_device_holds_nothing(database: Database, bert: Person) -> None:
    anna = person(database, "anna")
    connect(database, anna, bert.id)
    device_id, _ = database.write(lambda session: credentials.add_device(session, bert.id, "Tablet"))
    assert len(holder(database, anna, "bert").devices) == 2
    database.write(lambda session: credentials.revoke_device(session, bert.id, device_id))
    assert len(holder(database, anna, "bert").devices) == 1


def test_a_holders_devices_have_no_names_here(database: Database, bert: Person) -> None:
    anna = person(database, "anna")
    connect(database, anna, bert.id)
    assert "Phone" not in repr(holder(database, anna, "bert").devices)


def test_holders_are_read_in_as_many_statements_however_many_there_are(database: Database) -> None:
    anna, _ = connected(database, "anna", "bert")
    family = group(database, anna, "family", granted=[field(database, anna)])
    counts, found = set(), list[previews.Holder]()
    for number in (2, 300):
        crowd(database, anna, number, [family])
        with sent(database.engine) as statements, database.reading() as session:
            found = previews.holders(session, anna)
        counts.add(len(statements))
    assert len(found) == 303
    assert len(counts) == 1


def test_some_of_the_holders_are_read_alone(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    family = group(database, anna, "family", [bert, carl], [field(database, anna)])
    stranger = person(database)
    with database.reading() as session:
        everybody = {holder.account_id: holder for holder in previews.holders(session, anna)}
        assert everybody.keys() == {bert, carl}
        assert previews.holders(session, anna, [carl, stranger, anna, 1]) == [everybody[carl]]
        assert previews.holders(session, anna, []) == []
        assert everybody[carl].groups == ["family"]
        assert family


def test_arrivals_say_of_many_what_holders_say_of_each(database: Database, bert: Person) -> None:
    anna, carl, dora, emil = people(database, "anna", "carl", "dora", "emil")
    emma = register(database, "emma")
    connect(database, anna, bert.id, carl, dora, emma.id)
    database.write(lambda session: credentials.add_device(session, bert.id, "Tablet"))
    group(database, anna, "zoo", [bert.id, carl], [field(database, anna)])
    group(database, anna, "family", [bert.id])
    database.write(lambda session: connections.hide(session, dora, anna))
    states = []
    for synchronizing in ((), (bert,), (bert, emma)):
        for who in synchronizing:
            synchronize(database, who)
        with database.reading() as session:
            found = arrivals.of(session, anna, [bert.id, carl, dora, emil, emma.id])
            holders = previews.holders(session, anna)
        assert {
            holder.account_id: (
                holder.hidden,
                holder.groups,
                len(holder.devices),
                sum(device.current for device in holder.devices),
            )
            for holder in holders
        } == {key: (each.hidden, each.groups, each.devices, each.current) for key, each in found.items()}
        states.append([found[each].state for each in (bert.id, carl, dora, emma.id)])
    assert states == [
        ["none", "deviceless", "hidden", "none"],
        ["some", "deviceless", "hidden", "none"],
        ["some", "deviceless", "hidden", "all"],
    ]
    with database.reading() as session:
        assert arrivals.of(session, anna, []) == {}


def test_nobody_holds_a_card_of_nobody(database: Database) -> None:
    with database.reading() as session:
        assert previews.holders(session, 1) == previews.holders(session, person(database)) == []
