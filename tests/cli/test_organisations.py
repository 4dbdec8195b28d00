"""`evercard organisation`: made, asked for, joined, left, deleted."""

from __future__ import annotations

from tests.cli.conftest import Command


def test_an_organisation_from_its_beginning_to_its_end(anna: Command) -> None:
    anna("organisation", "create", "Chess Club", "--minimum", "mobile")
    anna("organisation", "invite", "anna", "chess club")
    anna("organisation", "invite", "bo", "Chess Club")
    assert anna.json("organisation", "people", "Chess Club", "--invited") == ["anna", "bo"]
    assert anna.json("organisation", "of", "anna") == [{"name": "Chess Club", "member": False}]
    anna("profile", "add", "anna", "mobile", "+49 170 5550101")
    assert "mobile" in anna.error("organisation", "join", "anna", "Chess Club")
    anna("organisation", "join", "anna", "Chess Club", "mobile")
    assert anna.json("organisation", "people", "Chess Club") == ["anna"]
    counted = {"name": "Chess Club", "minimum": ["mobile"], "members": 1, "invited": 1}
    assert anna.json("organisation", "list") == [counted]
    assert "Chess Club" in anna("grant", "list", "anna")
    anna("organisation", "administrator", "anna", "Chess Club")
    anna("organisation", "administrator", "anna", "Chess Club", "--dismiss")
    anna("organisation", "change", "Chess Club", "--name", "Go Club")
    assert anna.json("organisation", "list") == [{**counted, "name": "Go Club"}]
    assert "Go Club" in anna("grant", "list", "anna")
    anna("organisation", "change", "Go Club", "--name", "Chess Club", "--no-minimum")
    assert anna.json("organisation", "list") == [{**counted, "minimum": []}]
    anna("organisation", "leave", "bo", "Chess Club")
    anna("organisation", "delete", "Chess Club", "--yes")
    assert anna.json("organisation", "list") == anna.json("organisation", "of", "anna") == []
    assert anna.run("verify").exit_code == 0


def test_what_cannot_be_is_said_in_one_line(anna: Command) -> None:
    anna("organisation", "create", "Club")
    for words in (
        ("create", "club"),
        ("create", "Other", "--minimum", "shoe size"),
        ("invite", "nobody", "Club"),
        ("join", "anna", "Club"),
        ("leave", "anna", "Club"),
        ("change", "Nowhere", "--name", "Club"),
        ("administrator", "anna", "Club"),
        ("delete", "Nowhere", "--yes"),
    ):
        assert anna.error("organisation", *words)


def test_a_list_invites_into_organisations_once_and_nobody_sees_anything_by_it(evercard: Command) -> None:
    evercard("organisation", "create", "Chess Club", "--minimum", "mobile")
    evercard("organisation", "create", "Rowing Club")
    head = "login,name,number,organisation\n"
    listed = f"{head}anna,Anna,+49 170 5550101,Chess Club; rowing club\nbo,Bo,,chess club\nchiara,Chiara,,\n"
    said = evercard("people", "import", "-", given=listed)
    assert "line 2: anna: registered, 2 fields, invited into 2 organisations" in said
    assert evercard.json("organisation", "people", "Chess Club", "--invited") == ["anna", "bo"]
    assert evercard.json("organisation", "people", "Chess Club") == []
    assert "TEL" not in evercard("preview", "anna", "--stranger")
    assert "call in" in [each["what"] for each in evercard.json("user", "acts", "bo")]
    # Whoever would rather not is asked once; whoever came into the list since is asked now.
    evercard("organisation", "leave", "bo", "Chess Club")
    again = listed.replace("chiara,Chiara,,\n", "chiara,Chiara,,Chess Club\n")
    evercard("people", "import", "-", given=again)
    assert evercard.json("organisation", "people", "Chess Club", "--invited") == ["anna"]
    for expected in ("updated", "unchanged"):
        said = evercard("people", "import", "-", "--update", given=again)
        assert f"line 4: chiara: {expected}" in said
        assert evercard.json("organisation", "people", "Chess Club", "--invited") == ["anna", "chiara"]
    refused = evercard.run("people", "import", "-", given=f"{head}dora,Dora,,Nowhere\n")
    assert (refused.exit_code, "There is no organisation 'Nowhere'" in refused.output) == (1, True)
    assert evercard.run("verify").exit_code == 0


def test_a_member_is_told_of_what_the_others_change(anna: Command) -> None:
    anna("organisation", "create", "Chess Club")
    assert "no such member" in anna.error("organisation", "news", "anna", "Chess Club")
    anna("organisation", "invite", "anna", "Chess Club")
    anna("organisation", "join", "anna", "Chess Club")
    said = anna("organisation", "news", "anna", "Chess Club")
    assert said == "anna is told of members of Chess Club by nothing.\n"
    assert anna("organisation", "news", "anna", "Chess Club", "--digest", "--browsers").endswith(
        "by the daily e-mail and browsers.\n"
    )
    told = anna.json("organisation", "news", "anna", "Chess Club", "--no-digest")
    assert told == {"digest": False, "browsers": True}
