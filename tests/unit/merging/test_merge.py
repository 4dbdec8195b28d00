"""What a viewer adds to somebody else's card is told from what is the owner's, however programs write it."""

from __future__ import annotations

import pytest

from sync.fields import FieldContent, fields_of, translate
from sync.merging.merge import additions, merge
from sync.vcard import content_line, parse_one
from tests.support import pictures

PHOTO = f"PHOTO;ENCODING=b;TYPE=JPEG:{pictures.encoded(1)}"
ANOTHER = f"PHOTO;ENCODING=b;TYPE=JPEG:{pictures.encoded(2)}"
LOGO = "LOGO;ENCODING=b;TYPE=PNG:AAAA"


def contents(*lines: str, version: str = "3.0") -> list[FieldContent]:
    """Return the fields of a card with these content lines."""
    return fields_of(parse_one("\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD"])))


def lines(found: list[FieldContent]) -> list[str]:
    """Return fields as content lines of vCard 3.0, without groups."""
    written = (content_line(item) for content in found for item in translate(content, "3.0"))
    return [line.replace("\r\n ", "").removesuffix("\r\n") for line in written]


def added(sent: list[FieldContent], *owners: str, now: bool = True, own: tuple[str, ...] = ()) -> list[str]:
    """Return what of *sent* is not the owner's: what they show, or with *now* false once showed."""
    theirs = contents(*owners)
    return lines(additions(sent, theirs, theirs if now else [], contents(*own)))


@pytest.mark.parametrize("now", [True, False], ids=["shown", "shown once"])
@pytest.mark.parametrize(
    ("owners", "version", "sent"),
    [
        (["TEL;TYPE=CELL:+86 138 0000 0001"], "3.0", ["TEL;TYPE=HOME,pref:+8613800000001"]),
        (["TEL;TYPE=CELL:+86 138 0000 0001"], "3.0", ["TEL:+86-138-0000-0001"]),
        (["TEL;TYPE=CELL:+86 138 0000 0001"], "4.0", ["TEL;VALUE=uri;TYPE=cell:tel:+86-138-0000-0001"]),
        (["EMAIL:Anna@Example.ORG"], "4.0", ["EMAIL:anna@example.org"]),
        (["URL:https://example.org/anna/"], "3.0", ["item1.URL:https\\://example.org/anna", "item1.X-ABLabel:x"]),
        (["NOTE:call after six"], "3.0", ["NOTE:Call after\\nsix"]),
        (["NOTE:tea; milk\\, salt"], "3.0", ["NOTE:tea\\\\; milk\\\\\\, salt"]),
        (["NOTE:(six)", "NOTE:call after seven"], "3.0", ["NOTE:(six)\\ncall after seven"]),
        (["NOTE:😀"], "3.0", ["NOTE:😀"]),
        (["NICKNAME:An,Bo"], "3.0", ["NICKNAME:An\\, Bo"]),
        (["CATEGORIES:chess,tea"], "4.0", ["CATEGORIES:Tea", "CATEGORIES:chess"]),
        (["BDAY:1980-03-22"], "4.0", ["BDAY;VALUE=date:19800322"]),
        (["BDAY:1980-03-22"], "3.0", ["BDAY:1980-03-22T00:00:00Z"]),
        (["BDAY;X-APPLE-OMIT-YEAR=1604:1604-08-20"], "3.0", ["BDAY:1604-08-20"]),
        (["a.X-ABDATE:2009-08-08", "a.X-ABLabel:_$!<Anniversary>!$_"], "4.0", ["ANNIVERSARY:20090808"]),
        (["a.X-ABDATE:2009-08-08", "a.X-ABLabel:_$!<Anniversary>!$_"], "3.0", ["X-ABDATE:2009-08-08"]),
        (["GEO:39.9;116.4"], "4.0", ["GEO:geo:39.9,116.4"]),
        (["TZ:-05:00"], "4.0", ["TZ;VALUE=utc-offset:-0500"]),
        (["IMPP;X-SERVICE-TYPE=QQ:x-apple:10001"], "4.0", ["IMPP:qq:10001"]),
        (["IMPP;X-SERVICE-TYPE=QQ:x-apple:10001"], "3.0", ["X-QQ:10001"]),
        (["a.X-ABRELATEDNAMES:Tsinghua", "a.X-ABLabel:School"], "3.0", ["X-ABRELATEDNAMES:Tsinghua"]),
        (["a.X-ABRELATEDNAMES:Tsinghua", "a.X-ABLabel:Secret"], "3.0", ["X-ABLabel:Secret"]),
        (["a.TEL:1", "a.X-ABLabel:Secret"], "3.0", ["A.TEL:1", "A.X-ABLABEL:Secret"]),
        (["ADR;TYPE=HOME:;;1 Main\\nStreet;Town;;;"], "3.0", ["ADR;TYPE=WORK:;;1 Main Street\\, Town;;;;"]),
        (["ADR;TYPE=HOME:;;1 Main Street;Town;;;"], "3.0", ["LABEL;TYPE=HOME:Town\\n1 Main Street"]),
        ([PHOTO], "3.0", [PHOTO.replace("PHOTO;", "PHOTO;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&8&8&x;")]),
        ([PHOTO], "4.0", [f"PHOTO:data:image/jpeg;base64,{pictures.encoded(1)}"]),
        ([LOGO], "4.0", ["LOGO:data:image/png;base64,AA AA"]),
        (["NOTE:Müller"], "3.0", ["NOTE:Mu\u0308ller"]),
    ],
    ids=lambda part: part[0][:30] if isinstance(part, list) else None,
)
def test_no_spelling_makes_an_owners_value_the_viewers(
    owners: list[str], version: str, sent: list[str], *, now: bool
) -> None:
    assert added(contents(*sent, version=version), *owners, now=now) == []


