"""One's own contacts in the portal: made, changed field by field, merged and taken apart."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from sync.contacts import editing, proposing
from sync.sign_in import credentials
from sync.vcard import parse_one
from tests.support import dav
from tests.support.dav import unfolded
from tests.support.factories import connected, contents, put, vcard
from tests.support.forms import ORIGIN, Page, Visitor
from tests.support.site import Site, Transport


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna and Bert, who know each other."""
    return connected(site.database, "anna", "bert")


@pytest.fixture
def visitor(site: Site, ids: list[int]) -> Visitor:
    """Return a browser in which Anna is signed in."""
    put(site.database, ids[0], "a.vcf", vcard("a", "TEL:+86 139 0013 9000", "NOTE:Likes tea", name="王芳"))
    return Visitor(site).signed_in(ids[0])


def text(site: Site, viewer_id: int, href: str = "a.vcf") -> str:
    return next((entry.text for entry in contents(site.database, viewer_id) if entry.href == href), "")


def opened(visitor: Visitor, name: str = "王芳") -> Page:
    (address,) = visitor.get(f"/contacts/?q={name}").document.xpath("//h3/a/@href")
    return visitor.get(f"{str(address).removeprefix('/.web')}/edit")


def action(page: Page, value: str) -> str:
    """Return where the form is sent in which *value* is typed."""
    typed = [
        (form, said.strip()) for form in page.document.forms for name, said in form.form_values() if name == "text"
    ]
    (form,) = [form for form, said in typed if said == value]
    return str(form.get("action")).removeprefix("/.web")


def test_a_field_is_changed_added_and_taken_off(site: Site, ids: list[int], visitor: Visitor) -> None:
    page = opened(visitor)
    page = page.submit(action(page, "+86 139 0013 9000"), text="+86 139 0013 9001")
    assert page.told[0].startswith("Phone is changed")
    assert "0013 9001" in text(site, ids[0])
    base = page.path.removesuffix("/edit")
    page = visitor.get(f"{base}/add/email").submit(f"{base}/add/email", text="fang@example.org", label="Shop")
    assert "fang@example.org" in text(site, ids[0])
    assert "Shop" in text(site, ids[0])
    where = action(page, "Likes tea").rpartition("/")
    page = page.submit(f"{where[0]}/{where[2]}/remove")
    assert "NOTE" not in text(site, ids[0])
    assert all("fang" not in entry.text for entry in contents(site.database, ids[1]))


def camera_picture() -> bytes:
    """Return a picture with more pixels than are kept, red at the left and blue at the right."""
    image = Image.new("RGB", (900, 600), "#20639b")
    image.paste("#ed553b", (0, 0, 600, 600))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def send_photo(page: Page, data: bytes, **values: str) -> Page:
    """Choose a picture in the form of its page, and send it."""
    return page.upload(page.path, "picture", data, **values)


