"""`evercard contact`."""

from __future__ import annotations

from tests.cli.conftest import Command

CONTACTS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Dora\r\nTEL:+1 555 010 0100\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:b\r\nFN:Dorothea\r\nTEL:+15550100100\r\nNOTE:Likes tea\r\nEND:VCARD\r\n"
)


def test_duplicates_are_listed_merged_and_taken_apart(evercard: Command) -> None:
    evercard("user", "add", "anna")
    evercard("entry", "import", "anna", "-", given=CONTACTS)
    assert [each["name"] for each in evercard.json("contact", "list", "anna")] == ["Dora", "Dorothea"]
    (pair,) = evercard.json("contact", "duplicates", "anna")
    assert set(pair["names"]) == {"Dora", "Dorothea"}
    assert pair["because"] == ["+15550100100"]
    assert "+15550100100" in evercard("contact", "duplicates", "anna")
    kept, other = pair["contacts"]
    assert f"undo anna {other}" in evercard("contact", "merge", "anna", kept, other)
    assert len(evercard.json("contact", "list", "anna")) == 1
    (merged,) = evercard.json("contact", "merged", "anna")
    assert (merged["contact"], merged["kept"]) == (other, kept)
    assert other in evercard("contact", "merged", "anna")
    evercard("contact", "undo", "anna", other)
    assert len(evercard.json("contact", "list", "anna")) == 2
    assert "no such merge" in evercard.error("contact", "undo", "anna", other)
    assert "Dorothea" in evercard("contact", "list", "anna")
    assert evercard.run("verify").exit_code == 0


def test_a_no_is_remembered_and_taken_back(evercard: Command) -> None:
    evercard("user", "add", "anna")
    evercard("entry", "import", "anna", "-", given=CONTACTS)
    (pair,) = evercard.json("contact", "duplicates", "anna")
    evercard("contact", "apart", "anna", *pair["contacts"])
    assert evercard.json("contact", "duplicates", "anna") == []
    assert evercard("contact", "ask-again", "anna") == "1 pair will be proposed again.\n"
    assert len(evercard.json("contact", "duplicates", "anna")) == 1
    assert "no such contact" in evercard.error("contact", "apart", "anna", pair["contacts"][0], "1")
