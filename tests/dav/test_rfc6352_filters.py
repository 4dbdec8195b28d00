"""
Searching, as RFC 6352, 8.3, 8.5, 8.6 and 10.5 have it.

`test_rfc6352_resources` says where the other sections are. What these require is a test here, or else one of these:

* 8.3, "MAY support other collations": there is i;octet, too.
* 8.3, "wildcards MUST NOT be used" binds clients; one is refused as a collation that is unknown.
* 8.3, i;unicode-casemap: a text is found in one more case than RFC 5051 has, where a letter has two when its case is
  folded: "strasse" finds "Straße".
* 8.5, "MAY support the use of non-standard" names in filters: all are. So nothing is ever asked for that is not
  supported (8.5, "MUST fail"; 8.6, "SHOULD report the [filter] for which it does not provide support").
* 10.5.1, names are compared in any case, as those of vCard are, and so are groups.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dav.asking import (
    BOOK,
    CARD,
    NS,
    propfind,
    query_body,
    report,
    responses,
)
from tests.support import factories, people
from tests.support.people import Person
from tests.support.site import Lasting, Site, opened

CARDS = {
    "one": (
        "EMAIL;TYPE=work:joerg@example.org",
        "item1.TEL;TYPE=cell,voice:+49 170 1",
        "item1.X-ABLabel:Mob",
    ),
    "two": ("EMAIL;TYPE=home:eva@example.net", "EMAIL:eva@example.org", "NOTE:likes\\, commas"),
    "three": ("TEL;TYPE=home:1", "TEL;TYPE=work:2", "item2.TEL:3", "NOTE;X-HOW=loud:ha"),
}
NAMES = {"one": "Jörg Müller", "two": "Eva Straße", "three": "JOHN SMITH"}


def match(text: str, kind: str = "", collation: str = "", negate: str = "") -> str:
    """Return a text-match, without the attributes that are empty."""
    attributes = f' match-type="{kind}"' if kind else ""
    attributes += f' collation="{collation}"' if collation else ""
    attributes += f' negate-condition="{negate}"' if negate else ""
    return f"<C:text-match{attributes}>{text}</C:text-match>"


def prop(name: str, inside: str = "", test: str = "") -> str:
    """Return a prop-filter."""
    attribute = f' test="{test}"' if test else ""
    return f'<C:prop-filter name="{name}"{attribute}>{inside}</C:prop-filter>'


def param(name: str, inside: str = "") -> str:
    """Return a param-filter."""
    return f'<C:param-filter name="{name}">{inside}</C:param-filter>'


NOT_DEFINED = "<C:is-not-defined/>"
EVERYONE = {"one", "two", "three"}
#: What is asked, and what it finds, by section and claim.
CASES: dict[str, tuple[str, set[str]]] = {
    "8.3 without a collation, case does not matter, beyond ASCII": (prop("FN", match("JÖRG")), {"one"}),
    "8.3 the default collation is the same": (prop("FN", match("JÖRG", collation="default")), {"one"}),
    "8.3 i;unicode-casemap": (prop("FN", match("JÖRG", collation="i;unicode-casemap")), {"one"}),
    "8.3 i;unicode-casemap, folded": (prop("FN", match("strasse", collation="i;unicode-casemap")), {"two"}),
    "8.3 i;unicode-casemap, decomposed": (prop("FN", match("jo\u0308rg", collation="i;unicode-casemap")), {"one"}),
    "8.3 i;ascii-casemap": (prop("FN", match("john", collation="i;ascii-casemap")), {"three"}),
    "8.3 i;ascii-casemap, other letters": (prop("FN", match("jÖrg", collation="i;ascii-casemap")), set()),
    "8.3 i;octet, another case": (prop("FN", match("john", collation="i;octet")), set()),
    "8.3 i;octet": (prop("FN", match("JOHN", collation="i;octet")), {"three"}),
    "8.5 a property that is not standard": (prop("X-ABLABEL", match("mob")), {"one"}),
    "8.5 a parameter that is not standard": (prop("NOTE", param("X-HOW", match("loud", "equals"))), {"three"}),
    "10.5 no filter": ("", EVERYONE),
    "10.5.1 a property that is there": (prop("NOTE"), {"two", "three"}),
    "10.5.1 a name in any case": (prop("note"), {"two", "three"}),
    "10.5.1 no such property": (prop("ANNIVERSARY"), set()),
    "10.5.1 any text": (prop("EMAIL", match("joerg") + match("eva")), {"one", "two"}),
    "10.5.1 any text, said": (prop("EMAIL", match("joerg") + match("eva"), "anyof"), {"one", "two"}),
    "10.5.1 any of text and parameter": (prop("TEL", match("170") + param("TYPE", match("work"))), {"one", "three"}),
    "10.5.1 all texts": (prop("EMAIL", match("eva") + match(".net"), "allof"), {"two"}),
    "10.5.1 all texts, in two lines": (prop("EMAIL", match("joerg") + match(".net"), "allof"), set()),
    "10.5.1 all of text and parameter": (prop("TEL", match("2") + param("TYPE", match("work")), "allof"), {"three"}),
    "10.5.1 all, in two lines": (prop("TEL", match("1") + param("TYPE", match("work")), "allof"), set()),
    "10.5.1 a name without a group matches in every group": (prop("TEL"), {"one", "three"}),
    "10.5.1 a name with a group matches there": (prop("item1.TEL"), {"one"}),
    "10.5.1 a group in any case": (prop("ITEM1.tel"), {"one"}),
    "10.5.1 a name with a group does not match in another": (prop("item3.TEL"), set()),
    "10.5.1 nor in none": (prop("item1.EMAIL"), set()),
    "10.5.1 a text in a group": (prop("item2.TEL", match("1")), set()),
    "10.5.2 a parameter that is there": (prop("EMAIL", param("TYPE")), {"one", "two"}),
    "10.5.2 a parameter's name in any case": (prop("EMAIL", param("type")), {"one", "two"}),
    "10.5.2 a parameter's text": (prop("EMAIL", param("TYPE", match("WORK", "equals"))), {"one"}),
    "10.5.2 one of a parameter's texts": (prop("TEL", param("TYPE", match("voice", "equals"))), {"one"}),
    "10.5.2 a parameter's text, negated": (prop("EMAIL", param("TYPE", match("work", negate="yes"))), {"two"}),
    "10.5.3 a property that is not there": (prop("NOTE", NOT_DEFINED), {"one"}),
    "10.5.3 a property that is not there in a group": (prop("item1.TEL", NOT_DEFINED), {"two", "three"}),
    "10.5.3 a parameter that is not there": (prop("EMAIL", param("TYPE", NOT_DEFINED)), {"two"}),
    "10.5.4 contains, without saying so": (prop("FN", match("ör")), {"one"}),
    "10.5.4 any of a property's lines": (prop("EMAIL", match(".org", "ends-with")), {"one", "two"}),
    "10.5.4 the value as it is meant": (prop("NOTE", match("likes, commas")), {"two"}),
    "10.5.4 negated": (prop("FN", match("jörg", negate="yes")), {"two", "three"}),
    "10.5.4 not negated": (prop("FN", match("jörg", negate="no")), {"one"}),
    "10.5.4 negated, of what is not there": (prop("NOTE", match("x", negate="yes")), {"two", "three"}),
}
#: Each way of matching with each collation finds JOHN SMITH by the first text and not by the second.
TEXTS = {
    "equals": ("JOHN SMITH", "JOHN"),
    "contains": ("N SM", "JOHNSMITH"),
    "starts-with": ("JOHN", "SMITH"),
    "ends-with": ("SMITH", "JOHN"),
}
COLLATIONS = ("i;ascii-casemap", "i;unicode-casemap", "i;octet")


@pytest.fixture(scope="module")
def filled(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Person]]:
    """Yield a server with somebody who has these cards."""
    copy = shutil.copy(migrated_sqlite_file, tmp_path_factory.mktemp("filled") / "evercard.sqlite")
    with opened(f"sqlite:///{copy}") as site:
        anna = people.register(site.database, "anna")
        for name, lines in CARDS.items():
            factories.put(site.database, anna.id, f"{name}.vcf", factories.vcard(name, *lines, name=NAMES[name]))
        yield site, anna


def found(filled: tuple[Site, Person], filters: str, test: str = "") -> set[str]:
    """Return which of the cards a filter finds."""
    answer = report(*filled, query_body(filters, test=test), depth="1")
    return {href.removeprefix(BOOK).removesuffix(".vcf") for href in responses(answer)} & EVERYONE


@pytest.mark.parametrize("claim", CASES)
def test_a_filter_finds_what_the_standard_says(filled: tuple[Site, Person], claim: str) -> None:
    """Each case of `CASES`, which has its section in its name."""
    filters, expected = CASES[claim]
    assert found(filled, filters) == expected


@pytest.mark.parametrize("collation", COLLATIONS)
@pytest.mark.parametrize("kind", TEXTS)
def test_every_collation_has_every_way_of_matching(filled: tuple[Site, Person], collation: str, kind: str) -> None:
    """Collations MUST support equality, and substrings with prefix and suffix (8.3; 10.5.4, match-type)."""
    is_there, is_not = TEXTS[kind]
    assert found(filled, prop("FN", match(is_there, kind, collation))) == {"three"}
    assert found(filled, prop("FN", match(is_not, kind, collation))) == set()


def test_all_collations_that_are_told_are_known(filled: tuple[Site, Person]) -> None:
    """The set has what can be used, and nothing else (8.3, 8.3.1)."""
    site, anna = filled
    answer = propfind(site, BOOK, "<C:supported-collation-set/>", person=anna)
    assert {node.text for node in answer.xml.iterfind(".//C:supported-collation", NS)} == set(COLLATIONS)


@pytest.mark.parametrize(("test", "expected"), [("", EVERYONE), ("anyof", EVERYONE), ("allof", {"three"})])
def test_filters_are_joined_by_any_or_all(filled: tuple[Site, Person], test: str, expected: set[str]) -> None:
    """The test attribute of the filter is a logical OR, or an AND, and an OR where it is absent (10.5)."""
    assert found(filled, prop("FN", match("john")) + prop("TEL") + prop("NOTE"), test) == expected


@pytest.mark.parametrize(
    ("filters", "test", "status", "condition"),
    [
        *(
            (prop("FN", match("x", collation=collation)), "", 403, "supported-collation")
            for collation in ("i;nosuch", "i;*", "*")
        ),
        (prop("EMAIL", param("TYPE", match("x", collation="i;nosuch"))), "", 403, "supported-collation"),
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
    """
    A collation that is not supported MUST be refused (8.3, 8.6); so is what no filter can say (10.5).

    Finding something else than was asked for would be worse.
    """
    answer = report(lasting.site, lasting.circle.anna, query_body(filters, test=test))
    assert answer.status == status
    assert answer.condition == (CARD + condition if condition else "")
