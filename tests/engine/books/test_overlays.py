"""What a viewer adds to somebody else's card on a device, and what never becomes theirs."""

from __future__ import annotations

import pytest

from sync.database.engine import Database
from sync.errors import Refused
from sync.profiles import profiles
from sync.settings import Settings
from sync.sharing import connections, grants, groups
from tests.support import factories


def served(database: Database, viewer_id: int, owner_id: int, version: str = "3.0") -> str:
    """Return the text of an owner's card as a viewer gets it."""
    entry = factories.served(database, viewer_id, owner_id, version)
    assert entry is not None
    return entry.text


def edit(database: Database, viewer_id: int, owner_id: int, text: str) -> None:
    """Send a card back as a device does."""
    factories.put(database, viewer_id, factories.href_of(database, viewer_id, owner_id), text.encode())


def add(database: Database, viewer_id: int, owner_id: int, *lines: str) -> None:
    """Add content lines to the card that a viewer has."""
    text = served(database, viewer_id, owner_id)
    edit(database, viewer_id, owner_id, text.replace("END:VCARD", "\r\n".join((*lines, "END:VCARD"))))


def values(text: str) -> set[str]:
    """Return the content lines of a card but for its first ones and groups."""
    return {line.split(".", 1)[-1] if line.startswith("item") else line for line in text.split("\r\n")[4:] if line}


@pytest.fixture
def pair(database: Database) -> tuple[int, int, int, int]:
    """Give an owner, a viewer in the owner's group, that group, and the mobile number that it was granted."""
    anna, bao = factories.connected(database, "anna", "bao")
    mobile = factories.field(database, anna, "mobile", "+86 138 0000 0001")
    family = factories.group(database, anna, "family", [bao], [mobile])
    return anna, bao, family, mobile


def test_what_a_viewer_adds_stays_and_only_they_see_it(database: Database, pair: tuple[int, int, int, int]) -> None:
    """Notes, categories, numbers and extensions of a viewer come back to them, and to nobody else."""
    anna, bao, family, _ = pair
    (chen,) = factories.people(database, "chen")
    factories.connect(database, anna, chen)
    database.write(lambda session: groups.add_member(session, anna, family, chen))
    before = factories.served(database, bao, anna), served(database, chen, anna), served(database, anna, anna)
    extra = ("NOTE:met in Xi'an", "CATEGORIES:chess,tea", "TEL;TYPE=HOME:+86 10 7", "X-RINGTONE:bells")
    add(database, bao, anna, *extra)
    after = factories.served(database, bao, anna)
    assert after is not None
    assert before[0] is not None
    assert after.etag != before[0].etag
    assert set(extra) <= values(after.text)
    assert "TEL;TYPE=CELL:+86 138 0000 0001" in values(after.text)
    assert (served(database, chen, anna), served(database, anna, anna)) == before[1:]


def test_what_the_owner_changes_arrives_below_an_overlay(database: Database, pair: tuple[int, int, int, int]) -> None:
    """An overlay hides no change of the owner's, in either version of vCard."""
    anna, bao, _, mobile = pair
    add(database, bao, anna, "NOTE:mine")
    factories.set_field(database, anna, mobile, "+86 139 9")
    for version in ("3.0", "4.0"):
        text = served(database, bao, anna, version)
        assert "+86 139 9" in text
        assert "0000 0001" not in text
        assert "NOTE:mine" in text


def test_a_value_that_was_taken_back_does_not_return_with_an_edit(
    database: Database, pair: tuple[int, int, int, int]
) -> None:
    """A stale card that a client sends back makes nothing of the owner's, past or reformatted, the viewer's own."""
    anna, bao, family, mobile = pair
    stale = served(database, bao, anna)
    factories.set_field(database, anna, mobile, "+86 139 9")
    newer = served(database, bao, anna)
    database.write(lambda session: grants.take_back(session, anna, family, [mobile]))
    for text in (stale, newer, stale.replace("+86 138 0000 0001", "+8613800000001").replace("CELL", "HOME")):
        edit(database, bao, anna, text.replace("END:VCARD", "NOTE:mine\r\nEND:VCARD"))
        got = served(database, bao, anna)
        assert "NOTE:mine" in got
        assert "TEL" not in got


def test_a_hidden_value_cannot_be_found_out_by_adding_it(database: Database, pair: tuple[int, int, int, int]) -> None:
    """A viewer's own number stays, though the owner has the same one and never showed it to them."""
    anna, bao, _, _ = pair
    factories.field(database, anna, "mobile", "+86 155 5")
    add(database, bao, anna, "TEL;TYPE=HOME:+86 155 5")
    assert "TEL;TYPE=HOME:+86 155 5" in values(served(database, bao, anna))


