"""What a person does to their own card on a device, and the history that is kept of it."""

from __future__ import annotations

import pytest

from sync import verification
from sync.database.engine import Database
from sync.errors import InvalidVCard, NotFound
from sync.fields import property_from_line
from sync.profiles import profiles
from sync.sharing import cards, grants, groups, history, visibility
from sync.vcard import parse_one
from tests.support import factories, pictures


def _card(database: Database, owner_id: int) -> str:
    with database.reading() as session:
        return profiles.export(session, owner_id)


def _edit(database: Database, owner_id: int, text: str) -> None:
    factories.put(database, owner_id, factories.href_of(database, owner_id, owner_id), text.encode())


def _served(database: Database, viewer_id: int, owner_id: int) -> str:
    entry = factories.served(database, viewer_id, owner_id)
    assert entry is not None
    return entry.text


def _fields(database: Database, owner_id: int) -> dict[int, str]:
    with database.reading() as session:
        return {
            field.id: f"{field.kind} {cards.content_of(field).text()}"
            for field in visibility.fields_of(session, owner_id)
        }


def test_a_changed_value_stays_the_field_that_it_was(database: Database) -> None:
    """Whoever was granted a number gets the new one, when the person changes it, its label and its place on a phone."""
    anna, bao = factories.connected(database, "anna", "bao")
    mobile = factories.field(database, anna, "mobile", "+86 138 0000 0001")
    factories.field(database, anna, "email", "anna@example.org")
    factories.group(database, anna, "family", [bao], [mobile])
    card = _card(database, anna)
    line = "TEL;TYPE=CELL:+86 138 0000 0001\r\n"
    assert line in card
    moved = card.replace(line, "").replace("END:VCARD", "item9.TEL;type=HOME;type=CELL:+86 139 9\r\nEND:VCARD")
    _edit(database, anna, moved)
    assert _fields(database, anna)[mobile] == "mobile +86 139 9"
    assert "+86 139 9" in _served(database, bao, anna)


def test_a_new_property_is_granted_to_nobody(database: Database) -> None:
    """What a person adds to their card on a phone is seen by no one else, not even by who sees everything else."""
    anna, bao = factories.connected(database, "anna", "bao")
    name = factories.field(database, anna, "name", "Anna")
    family = factories.group(database, anna, "family", [bao], [name])
    before = _served(database, bao, anna)
    _edit(database, anna, _card(database, anna).replace("END:VCARD", "TEL;TYPE=CELL:+1 555 0100\r\nEND:VCARD"))
    assert _served(database, bao, anna) == before
    assert any("+1 555 0100" in text for text in _fields(database, anna).values())
    with database.reading() as session:
        assert grants.granted(session, anna, family) == {name}
        assert groups.members(session, anna, family) == [bao]


def test_what_a_client_does_not_keep_is_not_lost(database: Database) -> None:
    """What is missing and not every client keeps stays a field, unless the client sent back another of that name."""
    (anna,) = factories.people(database, "anna")
    bank = factories.field(database, anna, "bank-account", "6222 0001")
    factories.field(database, anna, "mobile", "+86 138 0000 0001")
    bare = "\r\n".join(
        line
        for line in _card(database, anna).split("\r\n")
        if not line.startswith(("item", "TEL")) and "6222 0001" not in line
    )
    _edit(database, anna, bare)
    assert list(_fields(database, anna)) == [bank]
    pet = database.write(lambda session: profiles.add_field(session, anna, property_from_line("X-PET:Mimi")))
    lines = _card(database, anna).split("\r\n")
    _edit(database, anna, "\r\n".join(line for line in lines if not line.startswith("item")))
    assert list(_fields(database, anna)) == [bank, pet]
    school = factories.field(database, anna, "school", "Tsinghua")
    lines = _card(database, anna).split("\r\n")
    _edit(database, anna, "\r\n".join(line for line in lines if not line.startswith("item1.")))
    assert list(_fields(database, anna)) == [pet, school]


def test_sending_the_own_card_back_moves_nothing(database: Database) -> None:
    """Names are served first, wherever they stand in the profile; that a client sends them first is no edit."""
    (anna,) = factories.people(database, "anna")
    for kind, text in (("mobile", "+86 138 1"), ("school", "Tsinghua"), ("name", "Anna"), ("email", "a@example.org")):
        factories.field(database, anna, kind, text)
    with database.reading() as session:
        before = [(field.id, field.position) for field in visibility.fields_of(session, anna)]
        states = len(history.states(session, anna))
    lines = _card(database, anna).split("\r\n")
    _edit(database, anna, "\r\n".join(lines))
    _edit(database, anna, "\r\n".join(line for line in lines if not line.startswith("item")))
    with database.reading() as session:
        assert [(field.id, field.position) for field in visibility.fields_of(session, anna)] == before
        assert len(history.states(session, anna)) == states
        assert list(verification.findings(session)) == []


