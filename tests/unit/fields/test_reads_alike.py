"""A card is written once for its owner and for others only where both would be written alike."""

from __future__ import annotations

import pytest

from sync.fields import fields_of, reads_alike, render
from sync.vcard import parse_one

NAMES = ("FN:Anna", "N:Chen;Anna;;;")
ALIKE = (
    ("TEL;TYPE=CELL:+49 1", "EMAIL:anna@example.org", "NOTE:of use"),
    ("URL:https://example.org", "item1.URL:https://example.com", "item1.X-ABLabel:Site"),
    ("BDAY:1980-04-12", "BDAY:1981-04-12", "X-UNKNOWN:1"),
)
APART = (
    ("PHOTO;VALUE=URI:https://example.org/anna.jpg",),
    ("LOGO;VALUE=URI:https://example.org/logo.png",),
    ("URL:javascript:alert(1)",),
    ("URL:\u00a0java script:alert(1)",),
    ("X-UNKNOWN:vbscript:x",),
    ("IMPP:data:text/html,x",),
)


def both(lines: tuple[str, ...]) -> tuple[bool, bool]:
    """Return whether a card is said to read alike, and whether it does."""
    contents = fields_of(parse_one("\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""))))
    written = [
        {
            render(contents, version, fallback_name=name, remote_media=is_own)
            for name, is_own in (("anna", False), ("Anna of Example", True), ("anna", True))
        }
        for version in ("3.0", "4.0")
    ]
    return reads_alike(contents), all(len(texts) == 1 for texts in written)


@pytest.mark.parametrize("lines", ALIKE)
def test_what_anybody_may_have_is_written_once(lines: tuple[str, ...]) -> None:
    assert both((*NAMES, *lines)) == (True, True)


@pytest.mark.parametrize("lines", APART)
def test_what_only_the_owner_gets_is_not_written_for_both(lines: tuple[str, ...]) -> None:
    said, _ = both((*NAMES, *lines))
    assert not said


@pytest.mark.parametrize("names", [(), NAMES[:1], NAMES[1:]])
def test_where_another_name_may_stand_in_it_is_not_written_for_both(names: tuple[str, ...]) -> None:
    said, _ = both((*names, *ALIKE[0]))
    assert not said
