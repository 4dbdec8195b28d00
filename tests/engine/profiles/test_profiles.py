"""Profiles: a field keeps its identity, and who may see it, whatever becomes of its value."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from sync.database.engine import Database
from sync.errors import Conflict, InvalidInput, InvalidVCard, LimitExceeded, NotFound
from sync.models import Field
from sync.profiles import edits, profiles
from sync.settings import Limits, Settings
from sync.sharing import cards, grants, visibility
from sync.vcard import VCard, parse_one
from tests.support.factories import (
    MOBILE,
    connected,
    content,
    contents,
    field,
    group,
    people,
    person,
    revisions,
    seen,
    served,
    set_field,
    values_in,
)


def fields_of(database: Database, owner_id: int) -> dict[int, str]:
    """Return what each field says, in the order of the profile."""
    with database.reading() as session:
        return {item.id: cards.content_of(item).text() for item in visibility.fields_of(session, owner_id)}


def card(*lines: str) -> VCard:
    """Write a card with these lines."""
    return parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:3.0", "UID:u", *lines, "END:VCARD", ""]).encode())


def take_in(database: Database, owner_id: int, *lines: str, replace: bool = False) -> int:
    """Import a card with these lines."""
    return database.write(lambda session: profiles.import_card(session, owner_id, card(*lines), replace=replace))


PHONES = ("TEL;TYPE=CELL:+1 555 0101", "TEL;TYPE=CELL:+1 555 0102", "TEL;TYPE=WORK:+1 555 0103")


def test_a_field_is_seen_by_its_owner_alone_until_it_is_granted(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    field(database, anna)
    assert MOBILE in served_text(database, anna, anna)
    assert MOBILE not in served_text(database, bert, anna)


def served_text(database: Database, viewer_id: int, owner_id: int) -> str:
    """Return the text that a viewer is served of an owner."""
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    return entry.text


def test_fields_stand_in_the_order_in_which_they_were_added(database: Database) -> None:
    anna = person(database)
    first, second, third = (field(database, anna, "email", f"{name}@example.org") for name in "cab")
    database.write(lambda session: profiles.remove_field(session, anna, first))
    fourth = field(database, anna, "email", "0@example.org")
    assert list(fields_of(database, anna)) == [second, third, fourth]


def test_a_changed_value_reaches_whom_the_field_was_granted(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone = field(database, anna)
    group(database, anna, "family", [bert], [phone])
    before = revisions(database, [anna, bert, carl])
    set_field(database, anna, phone, "+1 555 0199")
    assert seen(database, bert, anna) == {"+1 555 0199"}
    assert seen(database, carl, anna) == set()
    assert revisions(database, before) == {anna: before[anna] + 1, bert: before[bert] + 1, carl: before[carl]}


def test_the_same_value_again_changes_nothing_for_anybody(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    group(database, anna, "family", [bert], [phone])
    before = revisions(database, [anna, bert]), served(database, bert, anna)
    set_field(database, anna, phone, MOBILE)
    assert (revisions(database, [anna, bert]), served(database, bert, anna)) == before


def test_a_field_does_not_become_something_else(database: Database) -> None:
    """What is granted as a mobile number must not become a bank account."""
    anna = person(database)
    phone = field(database, anna)
    with pytest.raises(InvalidInput):
        set_field(database, anna, phone, "6222 0001", kind="bank-account")
    assert fields_of(database, anna) == {phone: MOBILE}


def test_a_removed_field_is_gone_for_everybody_with_its_grants(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone, qq = field(database, anna), field(database, anna, "qq", "10001234")
    family = group(database, anna, "family", [bert], [phone, qq])
    database.write(lambda session: grants.except_person(session, anna, bert, [phone], allowed=True))
    database.write(lambda session: profiles.remove_field(session, anna, phone))
    assert MOBILE not in served_text(database, bert, anna)
    with database.reading() as session:
        assert grants.granted(session, anna, family) == {qq}
        assert phone not in visibility.composition_of(session, anna, bert).allowed


def test_nobodys_fields_and_fields_of_others_are_not_there(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    phone = field(database, anna)
    for owner, name in ((bert, phone), (anna, 1), (1, phone)):
        with pytest.raises(NotFound):
            set_field(database, owner, name, "1")
        with pytest.raises(NotFound):
            database.write(lambda session, owner=owner, name=name: profiles.remove_field(session, owner, name))  # type: ignore[misc]
    with pytest.raises(NotFound):
        field(database, 1)
    assert fields_of(database, anna) == {phone: MOBILE}


def test_a_full_profile_takes_no_more(database_url: str) -> None:
    database = Database(database_url, Settings(limits=Limits(fields=2, field_size=200)))
    try:
        anna = person(database)
        phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
        before = fields_of(database, anna), revisions(database, [anna]), contents(database, anna)
        for attempt in (
            lambda: field(database, anna, "email", "b@example.org"),
            lambda: set_field(database, anna, phone, "1" * 30 + "2" * 300),
            lambda: take_in(database, anna, *PHONES),
            lambda: take_in(database, anna, *PHONES, replace=True),
            lambda: take_in(database, anna, "NOTE:" + "x" * 300, replace=True),
        ):
            with pytest.raises((LimitExceeded, InvalidInput)):
                attempt()
        assert (fields_of(database, anna), revisions(database, [anna]), contents(database, anna)) == before
        database.write(lambda session: profiles.remove_field(session, anna, mail))
        field(database, anna, "email", "b@example.org")
    finally:
        database.dispose()


def test_importing_the_same_card_again_changes_nothing(database: Database) -> None:
    anna = person(database)
    lines = ("FN:Anna Li", "N:Li;Anna;;;", *PHONES, "BDAY:1980-03-22", "item1.EMAIL:a@example.org", "item1.X-ABLabel:Z")
    assert take_in(database, anna, *lines) == 7
    before = fields_of(database, anna), contents(database, anna)
    for again in (lines, lines[::-1]):
        assert take_in(database, anna, *again) == 0
    assert (fields_of(database, anna), contents(database, anna)) == before


def test_another_spelling_is_the_same_field(database: Database) -> None:
    anna = person(database)
    take_in(database, anna, "TEL;TYPE=CELL:+1 555 0101", "BDAY:1980-03-22")
    before = list(fields_of(database, anna))
    assert take_in(database, anna, "item3.tel;type=voice,cell:+1 555 0101", "BDAY;VALUE=date:19800322") == 0
    assert list(fields_of(database, anna)) == before


def test_an_imported_property_that_one_has_once_changes_the_field(database: Database) -> None:
    anna = person(database)
    take_in(database, anna, "FN:Anna Li", "BDAY:1980-03-22", PHONES[0])
    before = list(fields_of(database, anna))
    assert take_in(database, anna, "FN:Anna Wang", "BDAY:1980-03-23") == 2
    assert list(fields_of(database, anna)) == before
    assert next(iter(fields_of(database, anna).values())) == "Anna Wang"


def test_an_imported_property_that_one_may_have_often_is_added_behind_the_others(database: Database) -> None:
    anna = person(database)
    gone = [field(database, anna, "email", f"{name}@example.org") for name in "abc"]
    kept = field(database, anna, "email", "d@example.org")
    for name in gone:
        database.write(lambda session, name=name: profiles.remove_field(session, anna, name))  # type: ignore[misc]
    assert take_in(database, anna, PHONES[0], "EMAIL:d@example.org") == 1
    assert next(iter(fields_of(database, anna))) == kept
    assert list(fields_of(database, anna).values()) == ["d@example.org", "+1 555 0101"]


def test_an_import_grants_nothing(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna, text="+1 555 0101")
    group(database, anna, "family", [bert], [phone])
    before = served(database, bert, anna), revisions(database, [bert])
    assert take_in(database, anna, *PHONES) == 2
    assert (served(database, bert, anna), revisions(database, [bert])) == before


@pytest.mark.parametrize(
    "lines",
    [
        ("TEL;TYPE=CELL:+1 555 0104", *PHONES[1:]),
        ("TEL;TYPE=WORK:+1 555 0103", "TEL;TYPE=CELL:+1 555 0102", "TEL;TYPE=CELL:+1 555 0104"),
        (*PHONES[1:], "TEL;TYPE=HOME,CELL:+1 555 0104"),
        (*PHONES[1:], "item1.TEL;TYPE=CELL:+1 555 0104", "item1.X-ABLabel:Boat"),
    ],
    ids=["changed", "reordered", "moved to another label", "named"],
)
def test_a_replaced_profile_keeps_the_identity_of_what_changed(database: Database, lines: tuple[str, ...]) -> None:
    anna, bert = connected(database, "anna", "bert")
    take_in(database, anna, *PHONES)
    ids = list(fields_of(database, anna))
    group(database, anna, "family", [bert], ids[:1])
    group(database, anna, "colleagues", [], ids[1:])
    assert take_in(database, anna, *lines, replace=True) > 0
    assert set(fields_of(database, anna)) == set(ids)
    assert fields_of(database, anna)[ids[0]] == "+1 555 0104"
    assert "+1 555 0104" in seen(database, bert, anna)
    assert not {"+1 555 0102", "+1 555 0103"} & seen(database, bert, anna)


def test_a_replaced_profile_is_what_the_card_says_in_its_order(database: Database) -> None:
    anna = person(database)
    take_in(database, anna, *PHONES, "EMAIL:a@example.org")
    before = fields_of(database, anna)
    assert take_in(database, anna, PHONES[2], "NOTE:new", PHONES[0], replace=True) == 3
    after = fields_of(database, anna)
    assert list(after.values()) == ["+1 555 0103", "new", "+1 555 0101"]
    assert [list(after)[at] for at in (0, 2)] == [list(before)[at] for at in (2, 0)]


def test_another_order_is_a_change_for_those_who_see_it(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    take_in(database, anna, *PHONES)
    group(database, anna, "family", [bert], list(fields_of(database, anna))[:2])
    before = revisions(database, [bert])
    take_in(database, anna, PHONES[0], PHONES[2], PHONES[1], replace=True)
    assert revisions(database, [bert]) == before
    take_in(database, anna, PHONES[1], PHONES[0], PHONES[2], replace=True)
    assert revisions(database, [bert]) == {bert: before[bert] + 1}
    assert values_in(served_text(database, bert, anna), "TEL") == ["+1 555 0102", "+1 555 0101"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_card_of_which_one_property_is_bad_changes_nothing(database: Database, *, replace: bool) -> None:
    anna = person(database)
    take_in(database, anna, *PHONES)
    before = fields_of(database, anna), contents(database, anna)
    with pytest.raises(InvalidVCard, match=r"^line 5"):
        take_in(database, anna, "FN:New Name", "PHOTO;ENCODING=b;TYPE=JPEG:bm8gcGljdHVyZQ==", replace=replace)
    assert (fields_of(database, anna), contents(database, anna)) == before


def test_the_export_is_everything_with_the_identity_of_the_own_entry(database: Database) -> None:
    anna = person(database, "anna")
    take_in(database, anna, "FN:Anna Li", *PHONES, "X-PET:Mimi")
    with database.reading() as session:
        exported = {version: profiles.export(session, anna, version) for version in ("3.0", "4.0")}
        with pytest.raises(NotFound):
            profiles.export(session, 1)
    for version, text in exported.items():
        own = served(database, anna, anna, version)
        assert own is not None
        assert text == own.text
        assert values_in(text, "X-PET") == ["Mimi"]
    bert = person(database, "bert")
    database.write(lambda session: profiles.import_card(session, bert, parse_one(exported["4.0"].encode())))
    assert list(fields_of(database, bert).values()) == list(fields_of(database, anna).values())


# SQLite has one writer at a time, who sees everything that was committed.
@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_what_was_read_before_somebody_else_wrote_does_not_come_back(database: Database) -> None:
    """A transaction that read a field, and changes another after a change of the first, renders no stale value."""
    anna = person(database)
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    with database.writing() as session:
        held = session.scalars(select(Field).where(Field.owner_id == anna)).all()
        set_field(database, anna, phone, "+1 555 0199")
        profiles.set_field(session, anna, mail, content("email", "b@example.org"))
        assert len(held) == 2
    own = served_text(database, anna, anna)
    assert values_in(own, "TEL", "EMAIL") == ["+1 555 0199", "b@example.org"]


def move(database: Database, owner_id: int, field_id: int, steps: int) -> None:
    database.write(lambda session: profiles.move_field(session, owner_id, field_id, steps))


def test_a_moved_field_stands_elsewhere_on_every_card(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    a, b, c = (field(database, anna, "email", f"{name}@example.org") for name in "abc")
    group(database, anna, "family", [bert], [a, b, c])
    group(database, anna, "work", [carl], [a, c])
    before = revisions(database, [anna, bert, carl])
    move(database, anna, b, -1)
    assert list(fields_of(database, anna)) == [b, a, c]
    text = served_text(database, bert, anna)
    assert values_in(text, "EMAIL") == ["b@example.org", "a@example.org", "c@example.org"]
    # Carl sees a and c, in the order of before.
    assert revisions(database, before) == {anna: before[anna] + 1, bert: before[bert] + 1, carl: before[carl]}
    move(database, anna, b, 2)
    assert list(fields_of(database, anna)) == [a, c, b]


@pytest.mark.parametrize(("steps", "expected"), [(-9, "bac"), (9, "acb"), (0, "abc")])
def test_a_moved_field_stops_at_either_end(database: Database, steps: int, expected: str) -> None:
    anna = person(database)
    ids = {name: field(database, anna, "email", f"{name}@example.org") for name in "abc"}
    move(database, anna, ids["b"], steps)
    assert list(fields_of(database, anna)) == [ids[name] for name in expected]


def test_moving_what_stands_at_the_end_already_tells_nobody(database: Database) -> None:
    anna = person(database)
    first, _second = (field(database, anna, "email", f"{name}@example.org") for name in "ab")
    before = revisions(database, [anna])
    move(database, anna, first, -1)
    assert revisions(database, [anna]) == before


def test_nobody_moves_what_is_not_theirs(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    phone = field(database, anna)
    with pytest.raises(NotFound):
        move(database, bert, phone, 1)


def test_fields_that_claim_one_place_can_be_moved(database: Database) -> None:
    """A restored state may put a field where another one is."""
    anna = person(database)
    a, b, c = (field(database, anna, "email", f"{name}@example.org") for name in "abc")
    database.write(lambda session: session.execute(update(Field).where(Field.owner_id == anna).values(position=3)))
    order = list(fields_of(database, anna))
    assert set(order) == {a, b, c}
    move(database, anna, order[2], -2)
    assert list(fields_of(database, anna)) == [order[2], order[0], order[1]]


def test_what_was_changed_unseen_is_not_overwritten(database: Database) -> None:
    anna = person(database)
    phone = field(database, anna)
    seen_then = content().digest
    set_field(database, anna, phone, "+1 555 0199")
    with pytest.raises(Conflict):
        database.write(
            lambda session: profiles.set_field(session, anna, phone, content(text="+1 555 0100"), seen=seen_then)
        )
    with pytest.raises(Conflict):
        database.write(lambda session: profiles.remove_field(session, anna, phone, seen=seen_then))
    assert fields_of(database, anna) == {phone: "+1 555 0199"}
    seen_now = content(text="+1 555 0199").digest
    database.write(lambda session: profiles.set_field(session, anna, phone, content(text="+1 5"), seen=seen_now))
    assert fields_of(database, anna) == {phone: "+1 5"}


def test_a_card_that_was_changed_unseen_is_neither_replaced_nor_restored(database: Database) -> None:
    anna = person(database)
    field(database, anna)
    with database.reading() as session:
        seen_then = edits.latest(session, anna)
    field(database, anna, "email", "a@example.org")
    for change in (
        lambda session: profiles.import_card(session, anna, card(PHONES[0]), replace=True, seen=seen_then),
        lambda session: profiles.restore(session, anna, seen_then, seen=seen_then),
    ):
        with pytest.raises(Conflict):
            database.write(change)
    assert list(fields_of(database, anna).values()) == [MOBILE, "a@example.org"]
    with database.reading() as session:
        seen_now = edits.latest(session, anna)
    database.write(lambda session: profiles.restore(session, anna, seen_then, seen=seen_now))
    assert list(fields_of(database, anna).values()) == [MOBILE]
