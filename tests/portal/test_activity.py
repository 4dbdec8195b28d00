"""What changed in people's cards, what one changed, and what one's devices replaced or deleted."""

from __future__ import annotations

import pytest

from radicale_plugin.web.pages import activity as pages
from sync.sharing import connections, grants
from tests.portal import keepsakes
from tests.portal.conftest import Cast
from tests.support.factories import MOBILE, connected, contents, delete, field, group, put, set_field, vcard
from tests.support.forms import Page, Visitor
from tests.support.site import Site
from tests.support.statements import sent

NEW_MOBILE = "+86 139 1234 5678"


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna, and Bert and Carl, to whom she is connected."""
    return connected(site.database, "anna", "bert", "carl")


@pytest.fixture
def visitor(site: Site, ids: list[int]) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(ids[0])


def rows(page: Page) -> list[str]:
    """Return what is said of each person."""
    found = page.document.xpath("//section[@aria-labelledby='theirs-title']/ul/li/div")
    return [" ".join(str(node.text_content()).split()) for node in found]


def test_what_changed_is_said_to_who_sees_it(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl = ids
    phone, secret = field(site.database, bert), field(site.database, bert, "qq", "100010001")
    friends = group(site.database, bert, "Friends", [anna], [phone])
    told = sorted(rows(visitor.get("/activity/")))
    assert told == [f"bert New: Mobile phone {MOBILE}", "carl New in your address book"]
    set_field(site.database, bert, phone, NEW_MOBILE)
    set_field(site.database, bert, secret, "10002", "qq")
    page = visitor.get("/activity/")
    assert f"bert Changed: Mobile phone {NEW_MOBILE}" in rows(page)
    assert "10001000" not in page.response.text
    site.database.write(lambda session: grants.take_back(session, bert, friends, [phone]))
    page = visitor.get("/activity/")
    assert "bert Not shown to you any more: Mobile phone" in rows(page)
    assert NEW_MOBILE not in page.response.text
    site.database.write(lambda session: connections.hide(session, anna, bert))
    assert rows(visitor.get("/activity/")) == ["carl New in your address book"]
    assert rows(Visitor(site).signed_in(carl).get("/activity/")) == ["anna New in your address book"]


def test_what_one_changed_leads_to_its_undoing(site: Site, ids: list[int], visitor: Visitor) -> None:
    field(site.database, ids[0], "qq", "10001")
    page = visitor.get("/activity/")
    ((link,),) = (page.document.xpath("//section[@aria-labelledby='mine-title']/div/a/@href"),)
    assert "10001" in visitor.get(str(link).removeprefix("/.web")).text
    assert "QQ" in page.text
    assert visitor.get("/card/history").status == 200


def test_many_are_paged_in_as_many_statements(
    site: Site, ids: list[int], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = set()
    for count in (1, 2):
        monkeypatch.setattr(pages, "COUNT", count)
        with sent(site.database.engine) as statements:
            page = visitor.get("/activity/")
        assert len(rows(page)) == count
        counts.add(len(statements))
    assert len(counts) == 1
    monkeypatch.setattr(pages, "COUNT", 1)
    first, second = (rows(visitor.get(f"/activity/?page={number}")) for number in (1, 2))
    assert sorted([*first, *second]) == ["bert New in your address book", "carl New in your address book"]
    assert rows(visitor.get("/activity/?page=3")) == []
    for wrong in ("0", "-1", "x", "9" * 40):
        assert visitor.get(f"/activity/?page={wrong}").status == 200


def test_a_deleted_contact_comes_back(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna = ids[0]
    put(site.database, anna, "x.vcf", vcard("u", "NOTE:one", name="Dr. <b>Zahn</b>"))
    put(site.database, anna, "x.vcf", vcard("u", "NOTE:two", name="Dr. <b>Zahn</b>"))
    delete(site.database, anna, "x.vcf")
    page = visitor.get("/activity/contacts")
    assert page.text.count("Dr. <b>Zahn</b>") == 2 * 3
    links = [
        str(link).removeprefix("/.web") for link in page.document.xpath("//ul[contains(@class, 'list')]/li//a/@href")
    ]
    assert ["two" in visitor.get(link).text for link in links] == [True, False]
    page = visitor.get(links[1]).submit(f"{links[1]}/restore")
    assert (page.path, page.told[0][:11]) == ("/activity/contacts", "It is back,")
    assert [entry.text for entry in contents(site.database, anna) if entry.href == "x.vcf"] == [
        vcard("u", "NOTE:one", name="Dr. <b>Zahn</b>").decode()
    ]


def test_versions_of_others_are_nowhere(site: Site, ids: list[int], visitor: Visitor) -> None:
    put(site.database, ids[1], "x.vcf", vcard("u", "NOTE:Secret"))
    delete(site.database, ids[1], "x.vcf")
    shown = Visitor(site).signed_in(ids[1]).get("/activity/contacts").document
    (link,) = shown.xpath("//ul[contains(@class, 'list')]/li//a/@href")
    path = str(link).removeprefix("/.web")
    answers = [visitor.get(each) for each in (path, "/activity/contacts/1/1", f"/activity/contacts/{ids[0]}/0")]
    assert [answer.status for answer in answers] == [404] * 3
    assert len({answer.text for answer in answers}) == 1
    assert visitor.post(f"{path}/restore").followed().told == ["No such version of an entry is kept."]
    assert "Secret" not in visitor.get("/activity/contacts").text
    assert [entry.href for entry in contents(site.database, ids[1]) if entry.href == "x.vcf"] == []


def test_what_one_added_and_what_became_one_with_a_card_are_told_apart(cast_site: Site, cast: Cast) -> None:
    entries = cast_site.database.write(lambda session: keepsakes.made(session, cast.ids))
    visitor = Visitor(cast_site).signed_in(cast.ids["anna"])
    page = visitor.get("/activity/contacts")
    assert "Your additions to Chiara Rossi Replaced:" in page.text
    assert "Plumber Deleted, or replaced before that:" in page.text
    dave = [action for action in page.document.xpath("//form/@action") if f"/{entries[keepsakes.DAVE]}/" in action]
    page = page.submit(str(dave[0]).removeprefix("/.web"))
    assert page.told == ["This contact is one with somebody's card; take the two apart first."]


@pytest.mark.parametrize(
    "lines",
    [
        ("PHOTO;ENCODING=b;TYPE=JPEG:bm9waWN0dXJl",),
        ("BDAY:tomorrow", "X-UNKNOWN;X-P=1:y"),
        ("TEL;TYPE=CELL:", "ADR:", "URL:javascript:alert(1)"),
    ],
)
def test_a_strange_contact_is_shown_all_the_same(
    site: Site, ids: list[int], visitor: Visitor, lines: tuple[str, ...]
) -> None:
    put(site.database, ids[0], "x.vcf", vcard("u", *lines, name="Odd"))
    delete(site.database, ids[0], "x.vcf")
    page = visitor.get("/activity/contacts")
    assert "Odd" in page.text
    (link,) = page.document.xpath("//ul[contains(@class, 'list')]/li//a/@href")
    shown = visitor.get(str(link).removeprefix("/.web"))
    assert shown.status == 200
    assert 'href="javascript:' not in shown.response.text


def test_what_two_devices_changed_is_named_and_the_other_can_be_taken(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    keepsakes.disputed(site.database, ids[0])
    page = visitor.get("/activity/")
    section = page.document.xpath("//section[@aria-labelledby='conflicts-title']")[0]
    said = " ".join(str(section.text_content()).split())
    assert "Dr. Zahn" in said
    assert "now: later" in said
    assert "The other: earlier" in said
    take, leave = (str(each).removeprefix("/.web") for each in section.xpath(".//form/@action"))
    assert Visitor(site).signed_in(ids[1]).post(take).followed().told == [
        "There is no such conflict; it was decided already."
    ]
    assert page.submit(take).told == ["It says the other thing now, and your devices fetch it."]
    assert any("NOTE:earlier" in entry.text for entry in contents(site.database, ids[0]))
    keepsakes.disputed(site.database, ids[0])
    page = visitor.get("/activity/")
    (leave,) = (str(each) for each in page.document.xpath("//form/@action") if str(each).endswith("/leave"))
    assert page.submit(leave.removeprefix("/.web")).told == ["It stays as it is."]
    assert "conflicts-title" not in visitor.get("/activity/").response.text
