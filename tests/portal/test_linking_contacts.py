"""Contacts that are there twice: proposed, made one by a button, and taken apart again."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from radicale_plugin.web.pages.people import linking as pages
from sync.contacts import linking
from sync.models import Entry
from sync.sharing import connections
from tests.support.factories import MOBILE, connected, contents, put, served, vcard
from tests.support.forms import Visitor
from tests.support.meeting import show_strangers
from tests.support.site import Site


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna, and Bert and Carl, to whom she is connected; everybody may see Bert's number."""
    found = connected(site.database, "anna", "bert", "carl")
    show_strangers(site.database, found[1], "mobile", MOBILE)
    return found


@pytest.fixture
def visitor(site: Site, ids: list[int]) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(ids[0])


def keep(site: Site, viewer_id: int, name: str, *lines: str) -> int:
    """Let a device store a contact, and return its id."""
    put(site.database, viewer_id, f"{name}.vcf", vcard(name, *lines, name=name))
    with site.database.reading() as session:
        return session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.href == f"{name}.vcf")).one()


def hrefs(site: Site, viewer_id: int) -> set[str]:
    return {entry.href for entry in contents(site.database, viewer_id)}


def test_a_contact_with_somebody_s_number_becomes_one_with_their_card(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    anna, bert, _carl = ids
    mine = keep(site, anna, "Berti", "TEL:0138 0013 8000".replace("0138", "+86 138"), "NOTE:Owes me <i>a book</i>")
    keep(site, anna, "Somebody else", "TEL:+1 555 0100")
    page = visitor.get("/people/linking")
    assert "Berti = bert Both have +8613800138000" in page.text
    assert "Somebody else" not in page.text
    assert "Berti.vcf" in hrefs(site, anna)
    page = page.submit(f"/people/linking/{mine}/{bert}")
    assert page.told == ["They are one card now. You can take them apart again at any time."]
    assert "None of your contacts is there twice." in page.text
    assert "Berti.vcf" not in hrefs(site, anna)
    entry = served(site.database, anna, bert)
    assert entry is not None
    assert "Owes me <i>a book</i>" in entry.text
    page = visitor.get("/people/linking/done")
    assert "Berti = bert" in page.text
    page = page.submit(f"/people/linking/{mine}/apart")
    assert (page.path, page.told) == (
        "/people/linking/done",
        ["They are two again: your contact is back as it was."],
    )
    assert "Berti.vcf" in hrefs(site, anna)
    assert visitor.post(f"/people/linking/{mine}/apart").followed().told == ["There is no such link."]


def test_twice_is_once(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, _carl = ids
    mine = keep(site, anna, "Berti", f"TEL:{MOBILE}")
    path = f"/people/linking/{mine}/{bert}"
    assert visitor.post(path).followed().told[0].startswith("They are one card now.")
    assert visitor.post(path).followed().told == ["There is no such contact."]


def test_a_contact_of_somebody_else_and_a_stranger_s_card_stay_as_they_are(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    anna, bert, carl = ids
    theirs, mine = keep(site, bert, "Secret", f"TEL:{MOBILE}"), keep(site, anna, "Mine", f"TEL:{MOBILE}")
    site.database.write(lambda session: linking.link(session, bert, theirs, anna))
    site.database.write(lambda session: connections.disconnect(session, anna, carl))
    for entry_id, owner_id, told in (
        (theirs, bert, "There is no such contact."),
        (bert, carl, "There is no such contact."),
        (mine, carl, "There is no such connection."),
        (mine, anna, "There is no such connection."),
        (mine, 1, "There is no such connection."),
    ):
        assert visitor.post(f"/people/linking/{entry_id}/{owner_id}").followed().told == [told]
    assert visitor.post(f"/people/linking/{theirs}/apart").followed().told == ["There is no such link."]
    with site.database.reading() as session:
        assert [each.name for each in linking.links_of(session, bert)] == ["Secret"]
    for path in ("/people/linking", "/people/linking/done"):
        assert "Secret" not in visitor.get(path).text


def test_many_are_paged(site: Site, ids: list[int], visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "COUNT", 2)
    for number in range(3):
        keep(site, ids[0], f"Berti {number}", f"TEL:{MOBILE}")
    first, second = (visitor.get(f"/people/linking?page={number}") for number in (1, 2))
    assert first.text.count("Both have") == 2
    assert second.text.count("Both have") == 1
    assert "Page 2 of 2" in second.text
    assert visitor.get("/people/linking?page=99").text.count("Both have") == 1
