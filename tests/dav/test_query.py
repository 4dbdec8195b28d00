"""The addressbook-query report (RFC 6352, 8.6): what is found, and that nothing hidden is."""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, NS, propfind, query_body, report, responses, texts
from tests.support import factories
from tests.support.site import ON_SQLITE, SECRETS, Circle, Lasting, Site

CARDS = {
    "one": (
        "N:Müller;Jörg;;;",
        "EMAIL;TYPE=work:joerg@example.org",
        "item1.TEL;TYPE=cell:+49 170 1",
        "item1.X-ABLabel:Mob",
    ),
    "two": ("N:Straße;Eva;;;", "EMAIL;TYPE=home:eva@example.net", "EMAIL:eva@example.org", "NOTE:likes\\, commas"),
    "three": ("N:Smith;JOHN;;;", "TEL;TYPE=home:1", "TEL;TYPE=work:2", "item2.TEL:3"),
}
NAMES = {"one": "Jörg Müller", "two": "Eva Straße", "three": "JOHN SMITH"}


def match(text: str, kind: str = "contains", collation: str = "", negate: str = "") -> str:
    attributes = f' match-type="{kind}"' if kind else ""
    attributes += f' collation="{collation}"' if collation else ""
    attributes += f' negate-condition="{negate}"' if negate else ""
    return f"<C:text-match{attributes}>{text}</C:text-match>"


def prop(name: str, inside: str = "", test: str = "") -> str:
    attribute = f' test="{test}"' if test else ""
    return f'<C:prop-filter name="{name}"{attribute}>{inside}</C:prop-filter>'


def param(name: str, inside: str = "") -> str:
    return f'<C:param-filter name="{name}">{inside}</C:param-filter>'


NOT_DEFINED = "<C:is-not-defined/>"
EVERYONE = {"one", "two", "three"}
CASES: list[tuple[str, str, set[str]]] = [
    ("no filter finds all", "", EVERYONE),
    ("a property that is there", prop("NOTE"), {"two"}),
    ("names in any case", prop("note"), {"two"}),
    ("a property that is not there", prop("NOTE", NOT_DEFINED), {"one", "three"}),
    ("a text inside", prop("FN", match("ör")), {"one"}),
    ("a text in another case, beyond ASCII", prop("FN", match("JÖRG")), {"one"}),
    ("the whole text", prop("FN", match("john smith", "equals")), {"three"}),
    ("not the whole text", prop("FN", match("john", "equals")), set()),
    ("the beginning", prop("FN", match("eva", "starts-with")), {"two"}),
    ("the end", prop("FN", match("smith", "ends-with")), {"three"}),
    ("ASCII letters in any case", prop("FN", match("john", collation="i;ascii-casemap")), {"three"}),
    ("other letters as they are", prop("FN", match("jÖrg", collation="i;ascii-casemap")), set()),
    ("octets as they are", prop("FN", match("john", collation="i;octet")), set()),
    ("octets that are there", prop("FN", match("JOHN", collation="i;octet")), {"three"}),
    ("a letter and its case folding", prop("FN", match("strasse", collation="i;unicode-casemap")), {"two"}),
    ("the default collation", prop("FN", match("JÖRG", collation="default")), {"one"}),
    ("an escaped comma as what it means", prop("NOTE", match("likes, commas")), {"two"}),
    ("not", prop("FN", match("jörg", negate="yes")), {"two", "three"}),
    ("not, and not there either", prop("NOTE", match("x", negate="yes")), {"two"}),
    ("any of a property's lines", prop("EMAIL", match(".org", "ends-with")), {"one", "two"}),
    ("any text", prop("EMAIL", match("joerg") + match("eva")), {"one", "two"}),
    ("all texts in one line", prop("EMAIL", match("eva") + match(".net"), "allof"), {"two"}),
    ("all texts, but in two lines", prop("EMAIL", match("joerg") + match(".net"), "allof"), set()),
    ("a parameter", prop("EMAIL", param("TYPE")), {"one", "two"}),
    ("a parameter's text", prop("EMAIL", param("TYPE", match("WORK", "equals"))), {"one"}),
    ("a parameter that is not there", prop("EMAIL", param("TYPE", NOT_DEFINED)), {"two"}),
    ("a text and a parameter of one line", prop("TEL", match("2") + param("TYPE", match("work")), "allof"), {"three"}),
    ("a text and a parameter of two", prop("TEL", match("1") + param("TYPE", match("work")), "allof"), set()),
    ("a group in front of the name", prop("item1.TEL"), {"one"}),
    ("a group in another case", prop("ITEM1.TEL"), {"one"}),
    ("the wrong group", prop("item3.TEL"), set()),
]


