"""One's own contacts beside the people whom one is connected to."""

from __future__ import annotations

import pytest

from sync.contacts import own_contacts
from tests.support.factories import connected, contents, put, vcard
from tests.support.forms import Page, Visitor
from tests.support.site import Site


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna and Bert, who know each other."""
    return connected(site.database, "anna", "bert")


@pytest.fixture
def visitor(site: Site, ids: list[int]) -> Visitor:
    """Return a browser in which Anna is signed in."""
    put(site.database, ids[0], "a.vcf", vcard("a", "TEL:+86 139 0013 9000", name="王芳"))
    put(site.database, ids[0], "b.vcf", vcard("b", "EMAIL:lang@example.org", name="Bäckerei Lang"))
    put(site.database, ids[0], "c.vcf", vcard("c", name="Zoe <b>Z</b>"))
    return Visitor(site).signed_in(ids[0])


def listed(page: Page) -> list[str]:
    return [str(node.text_content()) for node in page.document.xpath("//ul[contains(@class, 'people')]/li//h3/a")]


def test_contacts_are_listed_by_name_with_a_number_or_address(visitor: Visitor) -> None:
    page = visitor.get("/contacts/")
    assert listed(page) == ["Bäckerei Lang", "王芳", "Zoe <b>Z</b>"]
    assert "+86 139 0013 9000" in page.text
    assert "lang@example.org" in page.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wang fang", ["王芳"]),
        ("王", ["王芳"]),
        ("BACK", ["Bäckerei Lang"]),
        ("lang@", ["Bäckerei Lang"]),
        ("0013-9000", ["王芳"]),
        ("nobody", []),
    ],
)
def test_contacts_are_found_by_name_pinyin_number_and_address(visitor: Visitor, text: str, found: list[str]) -> None:
    assert listed(visitor.get(f"/contacts/?q={text}")) == found


def test_a_long_list_is_paged(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_contacts, "PAGE", 2)
    assert [listed(visitor.get(f"/contacts/?page={page}")) for page in (1, 2, 9)] == [
        ["Bäckerei Lang", "王芳"],
        ["Zoe <b>Z</b>"],
        ["Zoe <b>Z</b>"],
    ]


def test_a_contact_is_deleted_and_comes_back(site: Site, ids: list[int], visitor: Visitor) -> None:
    (address,) = visitor.get("/contacts/?q=lang").document.xpath("//h3/a/@href")
    path = str(address).removeprefix("/.web")
    page = visitor.get(path)
    assert "lang@example.org" in page.text
    after = page.submit(f"{path}/delete")
    assert after.told[0].startswith("The contact is deleted")
    assert "b.vcf" not in {entry.href for entry in contents(site.database, ids[0])}
    assert visitor.get(path).status == 404
    (kept,) = visitor.get("/activity/contacts").document.xpath("//form[contains(@action, '/restore')]/@action")
    visitor.get("/activity/contacts").submit(str(kept).removeprefix("/.web"))
    assert "b.vcf" in {entry.href for entry in contents(site.database, ids[0])}


def test_a_contact_that_was_changed_meanwhile_is_not_deleted(site: Site, ids: list[int], visitor: Visitor) -> None:
    (address,) = visitor.get("/contacts/?q=lang").document.xpath("//h3/a/@href")
    path = str(address).removeprefix("/.web")
    old = visitor.get(path)
    put(site.database, ids[0], "b.vcf", vcard("b", "EMAIL:new@example.org", name="Bäckerei Lang"))
    assert "changed meanwhile" in old.submit(f"{path}/delete").told[0]
    assert "new@example.org" in visitor.get(path).text


def test_contacts_of_others_are_as_good_as_none(site: Site, ids: list[int], visitor: Visitor) -> None:
    (address,) = visitor.get("/contacts/?q=lang").document.xpath("//h3/a/@href")
    path = str(address).removeprefix("/.web")
    bert = Visitor(site).signed_in(ids[1])
    assert listed(bert.get("/contacts/")) == []
    assert [bert.get(where).status for where in (path, f"{path}/card", f"/contacts/{ids[0]}")] == [404] * 3
    assert bert.post(f"{path}/delete", {"seen": ""}).followed().told == ["There is no such contact."]
    assert len(contents(site.database, ids[0])) == 5
