"""Two contacts made one: everything that either said is said, and nothing twice."""

from __future__ import annotations

from sync.fields import FieldContent
from sync.merging import duplicates, line_edits


def card(*lines: str, version: str = "3.0") -> bytes:
    return "\r\n".join(("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", "")).encode()


def normal(content: FieldContent) -> str | None:
    digits = "".join(filter(str.isdigit, content.text()))
    return {"TEL": f"+{digits if len(digits) > 11 else f'86{digits}'}", "EMAIL": content.text().lower()}.get(
        content.main.name
    )


ANNA = card("UID:a", "N:Chen;Anna;;;", "FN:Anna Chen", "TEL;TYPE=cell:+86 138 0013 8000", "NOTE:Hello")


def said(data: bytes) -> list[tuple[str, str]]:
    return [(content.kind, content.text()) for content in line_edits.contents_of(data)]


def test_what_only_the_other_says_comes_behind_and_the_first_stays_as_it_is() -> None:
    other = card("UID:b", "N:Chen;Anna;;;", "FN:Anna Chen", "EMAIL:anna@example.org", "REV:20200101T000000Z")
    merged = duplicates.merged(ANNA, other)
    added = merged.removeprefix(ANNA.removesuffix(b"END:VCARD\r\n"))
    assert added != merged
    assert added.startswith(b"EMAIL")
    assert added.count(b"\r\n") == 2
    assert b"anna@example.org" in added


def test_a_number_with_its_country_code_and_without_is_there_once_and_keeps_what_both_say_of_it() -> None:
    other = card("UID:b", "N:;;;;", "FN:Anna Chen", "item1.TEL:13800138000", "item1.X-ABLabel:Ferry")
    merged = duplicates.merged(ANNA, other, normal)
    (number,) = [content for content in line_edits.contents_of(merged) if content.main.name == "TEL"]
    assert (number.kind, number.label, number.text()) == ("mobile", "Ferry", "+86 138 0013 8000")


def test_a_number_that_both_label_otherwise_keeps_both_labels() -> None:
    first = card("UID:a", "FN:Anna", "item1.TEL:138", "item1.X-ABLabel:Ferry")
    other = card("UID:b", "FN:Anna", "item1.TEL:138", "item1.X-ABLabel:Cabin")
    labels = [content.label for content in line_edits.contents_of(duplicates.merged(first, other)) if content.label]
    assert labels == ["Ferry", "Cabin"]


def test_another_name_becomes_a_nickname_and_notes_stand_below_each_other() -> None:
    other = card("UID:b", "N:Mum;;;;", "FN:Mum", "NOTE:Allergic to nuts")
    assert said(duplicates.merged(ANNA, other))[-2:] == [("note", "Hello Allergic to nuts"), ("nickname", "Mum")]
    assert b"NOTE:Hello\\nAllergic to nuts" in duplicates.merged(ANNA, other)


def test_another_birthday_and_another_name_in_parts_are_kept_beside() -> None:
    first = card("UID:a", "N:Chen;Anna;;;", "FN:Anna Chen", "BDAY:1950-01-02")
    other = card("UID:b", "N:Li;Mei;;;", "FN:Li Mei", "BDAY:1951-01-02")
    merged = duplicates.merged(first, other).decode()
    assert merged.count("\r\nBDAY") == 1
    assert "1951-01-02" in merged
    assert "Li;Mei" in merged
    assert merged.count("\r\nN:") == 1


def test_how_a_name_divides_is_taken_over_where_the_first_did_not_know() -> None:
    first = card("UID:a", "N:Anna Chen;;;;", "FN:Anna Chen")
    merged = duplicates.merged(first, card("UID:b", "N:Chen;Anna;;;", "FN:Anna Chen")).decode()
    assert "N:Chen;Anna;;;" in merged
    assert "Anna Chen;;;;" not in merged


def test_merging_again_and_merging_with_itself_changes_nothing() -> None:
    other = card("UID:b", "N:Mum;;;;", "FN:Mum", "TEL:13800138000", "NOTE:More", "ORG:Shop", version="4.0")
    merged = duplicates.merged(ANNA, other, normal)
    assert duplicates.merged(merged, other, normal) == merged
    assert duplicates.merged(ANNA, ANNA, normal) == ANNA