@pytest.fixture
def filled(site: Site, circle: Circle) -> Circle:
    """Put some private cards beside ben's."""
    for name, lines in CARDS.items():
        data = "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", f"FN:{NAMES[name]}", *lines, "END:VCARD", ""])
        factories.put(site.database, circle.anna.id, f"{name}.vcf", data.encode())
    return circle


def names_in(answer_hrefs: dict[str, str]) -> set[str]:
    return {href.removeprefix(BOOK).removesuffix(".vcf") for href in answer_hrefs} & EVERYONE


@ON_SQLITE
def test_filters_find_what_the_standard_says(site: Site, filled: Circle) -> None:
    """Each case of `CASES`, whatever the client's Depth."""
    for depth in ("1", "0", None):
        found = {
            claim: names_in(texts(report(site, filled.anna, query_body(filters), depth=depth)))
            for claim, filters, _ in CASES
        }
        assert found == {claim: expected for claim, _, expected in CASES}


@ON_SQLITE
def test_filters_are_joined_by_any_or_all(site: Site, filled: Circle) -> None:
    both = prop("FN", match("eva")) + prop("TEL")
    assert names_in(texts(report(site, filled.anna, query_body(both)))) == EVERYONE
    assert names_in(texts(report(site, filled.anna, query_body(both, test="anyof")))) == EVERYONE
    both = prop("FN", match("john")) + prop("TEL")
    assert names_in(texts(report(site, filled.anna, query_body(both, test="allof")))) == {"three"}


def test_what_somebody_hides_cannot_be_found(lasting: Lasting) -> None:
    """Neither a hidden value nor whether there is one: filters see just what is served."""
    anna, site, entry = lasting.circle.anna, lasting.site, lasting.circle.entry
    for name, secret in zip(("TEL", "EMAIL", "NOTE"), SECRETS, strict=True):
        for filters in (prop(name, match(secret)), prop(name), prop(name, match(secret[:3], "starts-with"))):
            assert entry not in responses(report(site, anna, query_body(filters)))
        assert entry in texts(report(site, anna, query_body(prop(name, NOT_DEFINED))))
        assert entry not in texts(report(site, anna, query_body(prop(name, match(secret, negate="yes")))))


@ON_SQLITE
def test_a_limit_is_kept_and_told(site: Site, filled: Circle) -> None:
    """More than were wanted: so many come, and the book itself says that there are more."""
    limited = query_body(prop("FN"), rest="<C:limit><C:nresults>2</C:nresults></C:limit>")
    found = responses(report(site, filled.anna, limited))
    assert len(found) == 3
    assert found[BOOK].findtext("D:status", "", NS) == "HTTP/1.1 507 Insufficient Storage"


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1e3", "9" * 50])
def test_a_limit_that_is_none_is_refused(lasting: Lasting, limit: str) -> None:
    body = query_body("", rest=f"<C:limit><C:nresults>{limit}</C:nresults></C:limit>")
    assert report(lasting.site, lasting.circle.anna, body).status == 400


@pytest.mark.parametrize(
    ("filters", "test", "status", "condition"),
    [
        (prop("FN", match("x", collation="i;nosuch")), "", 403, "supported-collation"),
        (prop("FN", match("x", "sounds-like")), "", 403, "supported-filter"),
        (prop("FN", match("x"), "noneof"), "", 403, "supported-filter"),
        (prop("FN"), "xor", 403, "supported-filter"),
        (prop(""), "", 400, ""),
        ("<C:prop-filter/>", "", 400, ""),
        (prop("FN", "<C:param-filter/>"), "", 400, ""),
    ],
)
def test_a_filter_that_is_not_understood_is_refused(
    lasting: Lasting, filters: str, test: str, status: int, condition: str
) -> None:
    """Finding something else than was asked for would be worse."""
    answer = report(lasting.site, lasting.circle.anna, query_body(filters, test=test))
    assert answer.status == status
    assert answer.condition == (f"{{{NS['C']}}}{condition}" if condition else "")


def test_other_reports_are_refused_by_name(lasting: Lasting) -> None:
    """A report of calendars or versions is not answered with an empty success."""
    for name in ('<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav"/>', '<D:version-tree xmlns:D="DAV:"/>'):
        answer = report(lasting.site, lasting.circle.anna, name)
        assert (answer.status, answer.condition) == (403, "{DAV:}supported-report")
    for path in ("/", "/anna/", lasting.circle.entry):
        answer = report(lasting.site, lasting.circle.anna, query_body(""), path=path)
        assert (answer.status, answer.condition) == (403, "{DAV:}supported-report")
    assert (
        "principal" not in propfind(lasting.site, BOOK, "<D:supported-report-set/>", person=lasting.circle.anna).reason
    )
