"""What programs make of a person's own card without being asked changes nothing, for nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync import verification
from sync.database.engine import Database
from sync.fields import FieldContent, fields_of, full_name, property_from_line
from sync.merging import intake
from sync.profiles import profiles
from sync.sharing import cards, visibility
from sync.vcard import parse_one, split
from tests.support import factories

CASES = sorted((Path(__file__).parents[2] / "data" / "cases").glob("*.vcf"))
APPLE = (
    "item1.ADR;type=HOME;type=pref:;;1 Main St;Springfield;;;",
    "item1.X-ABADR:us",
    "item2.TEL:+1 555 0100",
    "item2.X-ABLabel:Boat",
    "item3.URL:https://example.org/",
    "item3.X-ABLabel:_$!<HomePage>!$_",
)


def imported(database: Database, owner_id: int, *lines: str) -> None:
    card = parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD"]))
    database.write(lambda session: profiles.import_card(session, owner_id, card))


def added(database: Database, owner_id: int, content: FieldContent) -> int:
    return database.write(lambda session: profiles.add_field(session, owner_id, content))


def state(database: Database, owner_id: int) -> dict[int, tuple[str, str]]:
    with database.reading() as session:
        stored = visibility.fields_of(session, owner_id)
        return {field.id: (cards.content_of(field).main.name, field.content) for field in stored}


def served(database: Database, viewer_id: int, owner_id: int, version: str = "3.0") -> str:
    entry = factories.served(database, viewer_id, owner_id, version)
    assert entry is not None
    return entry.text.partition("FN")[2]


def save(database: Database, owner_id: int, text: str) -> None:
    factories.put(database, owner_id, factories.href_of(database, owner_id, owner_id), text.encode())


def own(database: Database, owner_id: int, version: str = "3.0") -> str:
    entry = factories.served(database, owner_id, owner_id, version)
    assert entry is not None
    return entry.text


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_card_that_is_saved_unchanged_keeps_its_fields_and_their_grants(
    database: Database, case: Path, version: str
) -> None:
    """Whoever saw a field sees it afterwards, in either version, and nobody sees more."""
    anna, bao, chen = factories.connected(database, "anna", "bao", "chen")
    for content in _readable(case):
        added(database, anna, content)
    before = state(database, anna)
    factories.group(database, anna, "family", [bao], list(before))
    seen = [served(database, viewer, anna, each) for viewer in (bao, chen) for each in ("3.0", "4.0")]
    save(database, anna, own(database, anna, version))
    assert state(database, anna) == before
    assert [served(database, viewer, anna, each) for viewer in (bao, chen) for each in ("3.0", "4.0")] == seen
    with database.reading() as session:
        assert list(verification.findings(session)) == []


def _readable(case: Path) -> list[FieldContent]:
    card = intake.read(next(iter(split(case.read_bytes()))))
    lines = tuple(line for line in card.properties if line.name != "PHOTO")
    return fields_of(type(card)(card.version, lines))


def test_lines_that_lost_what_they_belonged_to_do_not_pile_up(database: Database) -> None:
    """DAVx5 writes the lines that it knows anew, in groups of its own, and keeps beside them what it does not know."""
    anna, bao = factories.connected(database, "anna", "bao")
    imported(database, anna, *APPLE)
    before = state(database, anna)
    factories.group(database, anna, "family", [bao], list(before))
    seen = served(database, bao, anna)
    for _ in range(3):
        lines = own(database, anna).replace("\r\n ", "").split("\r\n")
        left = [line for line in lines if ".X-AB" in line]
        anew = [
            line.replace("item1.ADR", "ADR").replace("item2.TEL", "group1.TEL").replace("item3.URL", "group2.URL")
            for line in lines
            if ".X-AB" not in line and line != "END:VCARD"
        ]
        labels = ["group1.X-ABLabel:Boat", "group2.X-ABLabel:_$!<HomePage>!$_"]
        save(database, anna, "\r\n".join([*filter(None, anew), *labels, *left, "END:VCARD", ""]))
        assert state(database, anna) == before
        assert served(database, bao, anna) == seen


def test_the_text_of_an_address_is_shown_to_nobody_for_standing_beside_it(database: Database) -> None:
    """Where they are two fields, whoever was granted the address does not get its text by a save, nor by an import."""
    anna, bao = factories.connected(database, "anna", "bao")
    house, _ = (
        added(database, anna, property_from_line(line))
        for line in ("ADR;TYPE=home:;;1 Main St;Springfield;;;", "LABEL;TYPE=home:Ring twice")
    )
    factories.group(database, anna, "family", [bao], [house])
    before = state(database, anna)
    for version in ("3.0", "4.0"):
        save(database, anna, own(database, anna, version))
        assert state(database, anna) == before
        assert "Ring twice" not in served(database, bao, anna, version)
    card = parse_one(own(database, anna))
    database.write(lambda session: profiles.import_card(session, anna, card, replace=True))
    assert state(database, anna).keys() == before.keys()
    assert "Ring twice" not in served(database, bao, anna)


def test_an_address_and_its_text_beside_it_are_one_field(database: Database) -> None:
    (anna,) = factories.people(database, "anna")
    imported(database, anna, "ADR;TYPE=home:;;1 Main St;;;;", "LABEL;TYPE=home:1 Main St\\nSpringfield")
    assert len(state(database, anna)) == 1
    assert "LABEL=" in own(database, anna, "4.0").replace("\r\n ", "")


def test_a_program_with_one_place_for_a_day_takes_no_other_from_anybody(database: Database) -> None:
    """It drops the second wedding day and changes the first; the second stays with whom it was granted to."""
    anna, bao = factories.connected(database, "anna", "bao")
    imported(database, anna, "FN:Anna", "X-ANNIVERSARY:2009-08-08", "X-ANNIVERSARY:2010-10-10", "BDAY:1980-03-22")
    before = state(database, anna)
    factories.group(database, anna, "family", [bao], list(before))
    lines = own(database, anna, "4.0").replace("\r\n ", "").split("\r\n")
    kept = [line for line in lines if not line.startswith("item")]
    save(database, anna, "\r\n".join(kept).replace("20090808", "20090809"))
    assert state(database, anna).keys() == before.keys()
    text = served(database, bao, anna, "4.0")
    assert "ANNIVERSARY:20090809" in text
    assert "X-ABDATE:2010-10-10" in text


def test_two_names_are_one_on_a_telephone(database: Database) -> None:
    anna, bao = factories.connected(database, "anna", "bao")
    imported(database, anna, "FN:Anna", "FN:安娜")
    factories.group(database, anna, "family", [bao], list(state(database, anna)))
    text = f"FN{served(database, bao, anna)}"
    assert [line for line in text.split("\r\n") if line.startswith("FN")] == ["FN:Anna"]
    assert full_name(fields_of(parse_one(own(database, anna))), "") == "Anna"
