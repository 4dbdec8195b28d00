"""
How preferences of a client are read and answered, RFC 7240; which ones there are is in `test_rfc8144`.

What does not apply, as section 2 leaves it to the server:

- 4.1 and 4.3, respond-async and wait: every request is answered as soon as it is done.
- 4.2, return=representation, and 4.4, handling: they are ignored, as every preference that is not known.
"""

from __future__ import annotations

import pytest

from tests.dav.asking import BOOK, propfind, put, report, sync_body
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Lasting, Site

NAMES = "<D:displayname/><D:nothing/>"


def ask(lasting: Lasting, **headers: str) -> Answer:
    """Ask for something that is not there, too."""
    return propfind(lasting.site, "/anna/", NAMES, person=lasting.circle.anna, **headers)


@pytest.mark.parametrize(
    "header",
    [
        "return=minimal",
        "return = minimal",
        'return="minimal"',
        'RETURN="min\\imal"',
        "return=minimal; foo=bar",
        "return=minimal;foo",
        "foo, return=minimal",
        'foo="a, b", return=minimal, bar',
        "return=minimal, return=representation",
        ", ,return=minimal,",
        "respond-async, wait=10, return=minimal",
    ],
)
def test_a_preference_is_read_however_it_is_written(lasting: Lasting, header: str) -> None:
    """Section 2: names in any case, tokens or quoted strings, parameters, lists; the first of a name counts."""
    answer = ask(lasting, Prefer=header)
    assert b" 404 " not in answer.body
    assert answer.header("Preference-Applied") == "return=minimal"


@pytest.mark.parametrize(
    "header",
    [
        "",
        '""',
        "=",
        "return",
        'return=""',
        "return=minimalist",
        "noreturn=minimal",
        'x="return=minimal"',
        "x; return=minimal",
        "return=representation, return=minimal",
        "return=minimal minimal",
        '"return=minimal"',
        "unknown=thing; with=parameters",
        "respond-async",
        "wait=5",
        "handling=strict",
        '"',
        "return=\\",
        "é=ü",
        "," * 8_000,
        '"a' * 4_001,
    ],
)
def test_what_is_not_known_changes_nothing(lasting: Lasting, header: str) -> None:
    """Section 2: other preferences, and what is none, are ignored and never an error; nothing is said to be applied."""
    assert ask(lasting, Prefer=header) == ask(lasting)


def test_who_caches_an_answer_learns_what_it_depends_on(lasting: Lasting) -> None:
    """Section 2: Vary MUST list Prefer where a preference makes a difference to what could be kept."""
    for headers in ({}, {"Prefer": "return=minimal"}):
        asked = report(lasting.site, lasting.circle.anna, sync_body(), **headers)
        for answer in (ask(lasting, **headers), asked):
            assert "Prefer" in answer.header("Vary").split(", ")


@ON_SQLITE
def test_a_preference_that_was_not_heeded_is_not_said_to_be(site: Site, anna: Person) -> None:
    """Section 3: Preference-Applied names what was done, and nothing where that makes no difference to the answer."""
    for header in ("return=representation", "return=minimal", "depth-noroot"):
        answers = [
            put(site, anna, BOOK + "x.vcf", factories.vcard("x"), Prefer=header),
            site.call("GET", BOOK + "x.vcf", b"", {"Prefer": header}, person=anna),
            site.call("DELETE", BOOK + "x.vcf", b"", {"Prefer": header}, person=anna),
            site.call("DELETE", BOOK + "x.vcf", b"", {"Prefer": header}, person=anna),
            site.call("OPTIONS", BOOK, b"", {"Prefer": header}),
        ]
        assert [answer.status for answer in answers] == [201, 200, 204, 404, 200]
        assert {answer.header("Preference-Applied") for answer in answers} == {""}
