"""The directory: phones find whom the portal finds, as strangers see them, and nobody reads it through."""

from __future__ import annotations

import pytest

from sync.accounts.rate_limits import Limit
from sync.database.engine import Session
from sync.discovery import directory
from sync.discovery.directory import SEARCHES
from sync.fields import field_from_text
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from tests.dav.asking import ETAG, NS, propfind, query_body, report, responses
from tests.support.meeting import block, prefer
from tests.support.people import Person, register
from tests.support.site import Answer, Circle, Site

DIRECTORY = "/anna/directory/"


@pytest.fixture
def dora(site: Site) -> int:
    """Dora, whom nobody is connected to."""
    person = register(site.database, "dora")

    def tell(session: Session) -> None:
        shown = profiles.add_field(session, person.id, field_from_text("name", "Dora Weiss"))
        profiles.add_field(session, person.id, field_from_text("mobile", "+49 170 1234567"))
        grants.grant(session, person.id, groups.find(session, person.id, STRANGERS).id, [shown])

    site.database.write(tell)
    prefer(site.database, person.id, found_by_name=True)
    return person.id


def match(name: str, text: str, kind: str = "contains", negate: str = "no") -> str:
    return (
        f'<C:prop-filter name="{name}"><C:text-match match-type="{kind}" negate-condition="{negate}">{text}'
        "</C:text-match></C:prop-filter>"
    )


def search(
    site: Site, circle: Circle, *filters: str, path: str = DIRECTORY, rest: str = "", test: str = "anyof"
) -> Answer:
    return report(site, circle.anna, query_body("".join(filters), test=test, rest=rest), path=path, depth="1")


def cards(answer: Answer) -> list[str]:
    assert answer.status == 207
    return [node.text or "" for node in answer.xml.iter(f"{{{NS['C']}}}address-data")]


def test_a_phone_is_told_of_it_at_the_principal(site: Site, circle: Circle) -> None:
    answer = propfind(site, "/anna/", "<C:directory-gateway/>", person=circle.anna)
    assert answer.xml.findtext(".//C:directory-gateway/D:href", "", NS) == DIRECTORY


@pytest.mark.parametrize("depth", ["0", "1"])
def test_it_is_a_directory_without_members(site: Site, circle: Circle, dora: int, depth: str) -> None:
    names = "<D:resourcetype/><D:supported-report-set/><D:current-user-privilege-set/>"
    answer = propfind(site, DIRECTORY, names, depth=depth, person=circle.anna)
    assert list(responses(answer)) == [DIRECTORY]
    assert answer.xml.find(".//D:resourcetype/C:directory", NS) is not None
    assert answer.xml.find(".//D:resourcetype/C:addressbook", NS) is None
    reports = answer.xml.findall(".//D:supported-report/D:report/*", NS)
    assert [node.tag for node in reports] == [f"{{{NS['C']}}}addressbook-query"]
    assert answer.xml.find(".//D:privilege/D:write", NS) is None


def test_it_is_no_address_book_of_the_home(site: Site, circle: Circle) -> None:
    answer = propfind(site, "/anna/", "<D:resourcetype/>", depth="1", person=circle.anna)
    assert DIRECTORY not in responses(answer)


@pytest.mark.parametrize(
    "filters",
    [
        [match("FN", "Dora Weiss")],
        [match("FN", "dora weiss", "equals"), match("EMAIL", "dora weiss"), match("NICKNAME", "dora weiss")],
        [match("FN", "Dora"), match("FN", "Weiss")],
        [match("FN", "dora", "starts-with")],
    ],
    ids=["whole", "every field", "word by word", "login"],
)
def test_who_wants_to_be_found_is_found_as_strangers_see_them(
    site: Site, circle: Circle, dora: int, filters: list[str]
) -> None:
    (card,) = cards(search(site, circle, *filters))
    assert "FN:Dora Weiss" in card
    assert "170 1234567" not in card


@pytest.mark.parametrize("text", ["nobody", "D", "", "1234567", "+49 170 1234567"])
def test_what_finds_nobody_is_an_empty_answer(site: Site, circle: Circle, dora: int, text: str) -> None:
    assert cards(search(site, circle, match("FN", text), match("TEL", text))) == []