@pytest.mark.parametrize(
    "line",
    [
        "FN:Mum",
        "N:Mum;;;;",
        "SORT-STRING:Mum",
        "X-EVOLUTION-FILE-AS:Mum",
        "X-GENDER:female",
        "LABEL:1 Main Street",
        "X-ABLabel:Mum",
        "X-ADDRESSBOOKSERVER-KIND:group",
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1",
        "X-APPLE-SUBLOCALITY:x",
    ],
)
def test_what_sort_of_card_it_is_and_who_is_not_the_viewers_to_say(line: str) -> None:
    assert added(contents(line)) == []


def test_what_the_owner_has_once_is_not_the_viewers_to_change() -> None:
    assert added(contents("BDAY:1980-03-23"), "BDAY:1980-03-22") == []
    assert added(contents("BDAY:1980-03-23"), "BDAY:1980-03-22", now=False) == ["BDAY:1980-03-23"]


@pytest.mark.parametrize(
    ("owners", "sent", "own"),
    [
        (["TEL:1"], ["TEL:1", "TEL;TYPE=HOME:2"], ["TEL;TYPE=HOME:2"]),
        (["NOTE:call after six"], ["NOTE:call after six\\nlikes tea"], ["NOTE:likes tea"]),
        (["NOTE:call after six"], ["NOTE:likes tea\\ncall after six\\nor milk"], ["NOTE:likes tea\\nor milk"]),
        (["NOTE:call after six"], ["NOTE:call after six\\, likes tea"], ["NOTE:\\, likes tea"]),
        (["NOTE:is"], ["NOTE:is\\nthis is nice"], ["NOTE:this is nice"]),
        (["NOTE:is"], ["NOTE:this is nice"], ["NOTE:this is nice"]),
        (["NOTE:六点以后打电话"], ["NOTE:六点以后打电话爱喝茶"], ["NOTE:爱喝茶"]),
        (["NOTE:a"], ["NOTE:😀"], ["NOTE:😀"]),
        (["NICKNAME:An"], ["NICKNAME:An,Bo"], ["NICKNAME:Bo"]),
        (["NICKNAME:An"], ["NICKNAME:An\\, Bo"], ["NICKNAME:Bo"]),
        (["NICKNAME:An"], ["NICKNAME:Doe\\, John"], ["NICKNAME:Doe\\, John"]),
        ([LOGO], ["LOGO;ENCODING=b;TYPE=PNG:AAAB"], ["LOGO;ENCODING=b;TYPE=PNG:AAAB"]),
        ([PHOTO], [ANOTHER], [ANOTHER]),
        (["GEO:52.500000;13.366667"], ["GEO:52.500000;13.367667"], ["GEO:52.500000;13.367667"]),
        (["TEL:+1 555 0100 x5"], ["TEL:+1 555 0100 x7"], ["TEL:+1 555 0100 x7"]),
        (["URL:https://example.org/a"], ["URL:https://example.org/b"], ["URL:https://example.org/b"]),
        (["TITLE:Head\\, Sales"], ["TITLE:My boss"], ["TITLE:My boss"]),
    ],
    ids=lambda part: part[0][:30],
)
def test_what_a_viewer_adds_is_told_apart(owners: list[str], sent: list[str], own: list[str]) -> None:
    assert added(contents(*sent), *owners) == own


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ("TEL;TYPE=HOME:+86 155 5", ["TEL;TYPE=HOME:+86 155 5"]),
        ("NICKNAME:An", ["NICKNAME:An"]),
        ("NOTE:buy milk and bread", ["NOTE:buy milk and bread"]),
        ("NOTE:please buy milk and bread", ["NOTE:please buy milk and bread"]),
    ],
)
def test_what_was_the_viewers_first_stays_theirs(own: str, sent: list[str]) -> None:
    """That the owner showed the same for a while takes nothing from who had written it before."""
    owners = own.replace("please ", "")
    assert added(contents(*sent), owners, now=False, own=(own,)) == [own]
    assert added(contents(*sent), owners, now=False) != [own]


