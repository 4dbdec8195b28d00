"""Many people at once: invited, put into a group, taken along in one file, looked for and sorted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync import fields
from sync.profiles import profiles
from sync.queries import connected_people
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from sync.vcard import parse
from tests.portal.test_own_contacts import listed
from tests.support import forms
from tests.support.factories import connected, group, put, vcard
from tests.support.forms import MAILING, Page, Visitor
from tests.support.meeting import do_errands, messages, show_strangers
from tests.support.site import Site

INVITE = "/find/invite/many/"


@pytest.fixture
def mailing(database_url: str) -> Iterator[Site]:
    """Yield a server that sends e-mail, and lets everybody invite two people a day."""
    with forms.opened(database_url, **MAILING) as site:
        database = site.database
        database.settings = replace(database.settings, limits=replace(database.settings.limits, requests_a_day=2))
        yield site


def named(site: Site, owner_id: int, name: str, number: str = "") -> None:
    """Let everybody see what somebody is called, and a number."""
    for kind, text in (("name", name), *((("mobile", number),) if number else ())):
        show_strangers(site.database, owner_id, kind, text)


def test_many_are_invited_and_those_beyond_the_limit_go_out_by_themselves(mailing: Site) -> None:
    anna, _bert = connected(mailing.database, "anna", "bert")
    named(mailing, anna, "Anna")
    club = group(mailing.database, anna, "club")
    visitor = Visitor(mailing).signed_in(anna)
    page = visitor.get(INVITE)
    assert "At most 2 are sent in a day" in page.text
    sent = "a@example.org, Bea <b@example.org>\r\nc@example.org"
    page = page.submit(INVITE, addresses=sent, group=str(club), message="Join the club")
    assert page.path == "/find/invite/"
    assert page.told[0] == "2 invitations are on their way."
    assert "1 invitation waits" in page.told[1]
    assert "Waits for its turn" in page.text
    do_errands(mailing.database)
    assert len(messages(mailing.database)) == 2


def test_what_cannot_be_invited_stays_in_the_form_and_everything_else_is_invited(mailing: Site) -> None:
    anna, _bert = connected(mailing.database, "anna", "bert")
    named(mailing, anna, "Anna")
    page = Visitor(mailing).signed_in(anna).get(INVITE)
    page = page.submit(INVITE, addresses="nonsense\r\na@example.org", message="Hello <b>you</b>")
    assert page.status == 400
    assert "Not invited: 1" in page.text
    assert str(page.fields(INVITE)["addresses"]).strip() == "nonsense"
    assert "Hello <b>you</b>" in str(page.fields(INVITE)["message"])
    page = page.submit(INVITE, group="1")
    assert (page.status, "no such group" in page.text) == (400, True)


def ticks(page: Page) -> list[str]:
    return [str(value) for value in page.document.xpath("//input[@name='person'][@type='checkbox']/@value")]


def members_of(site: Site, owner_id: int, group_id: int) -> set[int]:
    with site.database.reading() as session:
        return set(groups.members(session, owner_id, group_id))


def test_ticks_on_several_pages_are_kept_and_added_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    anna, *others = connected(site.database, "anna", "bert", "carl", "dora", "emma", "fred")
    club = group(site.database, anna, "club", others[:1])
    path = f"/groups/{club}/add"
    page = Visitor(site).signed_in(anna).get(path)
    first = ticks(page)
    assert len(first) == 2
    page = page.submit(path, person=first[:1], page="2")
    above, *second = ticks(page)
    assert above == first[0]
    assert not set(first) & set(second)
    assert page.fields(path)["person"] == above
    page = page.submit(path, person=[above, second[1]], page="1")
    assert page.document.xpath(f"//input[@value='{first[0]}'][@checked]")
    page.submit(path)
    assert members_of(site, anna, club) == {others[0], int(first[0]), int(second[1])}


def test_ticks_are_kept_when_somebody_else_is_looked_for(site: Site) -> None:
    """Above what is found, where they can be taken back, and also where nobody is found."""
    anna, *others = connected(site.database, "anna", "bert", "carl", "dora", *(f"emma{number}" for number in range(8)))
    club = group(site.database, anna, "club", others[:1])
    path = f"/groups/{club}/add"
    page = Visitor(site).signed_in(anna).get(path)
    assert page.form(path).xpath(".//button/@name")[0] == "search", "Enter presses the first button of a form"
    page = page.submit(path, q="dora", search="yes", person=str(others[1]))
    assert ticks(page) == [str(others[1]), str(others[2])]
    assert page.fields(path)["person"] == str(others[1])
    page = page.submit(path, q="nobody at all", search="yes", person=[str(others[1]), str(others[2])])
    assert "Nobody is called so." in page.text
    assert page.fields(path)["person"] == [str(others[1]), str(others[2])]
    page.submit(path)
    assert members_of(site, anna, club) == set(others[:3])


def test_everybody_of_a_list_stays_ticked_when_another_is_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    anna, *others = connected(site.database, "anna", "kim1", "kim2", "kim3", "zoe1", "zoe2")
    club = group(site.database, anna, "club", [])
    path = f"/groups/{club}/add"
    page = Visitor(site).signed_in(anna).get(f"{path}?q=kim").submit(path, everybody="yes", page="2")
    assert page.fields(path)["everybody"] == "yes"
    page = page.submit(path, q="zoe", search="yes")
    assert "everybody" not in page.fields(path)
    page.submit(path, person=[*page.fields(path)["person"], str(others[4])])
    assert members_of(site, anna, club) == {*others[:3], others[4]}


def test_everybody_who_is_looked_for_is_added_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    anna, *others = connected(site.database, "anna", "kim1", "kim2", "kim3", "zoe")
    club = group(site.database, anna, "club", others[:1])
    page = Visitor(site).signed_in(anna).get(f"/groups/{club}/add?q=kim")
    assert "All 2 of this list, on all pages" in page.text
    page.submit(f"/groups/{club}/add", everybody="yes")
    assert members_of(site, anna, club) == set(others[:3])


def test_everybody_is_taken_along_in_one_file_but_what_is_not_granted(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    named(site, bert, "Bert Beck", "+49 30 5555 0101")
    hidden = fields.field_from_text("email", "hidden@example.org", "")
    site.database.write(lambda session: profiles.add_field(session, bert, hidden))
    put(site.database, anna, "a.vcf", vcard("a", "TEL:+1 555 0100", name="Dora"))
    visitor = Visitor(site).signed_in(anna)
    answer = visitor.post("/contacts/all")
    assert answer.response.headers["Content-Type"] == "text/vcard; charset=utf-8"
    cards = parse(answer.response.content)
    assert len(cards) == 2
    text = answer.response.text
    assert ("Bert Beck" in text, "5555 0101" in text, "Dora" in text) == (True, True, True)
    assert "hidden@example.org" not in text
    assert all(card.version == "3.0" for card in cards)
    with site.database.reading() as session:
        everybody = groups.find(session, bert, STRANGERS).id
        granted = sorted(grants.granted(session, bert, everybody))
    site.database.write(lambda session: grants.take_back(session, bert, everybody, granted))
    assert "5555 0101" not in visitor.post("/contacts/all").response.text


@pytest.fixture
def people(site: Site) -> Visitor:
    """Return a browser of Anna, who knows some people and has contacts of her own."""
    anna, *others = connected(site.database, "anna", "bert", "wang", "zoe")
    for each, (name, number) in zip(
        others, (("Bert", "+49 30 5555 0301"), ("王芳", "+86 139 0013 9000"), ("Zoe", "+1 555 0100")), strict=True
    ):
        named(site, each, name, number)
        put(site.database, anna, f"{each}.vcf", vcard(str(each), f"TEL:{number}", name=name))
    return Visitor(site).signed_in(anna)


@pytest.mark.parametrize("area", ["people", "contacts"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wangf", ["王芳"]),
        ("wf", ["王芳"]),
        ("fang", ["王芳"]),
        ("0013-90", ["王芳"]),
        ("5555 03", ["Bert"]),
        ("wangx", []),
    ],
)
def test_people_and_contacts_are_found_by_the_beginning_of_pinyin_and_by_number(
    people: Visitor, area: str, text: str, found: list[str]
) -> None:
    assert listed(people.get(f"/{area}/?q={text}")) == found


@pytest.mark.parametrize("area", ["people", "contacts"])
def test_people_and_contacts_can_be_in_the_order_of_numbers(people: Visitor, area: str) -> None:
    assert listed(people.get(f"/{area}/")) == ["Bert", "王芳", "Zoe"]
    page = people.get(f"/{area}/?by=number")
    assert listed(page) == ["Zoe", "Bert", "王芳"]
    assert page.document.xpath("//nav//a[@aria-current='true'][contains(@href, 'by=number')]")