def test_who_is_hidden_or_has_blocked_is_not_found(site: Site, circle: Circle, dora: int) -> None:
    prefer(site.database, dora, found_by_name=False, found_by_login=False)
    assert cards(search(site, circle, match("FN", "Dora Weiss"))) == []
    prefer(site.database, dora, found_by_name=True)
    block(site.database, dora, circle.anna.id)
    assert cards(search(site, circle, match("FN", "Dora Weiss"))) == []


@pytest.mark.parametrize("filters", ["", match("FN", "zzz", negate="yes"), match("NOTE", "Dora Weiss")])
def test_nobody_reads_it_through(site: Site, circle: Circle, dora: int, filters: str) -> None:
    assert cards(search(site, circle, filters)) == []


def test_a_result_is_the_same_each_time_and_for_everybody(site: Site, circle: Circle, dora: int) -> None:
    once, again = search(site, circle, match("FN", "Dora Weiss")), search(site, circle, match("FN", "Dora Weiss"))
    assert list(responses(once)) == list(responses(again))
    assert cards(once) == cards(again)
    assert "dora" not in next(iter(responses(once))).removeprefix(DIRECTORY)


def test_who_looks_too_often_is_told_that_there_may_be_more(site: Site, circle: Circle, dora: int) -> None:
    answers = [search(site, circle, match("FN", "Dora Weiss")) for _ in range(SEARCHES.tries + 5)]
    assert len(cards(answers[0])) == 1
    assert cards(answers[-1]) == []
    assert b"number-of-matches-within-limits" in answers[-1].body


def test_each_number_of_a_report_counts(site: Site, circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "SEARCHES", Limit("search", 5, 3600))
    numbers = [match("TEL", f"+4917012345{number}") for number in range(60, 63)]
    assert b" 507 " not in search(site, circle, *numbers).body
    assert b" 507 " in search(site, circle, *numbers).body


def test_the_devices_of_one_place_are_one_source(site: Site, circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose they are: who has many accounts and devices has no more looks than others at the same address."""
    monkeypatch.setattr(directory, "SEARCHES_OF_SOURCE", Limit("search from", 2, 3600))
    body = query_body(match("FN", "Nobody There"), test="anyof")

    def look(who: Person, address: str) -> bool:
        headers = {"Content-Type": "application/xml", "Depth": "1"}
        path = f"/{who.login}/directory/"
        answer = site.call("REPORT", path, body, headers, person=who, environ={"REMOTE_ADDR": address})
        return b" 507 " not in answer.body

    looks = [(circle.anna, "192.0.2.1"), (circle.ben, "192.0.2.1"), (circle.anna, "192.0.2.1")]
    assert [look(*each) for each in (*looks, (circle.anna, "192.0.2.2"))] == [True, True, False, True]


def test_a_limit_is_kept(site: Site, circle: Circle, dora: int) -> None:
    answer = search(site, circle, match("FN", "Dora Weiss"), rest="<C:limit><C:nresults>0</C:nresults></C:limit>")
    assert cards(answer) == []
    assert b" 507 " in answer.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "MKCOL", "PROPPATCH", "MOVE", "COPY", "GET"])
def test_nothing_else_can_be_done_with_it(site: Site, circle: Circle, dora: int, method: str) -> None:
    answer = site.call(method, DIRECTORY, "", {"Destination": "/anna/contacts/x.vcf"}, person=circle.anna)
    assert answer.status == 405


@pytest.mark.parametrize("method", ["GET", "PUT", "PROPFIND", "DELETE"])
def test_there_is_nothing_below_it(site: Site, circle: Circle, dora: int, method: str) -> None:
    answer = site.call(method, f"{DIRECTORY}dora.vcf", "", person=circle.anna)
    assert answer.status in (403, 404)


def test_other_reports_are_refused(site: Site, circle: Circle) -> None:
    body = f'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:prop>{ETAG}</D:prop></D:sync-collection>'
    answer = report(site, circle.anna, body, path=DIRECTORY)
    assert answer.status == 403
    assert b"supported-report" in answer.body


def test_somebody_elses_directory_is_somebody_elses(site: Site, circle: Circle) -> None:
    assert search(site, circle, match("FN", "Dora Weiss"), path="/ben/directory/").status == 403