def test_a_picture_and_a_label_outlive_a_program_that_knows_neither(database: Database) -> None:
    """Who sends back no label at all took none away, and who sends back no picture deleted none."""
    anna, bao = factories.connected(database, "anna", "bao")
    lines = ("PHOTO;ENCODING=b;TYPE=JPEG:" + pictures.encoded(1), "item1.TEL:+1 555 0100", "item1.X-ABLabel:Boat")
    card = parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD"]))
    database.write(lambda session: profiles.import_card(session, anna, card))
    factories.group(database, anna, "family", [bao], list(_fields(database, anna)))
    before, seen = _fields(database, anna), _served(database, bao, anna)
    sent = [line.removeprefix("item1.") for line in _card(database, anna).split("\r\n")]
    start = next(index for index, line in enumerate(sent) if line.startswith("PHOTO"))
    end = next(index for index, line in enumerate(sent) if index > start and not line.startswith(" "))
    plain = "\r\n".join(line for line in [*sent[:start], *sent[end:]] if not line.startswith("X-ABLabel"))
    _edit(database, anna, plain)
    assert (_fields(database, anna), _served(database, bao, anna)) == (before, seen)
    _edit(database, anna, plain.replace("0100", "0101"))
    assert "item1.TEL:+1 555 0101\r\nitem1.X-ABLabel:Boat" in _served(database, bao, anna)


def test_backslashes_that_a_program_adds_do_not_stay(database: Database) -> None:
    """A note with a semicolon does not grow when a program takes its escape for a character."""
    (anna,) = factories.people(database, "anna")
    note = factories.field(database, anna, "note", "tea; milk")
    card = _card(database, anna)
    assert "NOTE:tea\\; milk" in card
    _edit(database, anna, card.replace("NOTE:tea\\;", "NOTE:tea\\\\;"))
    _edit(database, anna, card.replace("NOTE:tea\\; milk", "NOTE:tea\\\\; milk\\\\; salt"))
    assert _fields(database, anna)[note] == "note tea; milk; salt"


def test_a_deleted_number_leaves_its_grants_to_no_other(database: Database) -> None:
    """Who deletes a number that others see, and changes one that they do not, shows them neither."""
    anna, bao = factories.connected(database, "anna", "bao")
    shown = factories.field(database, anna, "mobile", "+86 138 0000 0001")
    factories.field(database, anna, "mobile", "+86 138 0000 0002")
    factories.group(database, anna, "family", [bao], [shown])
    lines = _card(database, anna).replace("0000 0002", "0000 0003").split("\r\n")
    _edit(database, anna, "\r\n".join(line for line in lines if "0000 0001" not in line))
    assert list(_fields(database, anna).values()) == ["mobile +86 138 0000 0003"]
    assert "TEL" not in _served(database, bao, anna)


def test_a_name_that_stands_in_is_no_field(database: Database) -> None:
    """The login that stands in for a name is not taken for one when the card comes back."""
    (anna,) = factories.people(database, "anna")
    _edit(database, anna, _card(database, anna).replace("END:VCARD", "TEL:+1 555 0100\r\nEND:VCARD"))
    assert list(_fields(database, anna).values()) == ["phone +1 555 0100"]


def test_a_card_that_cannot_be_read_changes_nothing(database: Database) -> None:
    """A broken card is refused and leaves the profile as it was; another UID than the served one is no reason."""
    (anna,) = factories.people(database, "anna")
    factories.field(database, anna, "mobile", "+86 138 0000 0001")
    card, before = _card(database, anna), _fields(database, anna)
    with pytest.raises(InvalidVCard, match="END:VCARD"):
        _edit(database, anna, card.replace("END:VCARD", ""))
    _edit(database, anna, card.replace("UID:", "UID:urn:uuid:"))
    assert _fields(database, anna) == before


def test_every_earlier_state_can_be_shown_and_restored(database: Database) -> None:
    """A profile is brought back field by field; what comes back from deletion is granted to nobody."""
    anna, bao = factories.connected(database, "anna", "bao")
    mobile = factories.field(database, anna, "mobile", "+86 138 0000 0001")
    email = factories.field(database, anna, "email", "anna@example.org")
    factories.group(database, anna, "family", [bao], [mobile, email])
    before = _fields(database, anna)
    factories.set_field(database, anna, mobile, "+86 139 9")
    database.write(lambda session: profiles.remove_field(session, anna, email))
    with database.reading() as session:
        versions = [state.version for state in history.states(session, anna)]
        shown = [history.fields_at(session, anna, version) for version in versions]
    assert [len(fields) for fields in shown] == [1, 2, 2, 1]
    assert database.write(lambda session: profiles.restore(session, anna, versions[2])) == 2
    assert _fields(database, anna) == before
    served = _served(database, bao, anna)
    assert "+86 138 0000 0001" in served
    assert "anna@example.org" not in served
    with database.reading() as session:
        assert len(history.states(session, anna)) == 5
    with pytest.raises(NotFound):
        database.write(lambda session: profiles.restore(session, anna, 10**6))


def test_history_is_kept_of_the_profile_alone(database: Database) -> None:
    """Grants, groups and connections leave no state behind."""
    anna, bao = factories.connected(database, "anna", "bao")
    mobile = factories.field(database, anna)
    factories.group(database, anna, "family", [bao], [mobile])
    with database.reading() as session:
        assert len(history.states(session, anna)) == 1
