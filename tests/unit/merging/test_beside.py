"""Whoever writes another value over one of the owner's keeps nothing that stood beside it."""

from __future__ import annotations

import pytest

from sync.merging.merge import additions
from tests.unit.merging.test_merge import contents, lines

HOUSE = ("a.ADR:;;Main 1;X;;1;USA", "a.X-ABLabel:Summer place")
OTHER = ("a.ADR:;;Other 2;Y;;1;USA", "a.X-ABLabel:Summer place")


def kept(
    sent: tuple[str, ...], shown: tuple[str, ...], base: tuple[str, ...] = (), own: tuple[str, ...] = ()
) -> list[str]:
    """Return what a viewer added with *sent*, who was shown *shown* and is shown *base* now."""
    return lines(additions(contents(*sent), contents(*shown), contents(*base), contents(*own)))


@pytest.mark.parametrize("now", [True, False], ids=["shown", "shown once"])
@pytest.mark.parametrize(
    ("owners", "sent", "added"),
    [
        (HOUSE, OTHER, ["ADR:;;Other 2;Y;;1;USA"]),
        (HOUSE, (OTHER[0], "a.X-ABLabel:SUMMER  PLACE"), ["ADR:;;Other 2;Y;;1;USA"]),
        (HOUSE, (OTHER[0], "a.X-ABLabel:_$!<Summer place>!$_"), ["ADR:;;Other 2;Y;;1;USA"]),
        (("ADR;LABEL=Main 1 X:;;Main 1;X;;;",), ("ADR;LABEL=Main 1 X:;;Other 2;Y;;;",), ["ADR:;;Other 2;Y;;;"]),
        (('ADR;GEO="geo:1,2":;;Main 1;X;;;',), ('ADR;GEO="geo:1,2":;;Other 2;Y;;;',), ["ADR:;;Other 2;Y;;;"]),
        (
            ("a.ADR:;;Main 1;X;;;", "a.X-APPLE-SUBLOCALITY:Haidian"),
            ("a.ADR:;;Other 2;Y;;;", "a.X-APPLE-SUBLOCALITY:Haidian"),
            ["ADR:;;Other 2;Y;;;"],
        ),
        (("TEL;TYPE=Hideout:+49123456",), ("TEL;TYPE=Hideout;TYPE=CELL:+49123457",), ["TEL;TYPE=CELL:+49123457"]),
        (
            ("TEL;TYPE=CELL;X-A=Hideout:+49123456",),
            ("TEL;TYPE=CELL;X-A=Hideout:+49123457",),
            ["TEL;TYPE=CELL:+49123457"],
        ),
        (
            ("X-SOCIALPROFILE;TYPE=twitter;X-USER=anna:https://t.example/anna",),
            ("X-SOCIALPROFILE;TYPE=twitter;X-USER=anna:https://t.example/bo",),
            ["X-SOCIALPROFILE;TYPE=twitter:https://t.example/bo"],
        ),
        (("NICKNAME;X-A=Hideout:An",), ("NICKNAME;X-A=Hideout:An,Bo",), ["NICKNAME:Bo"]),
        (("ORG;SORT-AS=acme:ACME",), ("ORG;SORT-AS=acme:Other",), ["ORG:Other"]),
    ],
)
def test_what_stood_beside_goes_with_the_value(
    owners: tuple[str, ...],
    sent: tuple[str, ...],
    added: list[str],
    now: bool,  # noqa: FBT001
) -> None:
    assert kept(sent, owners, owners if now else ()) == added


def test_what_is_the_viewers_stays() -> None:
    assert kept(OTHER, ()) == ["ADR:;;Other 2;Y;;1;USA", "X-ABLabel:Summer place"]
    assert kept((OTHER[0], "a.X-ABLabel:Work"), HOUSE, HOUSE) == ["ADR:;;Other 2;Y;;1;USA", "X-ABLabel:Work"]
    # They called a place so before they were shown that the owner does.
    assert kept(OTHER, HOUSE, HOUSE, OTHER) == ["ADR:;;Other 2;Y;;1;USA", "X-ABLabel:Summer place"]


def test_who_leaves_the_owners_value_as_it_is_chose_the_label_for_another() -> None:
    sent = (*HOUSE, *(line.replace("a.", "b.") for line in OTHER))
    assert kept(sent, HOUSE, HOUSE) == ["ADR:;;Other 2;Y;;1;USA", "X-ABLabel:Summer place"]


def test_words_of_programs_are_everybodys() -> None:
    owners = ("a.TEL;TYPE=CELL;PREF=1:+49123456", "a.X-ABLabel:_$!<Mobile>!$_", "b.IMPP;X-SERVICE-TYPE=QQ:x-apple:1")
    sent = ("a.TEL;TYPE=CELL:+49123457", "a.X-ABLabel:_$!<Mobile>!$_", "b.IMPP;X-SERVICE-TYPE=QQ:x-apple:23")
    assert len(kept(sent, owners, owners)) == 4