def test_notes_of_both_are_one_note(database: Database, pair: tuple[int, int, int, int]) -> None:
    """The owner's note comes first and follows the owner; what the viewer wrote stays behind it."""
    anna, bao, family, _ = pair
    note = factories.field(database, anna, "note", "call after six")
    database.write(lambda session: grants.grant(session, anna, family, [note]))
    text = served(database, bao, anna)
    edit(database, bao, anna, text.replace("NOTE:call after six", "NOTE:call after six\\nlikes tea"))
    assert "NOTE:call after six\\nlikes tea" in values(served(database, bao, anna))
    factories.set_field(database, anna, note, "call before six", "note")
    assert "NOTE:call before six\\nlikes tea" in values(served(database, bao, anna))
    edit(database, bao, anna, served(database, bao, anna))
    assert "NOTE:call before six\\nlikes tea" in values(served(database, bao, anna))


def test_sending_a_card_back_as_it_is_changes_nothing(database: Database, pair: tuple[int, int, int, int]) -> None:
    """What was merged is not added once more."""
    anna, bao, _, _ = pair
    add(database, bao, anna, "NOTE:mine", "TEL;TYPE=HOME:+86 10 7", "NICKNAME:Annie,An")
    once = values(served(database, bao, anna))
    edit(database, bao, anna, served(database, bao, anna))
    edit(database, bao, anna, served(database, bao, anna, "4.0"))
    assert values(served(database, bao, anna)) == once


def test_an_overlay_outlives_hiding_and_the_connection(database: Database, pair: tuple[int, int, int, int]) -> None:
    """What a viewer added is there again when the entry is."""
    anna, bao, _, _ = pair
    add(database, bao, anna, "NOTE:mine")
    factories.delete(database, bao, factories.href_of(database, bao, anna))
    database.write(lambda session: connections.show(session, bao, anna))
    assert "NOTE:mine" in served(database, bao, anna)
    database.write(lambda session: connections.disconnect(session, anna, bao))
    database.write(lambda session: connections.connect(session, anna, bao))
    text = served(database, bao, anna)
    assert "NOTE:mine" in text
    assert "TEL" not in text


def test_the_name_stays_the_owners(database: Database, pair: tuple[int, int, int, int]) -> None:
    """A viewer cannot rename somebody; a nickname is theirs to give."""
    anna, bao, _, _ = pair
    text = served(database, bao, anna)
    edit(database, bao, anna, text.replace("FN:anna", "FN:Mum\r\nNICKNAME:Mum").replace("N:anna", "N:Mum"))
    assert {"FN:anna", "NICKNAME:Mum"} <= values(served(database, bao, anna))
    assert "FN:Mum" not in served(database, bao, anna)


def test_strict_settings_refuse_instead(database_url: str) -> None:
    """Where overlays are not accepted, a change of somebody else's card is refused and nothing happens."""
    database = Database(database_url, Settings(accept_overlays=False))
    try:
        anna, bao = factories.connected(database, "anna", "bao")
        before = served(database, bao, anna)
        with pytest.raises(Refused):
            add(database, bao, anna, "NOTE:mine")
        assert served(database, bao, anna) == before
    finally:
        database.dispose()


def test_a_card_of_somebody_who_is_gone_is_not_made_again(database: Database, pair: tuple[int, int, int, int]) -> None:
    """A client that sends a removed entry once more is refused."""
    anna, bao, _, _ = pair
    href, text = factories.href_of(database, bao, anna), served(database, bao, anna)
    database.write(lambda session: connections.disconnect(session, anna, bao))
    with pytest.raises(Refused):
        factories.put(database, bao, href, text.encode())
    with database.reading() as session:
        assert profiles.export(session, anna)


@pytest.mark.parametrize(
    ("kind", "text", "line", "marker"),
    [
        ("geo", "52.500000;13.366667", "GEO:geo:52.5\\,13.366667", "13.3"),
        ("phone", "+86 138 0000 0009 x12", "TEL:13800000009", "0009"),
        ("url", "https://Bücher.example/ü", "URL:https://xn--bcher-kva.example/%C3%BC", "example"),
        ("timezone", "-05:00", "TZ:-5", "-5"),
        ("title", "Head, Sales", "TITLE:Head", "Head"),
        ("birthday", "--08-20", "BDAY:1900-08-20T00:00:00Z", "08-20"),
    ],
)
def test_a_revocation_takes_a_value_from_whoever_sent_it_back_rewritten(
    database: Database, pair: tuple[int, int, int, int], kind: str, text: str, line: str, marker: str
) -> None:
    """A program writes what it was shown in another form; it is the owner's all the same, then and later."""
    anna, bao, family, _ = pair
    shown = factories.field(database, anna, kind, text)
    database.write(lambda session: grants.grant(session, anna, family, [shown]))
    card = served(database, bao, anna)
    name = line.partition(":")[0]
    rewritten = [line if each.startswith((f"{name}:", f"{name};")) else each for each in card.split("\r\n")]
    assert line in rewritten
    edit(database, bao, anna, "\r\n".join(rewritten))
    database.write(lambda session: grants.take_back(session, anna, family, [shown]))
    assert marker not in served(database, bao, anna).partition("FN:")[2]
    edit(database, bao, anna, "\r\n".join(rewritten))
    assert marker not in served(database, bao, anna).partition("FN:")[2]
