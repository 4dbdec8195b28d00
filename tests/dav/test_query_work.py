"""What a search costs: cards are looked over, not parsed, in every search that clients send."""

from __future__ import annotations

import pytest

from sync.books import entries
from sync.database.engine import Session
from sync.vcard import parser
from tests.dav.asking import BOOK, query_body, report, texts
from tests.support import factories
from tests.support.site import ON_SQLITE, Circle, Site

pytestmark = ON_SQLITE
CARDS = 200
#: One of so many cards is written so that only the parser can tell what it says.
ODD = 50
NAMES = ("FN", "N", "NICKNAME", "EMAIL", "TEL", "ORG", "UID")


def match(text: str, kind: str = "contains") -> str:
    return f'<C:text-match collation="i;unicode-casemap" match-type="{kind}">{text}</C:text-match>'


def prop(name: str, inside: str = "") -> str:
    return f'<C:prop-filter name="{name}">{inside}</C:prop-filter>'


ALL = set(range(CARDS))
SEARCHES: dict[str, tuple[str, set[int]]] = {
    "all there is": ("", ALL),
    "all that have a name": (prop("FN"), ALL),
    "all that are vCards": (prop("VERSION"), ALL),
    "none without a version": (prop("VERSION", "<C:is-not-defined/>"), set()),
    "all of this version": (prop("VERSION", match("3.0", "equals")), ALL),
    "all without a nickname": (prop("NICKNAME", "<C:is-not-defined/>"), {one for one in ALL if one % 3}),
    "an address, as a phone does when a message comes": (prop("EMAIL", match("P17@EXAMPLE.org", "equals")), {17}),
    "a UID": (prop("UID", match("uid-40", "equals")), {40}),
    "letters, in all that a person is known by": (
        "".join(prop(name, match("ÖRG 11")) for name in NAMES),
        {11, *range(110, 120)},
    ),
    "the beginning of a name": (prop("FN", match("jörg 19", "starts-with")), {19, *range(190, 200)}),
    "what nobody has": ("".join(prop(name, match("nobody", "starts-with")) for name in NAMES), set()),
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows with every text that is parsed."""
    calls: list[None] = []
    parse = parser.parse

    def counting(*args: object, **kwargs: object) -> object:
        calls.append(None)
        return parse(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(parser, "parse", counting)
    return calls


@pytest.fixture
def filled(site: Site, circle: Circle) -> Circle:
    """Put many private cards into anna's address book, beside ben's and her own."""

    def fill(session: Session) -> None:
        book = factories.book_in(session, circle.anna.id)
        for number in range(CARDS):
            lines = [
                f"N:Müller;Jörg {number};;;",
                f"EMAIL;TYPE=HOME:p{number}@example.org",
                f"item1.TEL:+49 30 {number}",
            ]
            lines += [f"NICKNAME:{'J' * 100}"] if number % 3 == 0 else []
            lines += ["NOTE;ENCODING=QUOTED-PRINTABLE:a=", "b"] if number % ODD == 0 else []
            body = "\r\n".join([f"UID:uid-{number}", f"FN:Jörg {number}", *lines])
            card = f"BEGIN:VCARD\r\nVERSION:3.0\r\n{body}\r\nEND:VCARD\r\n"
            entries.write(session, book, f"{number}.vcf", card.encode(), factories.anyway)

    site.database.write(fill)
    return circle


def test_a_search_parses_hardly_any_card(site: Site, filled: Circle, parsed: list[None]) -> None:
    for claim, (filters, expected) in SEARCHES.items():
        parsed.clear()
        answer = texts(report(site, filled.anna, query_body(filters), depth="1"))
        numbers = {href.removeprefix(BOOK).removesuffix(".vcf") for href in answer} - {
            href.removeprefix(BOOK).removesuffix(".vcf") for href in (filled.entry, filled.own)
        }
        assert numbers == {str(number) for number in expected}, claim
        assert len(parsed) <= CARDS // ODD, claim


def test_what_is_parsed_is_counted(site: Site, filled: Circle, parsed: list[None]) -> None:
    """A search for more than is ever searched for is left to the parser, and the count shows it."""
    report(site, filled.anna, query_body("".join(prop(f"X-{number}") for number in range(40))), depth="1")
    assert len(parsed) >= CARDS