def test_an_owners_text_is_taken_out_of_a_note_once_more_than_the_viewer_wrote_it() -> None:
    own = "NOTE:please call after six"
    both = contents("NOTE:call after six\\nplease call after six")
    assert added(both, "NOTE:call after six", own=(own,)) == [own]


@pytest.mark.parametrize(
    ("base", "overlay", "merged"),
    [
        (["TEL:1"], ["TEL:2"], ["TEL:1", "TEL:2"]),
        (["TEL:1 2"], ["TEL;TYPE=HOME:12"], ["TEL:1 2"]),
        (["BDAY:1980-03-22"], ["BDAY:1980-03-23"], ["BDAY:1980-03-22"]),
        (["NOTE:a"], ["NOTE:b", "NOTE:c"], ["NOTE:a\\nb\\nc"]),
        (["NOTE:steak"], ["NOTE:tea"], ["NOTE:steak\\ntea"]),
        (["NOTE:tea\\nmilk"], ["NOTE:milk"], ["NOTE:tea\\nmilk"]),
        ([], ["NOTE:b", "NOTE:c"], ["NOTE:b\\nc"]),
        (["NICKNAME:An"], ["NICKNAME:an,Bo"], ["NICKNAME:An,Bo"]),
        ([PHOTO], [ANOTHER], [ANOTHER]),
    ],
    ids=lambda part: "".join(part)[:30],
)
def test_both_are_shown_together(base: list[str], overlay: list[str], merged: list[str]) -> None:
    once = merge(contents(*base), contents(*overlay))
    assert lines(once) == merged
    assert lines(merge(once, contents(*overlay))) == merged


def test_a_picture_that_stands_elsewhere_is_the_viewers_to_show() -> None:
    remote = "PHOTO;VALUE=uri:https://example.org/a.jpg"
    assert lines(merge(contents(PHOTO), additions(contents(remote), [], contents(PHOTO)))) == [remote]
