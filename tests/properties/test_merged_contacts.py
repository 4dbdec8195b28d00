"""Whatever two contacts say, what they are made one says it all, and taken apart they are what they were."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sync import fields
from sync.fields import FieldContent
from sync.merging import duplicates, line_edits
from tests.properties.samples import found_in, marked, samples

NUMBERS = st.lists(st.tuples(st.integers(0, len(samples()) - 1), st.integers(1, 9_999)), max_size=8)
VERSION = st.sampled_from(["3.0", "4.0"])


def card(contents: list[FieldContent], version: str) -> bytes:
    """Write a contact as a device would."""
    uid = str(uuid.uuid4())
    return fields.export_card(contents, version, uid=uid, revised=0, fallback_name="Somebody").encode()


@given(NUMBERS, NUMBERS, VERSION, VERSION)
def test_no_value_of_either_contact_is_lost_by_merging(
    mine: list[tuple[int, int]], theirs: list[tuple[int, int]], version: str, other_version: str
) -> None:
    one, other = ([marked(samples()[which], number) for which, number in some] for some in (mine, theirs))
    first = card([content for content, _ in one], version)
    second = card([content for content, _ in other], other_version)
    merged = duplicates.merged(first, second)
    found = found_in(merged.decode())
    written = [*found_in(first.decode()), *found_in(second.decode())]
    for _, marker in (*one, *other):
        if any(marker in line for line in written):
            assert any(marker in line for line in found), (marker, merged.decode())
    assert duplicates.merged(merged, second) == merged


@given(NUMBERS, VERSION, st.data())
def test_editing_a_field_of_a_contact_changes_no_other_line(
    mine: list[tuple[int, int]], version: str, data: st.DataObject
) -> None:
    before = card([marked(samples()[which], number)[0] for which, number in mine], version)
    contents = line_edits.contents_of(before)
    place = data.draw(st.integers(0, len(contents) - 1))
    changed = line_edits.edited(before, {place: fields.field_from_text("note", "typed", "")})
    gone = {item.line for item in contents[place].properties}
    stays = [line for number, line in logical(before).items() if number not in gone]
    assert [line for line in logical(changed).values() if line in stays] == stays


def logical(text: bytes) -> dict[int, bytes]:
    """Return the lines of a card, folded as they are, by the numbers of their first physical lines."""
    lines: dict[int, bytes] = {}
    for number, line in enumerate(text.split(b"\r\n"), 1):
        if line.startswith(b" "):
            lines[max(lines)] += line
        else:
            lines[number] = line
    return lines