def test_a_contact_gets_a_photo_that_phones_fetch_by_token_and_it_can_be_taken_off(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    before, path = text(site, ids[0]), opened(visitor).path.replace("/edit", "/photo")
    secret = site.database.write(lambda session: credentials.add_device(session, ids[0], "Phone")[1])
    with dav.http(ORIGIN, transport=Transport(site, "192.0.2.2")) as connection:
        phone = dav.Replica(dav.Client(connection, "anna", secret))
        phone.sync()
        page = send_photo(visitor.get(path), camera_picture(), square="y", across="100", zoom="200")
        assert page.told == ["The photo is saved. Your devices fetch it when they look next."]
        assert page.document.xpath("//header//img[@class='picture']")
        # It asks by the token that it was given, and so gets what changed since.
        phone.sync()
        (photo,) = (item.value for item in parse_one(text(site, ids[0]).encode()).properties if item.name == "PHOTO")
        shown = Image.open(io.BytesIO(base64.b64decode(photo)))
        assert (shown.format, shown.size) == ("JPEG", (300, 300))
        red, _green, blue = shown.convert("RGB").resize((1, 1)).tobytes()
        assert blue > red
        (card,) = (unfolded(card.text or "") for href, card in phone.cards.items() if href.endswith("/a.vcf"))
        assert photo in card
        assert send_photo(visitor.get(path), b"no picture").status == 400
        place = place_of_photo(site, ids[0], int(path.split("/")[2]))
        visitor.get(path).submit(path.replace("/photo", f"/fields/{place}/remove"))
        assert text(site, ids[0]) == before
        phone.sync()
        assert not any("PHOTO" in (card.text or "") for href, card in phone.cards.items() if href.endswith("/a.vcf"))
    assert all("PHOTO" not in entry.text for entry in contents(site.database, ids[1]))


def place_of_photo(site: Site, viewer_id: int, entry_id: int) -> int:
    with site.database.reading() as session:
        found = editing.photo_of(editing.fields_of(session, viewer_id, entry_id))
    assert found is not None
    return found.place


def test_a_photo_that_was_changed_meanwhile_is_not_replaced_unseen(visitor: Visitor) -> None:
    path = opened(visitor).path.replace("/edit", "/photo")
    old = visitor.get(path)
    assert send_photo(visitor.get(path), camera_picture()).status == 200
    again = send_photo(old, camera_picture(), zoom="300")
    assert (again.status, "changed meanwhile" in again.text) == (409, True)
    assert send_photo(again, camera_picture(), zoom="300").told[0].startswith("The photo is saved")


def test_a_stale_form_is_refused_with_what_was_typed_and_saved_when_sent_again(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    page = opened(visitor)
    where = action(page, "Likes tea")
    put(site.database, ids[0], "a.vcf", vcard("a", "NOTE:Likes coffee", "TEL:+86 139 0013 9000", name="王芳"))
    again = page.submit(where, text="Likes water")
    assert again.status == 409
    assert "It now says: Likes coffee" in again.text
    assert "Likes coffee" in text(site, ids[0])
    again.submit(action(again, "Likes water"))
    assert "Likes water" in text(site, ids[0])


def test_what_was_typed_for_a_field_that_is_gone_can_be_added(site: Site, ids: list[int], visitor: Visitor) -> None:
    page = opened(visitor)
    where = action(page, "Likes tea")
    put(site.database, ids[0], "a.vcf", vcard("a", name="王芳"))
    again = page.submit(where, text="Likes water")
    assert again.status == 409
    again.submit(action(again, "Likes water"))
    assert "Likes water" in text(site, ids[0])


def test_a_contact_is_made_and_one_that_says_nothing_is_not(site: Site, ids: list[int], visitor: Visitor) -> None:
    page = visitor.get("/contacts/new").submit("/contacts/new", name="Dora", mobile="+1 555 0100")
    assert page.path.startswith("/contacts/")
    assert "Dora" in page.text
    assert any("FN:Dora" in entry.text for entry in contents(site.database, ids[0]))
    assert visitor.get("/contacts/new").submit("/contacts/new").status == 400


def test_two_contacts_are_compared_made_one_and_two_again(site: Site, ids: list[int], visitor: Visitor) -> None:
    put(site.database, ids[0], "b.vcf", vcard("b", "TEL:+8613900139000", "EMAIL:fang@example.org", name="Fang"))
    page = visitor.get("/contacts/twice/")
    assert "Both have +8613900139000" in page.text
    (compare, *_same) = page.document.xpath("//a[contains(@class, 'quiet')]/@href")
    page = visitor.get(str(compare).removeprefix("/.web"))
    assert page.text.count("fang@example.org") == 2
    page = page.submit(f"{page.path}/merge")
    assert page.told == ["They are one contact now. For 30 days you can take them apart again."]
    assert {"a.vcf", "b.vcf"} - {entry.href for entry in contents(site.database, ids[0])} in ({"a.vcf"}, {"b.vcf"})
    page = visitor.get("/contacts/twice/done")
    (undo,) = page.document.xpath("//form[contains(@action, '/undo')]/@action")
    page.submit(str(undo).removeprefix("/.web"))
    assert {"a.vcf", "b.vcf"} <= {entry.href for entry in contents(site.database, ids[0])}


def test_a_no_is_remembered_for_contacts_and_cards(site: Site, ids: list[int], visitor: Visitor) -> None:
    put(site.database, ids[0], "b.vcf", vcard("b", "TEL:+8613900139000", name="Fang"))
    page = visitor.get("/contacts/twice/")
    (no,) = page.document.xpath("//form[contains(@action, '/apart')]/@action")
    page = page.submit(str(no).removeprefix("/.web"))
    assert "None of your contacts is there twice." in page.text
    page = page.submit("/contacts/twice/again")
    assert "Both have" in page.text


def test_contacts_of_others_cannot_be_edited_or_merged(site: Site, ids: list[int], visitor: Visitor) -> None:
    page = opened(visitor)
    where = action(page, "Likes tea")
    put(site.database, ids[1], "b.vcf", vcard("b", "TEL:+8613900139000", name="Fang"))
    bert = Visitor(site).signed_in(ids[1])
    base = page.path.removesuffix("/edit")
    for path in (page.path, f"{base}/add/email", where):
        assert bert.get(path).status == 404
    seen = str(page.fields(where)["seen"])
    assert bert.post(where, {"seen": seen, "text": "x", "kind": "note"}).status == 404
    bert.post(f"{base}/add/email", {"text": "x@example.org"})
    mine = base.removeprefix("/contacts/")
    with site.database.reading() as session:
        assert proposing.proposals(session, ids[1]) == []
    assert bert.get(f"/contacts/twice/{mine}/{ids[0]}").status == 404
    assert bert.post(f"/contacts/twice/{mine}/{ids[0]}/apart").followed().told == ["There is no such contact."]
    assert "Likes tea" in text(site, ids[0])
    assert "x@example.org" not in text(site, ids[0])


def test_the_list_says_how_many_may_be_one_person_without_waiting_for_it(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    assert visitor.get("/contacts/found").response.text.strip() == ""
    put(site.database, ids[0], "b.vcf", vcard("b", "TEL:+8613900139000", name="Fang"))
    page = visitor.get("/contacts/")
    (later,) = page.document.xpath("//@hx-get")
    assert "1 pair of contacts may be one person." in visitor.get(str(later).removeprefix("/.web")).response.text
