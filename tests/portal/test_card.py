"""Looking after one's card with forms."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from sync import fields
from sync.fields import CATALOGUE, FieldContent
from sync.profiles import edits, profiles
from sync.sharing import history
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of, grants_of
from sync.vcard import parse_one
from tests.support.factories import MOBILE, connected, content, field, group, person, seen, set_field, strangers, vcard
from tests.support.forms import ORIGIN, ROOT, Page, Visitor
from tests.support.pictures import portrait
from tests.support.site import Site

PHONE = "/card/add/mobile"


@pytest.fixture
def anna(site: Site) -> int:
    """Anna, whose card is empty."""
    return person(site.database, "anna")


@pytest.fixture
def visitor(site: Site, anna: int) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(anna)


def on_card(site: Site, owner_id: int) -> list[FieldContent]:
    with site.database.reading() as session:
        return [content_of(stored) for stored in fields_of(session, owner_id)]


def texts(site: Site, owner_id: int) -> list[str]:
    return [content.text() for content in on_card(site, owner_id)]


def upload(visitor: Visitor, path: str, name: str, data: bytes, **values: str) -> Page:
    """Send a file with the form at *path*, and what else it has; *values* are other answers."""
    opened = visitor.get("/card/photo" if path == "/card/photo" else "/card/exchange")
    return opened.upload(path, name, data, **values)


def test_a_field_is_seen_by_those_who_were_ticked_and_by_nobody_else(site: Site) -> None:
    anna, bert, carl = connected(site.database, "anna", "bert", "carl")
    family = group(site.database, anna, "family", [bert])
    visitor = Visitor(site).signed_in(anna)
    page = visitor.get(PHONE).submit(PHONE, text=MOBILE, label="Hong Kong", groups=str(family))
    assert "Mobile phone is on your card." in page.told
    assert f"Mobile phone Hong Kong {MOBILE} Seen by family" in page.text
    assert seen(site.database, bert, anna) == {MOBILE, "Hong Kong"}
    assert seen(site.database, carl, anna) == set()


def test_a_field_is_seen_by_nobody_until_somebody_is_ticked(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    group(site.database, anna, "family", [bert])
    page = Visitor(site).signed_in(anna).get(PHONE).submit(PHONE, text=MOBILE)
    assert "Only me" in page.text
    assert seen(site.database, bert, anna) == set()


def test_a_group_of_somebody_else_cannot_be_ticked(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    theirs = group(site.database, bert, "family", [anna])
    for group_id in (str(theirs), "1", "x", "9" * 30, ""):
        answer = Visitor(site).signed_in(anna).post(PHONE, {"text": MOBILE, "groups": group_id})
        assert answer.status in (400, 404)
    assert on_card(site, anna) == []


@pytest.mark.parametrize(
    ("language", "order"),
    [
        ("en", ["place", "street", "extended", "box", "code", "city", "region", "country", "label"]),
        ("zh-CN", ["place", "country", "region", "city", "street", "extended", "code", "box", "label"]),
    ],
)
def test_an_address_is_typed_in_the_order_of_its_language(
    site: Site, anna: int, language: str, order: list[str]
) -> None:
    path = "/card/add/address"
    said = Visitor(site, language=language).signed_in(anna).get(path).fields(path)
    assert [name for name in said if name in order] == order


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if kind != "photo"])
def test_every_kind_is_added_as_it_is_typed(site: Site, visitor: Visitor, anna: int, kind: str) -> None:
    path = f"/card/add/{kind}"
    typed = {
        "birthday": {"year": "1980", "month": "3", "day": "22"},
        "anniversary": {"month": "8", "day": "8"},
        "address": {"street": "1 Main Street", "city": "Springfield", "place": "work"},
        "organization": {"name": "ACME", "units": "Sales; North"},
        "gender": {"sex": "", "identity": "fluid"},
    }.get(kind, {"text": CATALOGUE[kind].example})
    visitor.get(path).submit(path, **typed)
    assert [content.kind for content in on_card(site, anna)] == [kind]
    # What nobody changes stays, and is not told as a change.
    with site.database.reading() as session:
        field_id = fields_of(session, anna)[0].id
        before = edits.latest(session, anna)
    page = visitor.get(f"/card/fields/{field_id}").submit(f"/card/fields/{field_id}")
    assert page.path == "/card/"
    with site.database.reading() as session:
        assert edits.latest(session, anna) == before


def test_a_name_is_typed_in_its_parts(site: Site, visitor: Visitor, anna: int) -> None:
    path = "/card/add/name-parts"
    visitor.get(path).submit(path, family="Zhang", given="San", prefix="Dr.")
    assert [content.main.value for content in on_card(site, anna)] == ["Zhang;San;;Dr.;"]
    assert visitor.get("/card/").document.xpath("//h1")


@pytest.mark.parametrize("kind", ["nonsense", "photo", "x-logo"])
def test_what_is_not_offered_cannot_be_added(site: Site, visitor: Visitor, anna: int, kind: str) -> None:
    assert visitor.get(f"/card/add/{kind}").status == 404
    assert visitor.post(f"/card/add/{kind}", {"text": "x"}).status == 404
    assert on_card(site, anna) == []


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("email", {"text": "nonsense"}, "An e-mail address looks like somebody@example.com."),
        ("mobile", {"text": " "}, "There is nothing to say in this field."),
        ("birthday", {"month": "2", "day": "30"}, "There is no such day."),
        ("address", {}, "There is nothing to say in this field."),
    ],
)
def test_what_cannot_be_meant_is_told_at_the_input(
    visitor: Visitor, kind: str, typed: dict[str, str], said: str
) -> None:
    page = visitor.get(f"/card/add/{kind}").submit(f"/card/add/{kind}", **typed)
    assert page.status == 400
    assert page.told == [said]
    for name, text in typed.items():
        assert page.fields(f"/card/add/{kind}")[name] == text


def test_a_field_is_changed_for_everybody_who_sees_it(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    phone = field(site.database, anna)
    group(site.database, anna, "family", [bert], [phone])
    path = f"/card/fields/{phone}"
    page = Visitor(site).signed_in(anna).get(path).submit(path, text="+1 555 0199")
    assert page.told == ["Mobile phone is changed, for everybody who sees it."]
    assert seen(site.database, bert, anna) == {"+1 555 0199"}


def test_what_was_changed_meanwhile_is_shown_before_it_is_overwritten(site: Site, visitor: Visitor, anna: int) -> None:
    phone = field(site.database, anna)
    path = f"/card/fields/{phone}"
    old = visitor.get(path)
    set_field(site.database, anna, phone, "+1 555 0111")
    page = old.submit(path, text="+1 555 0122")
    assert page.status == 409
    assert "It now says: +1 555 0111." in page.text
    assert texts(site, anna) == ["+1 555 0111"]
    assert page.fields(path)["text"] == "+1 555 0122"
    page.submit(path)
    assert texts(site, anna) == ["+1 555 0122"]


def test_a_field_is_removed_unless_it_was_changed_meanwhile(site: Site, visitor: Visitor, anna: int) -> None:
    phone = field(site.database, anna)
    path = f"/card/fields/{phone}/remove"
    old = visitor.get("/card/")
    set_field(site.database, anna, phone, "+1 555 0111")
    assert "changed meanwhile" in old.submit(path).told[0]
    assert texts(site, anna) == ["+1 555 0111"]
    assert "is taken off your card" in visitor.get("/card/").submit(path).told[0]
    assert texts(site, anna) == []
    assert visitor.post(path, {"seen": content(text="+1 555 0111").digest}).followed().told == [
        "There is no such field."
    ]


def test_fields_move_up_and_down(site: Site, visitor: Visitor, anna: int) -> None:
    a, _b, c = (field(site.database, anna, "email", f"{name}@example.org") for name in "abc")
    visitor.get("/card/").submit(f"/card/fields/{a}/move", where="down")
    visitor.get("/card/").submit(f"/card/fields/{c}/move", where="up")
    assert texts(site, anna) == ["b@example.org", "c@example.org", "a@example.org"]
    visitor.post(f"/card/fields/{a}/move", {"where": "away"})
    assert texts(site, anna) == ["b@example.org", "c@example.org", "a@example.org"]


def test_fields_of_others_are_as_good_as_none(site: Site, visitor: Visitor) -> None:
    bert = person(site.database, "bert")
    phone = field(site.database, bert)
    with site.database.reading() as session:
        version = edits.latest(session, bert)
    for number in (phone, 1, 2**63 - 1, 2**63):
        assert visitor.get(f"/card/fields/{number}").status == 404
        assert visitor.post(f"/card/fields/{number}", {"text": "+1"}).status == 404
        assert visitor.post(f"/card/fields/{number}/move", {"where": "up"}).status == 404
        answer = visitor.post(f"/card/fields/{number}/remove", {"seen": content().digest}).followed()
        assert answer.status == 404 or answer.told == ["There is no such field."]
    for number in (version, 1):
        assert visitor.get(f"/card/history/{number}").status == 404
    assert visitor.post(f"/card/history/{version}/restore", {"seen": "0"}).followed().status == 200
    assert texts(site, bert) == [MOBILE]


def test_what_a_card_says_does_nothing_to_a_browser(site: Site, visitor: Visitor, anna: int) -> None:
    text = vcard("one", "a.URL:javascript:alert(1)", "a.X-ABLabel:<script>alert(1)</script>").decode()
    sent = next(content for content in fields.fields_of(parse_one(text)) if content.kind == "url")
    site.database.write(lambda session: profiles.add_field(session, anna, sent))
    field(site.database, anna, "note", "<img src=x onerror=alert(1)>")
    field(site.database, anna, "url", "https://example.com/?a='\"><script>")
    for path in ("/card/", "/card/history", "/sharing/"):
        page = visitor.get(path)
        assert "<script>alert" not in page.response.text
        assert "<img src=x" not in page.response.text
        assert page.document.xpath("//a[starts-with(@href, 'javascript')]") == []
    assert "https://example.com/?a='\"><script>" in visitor.get("/card/").document.xpath("//a/@href")


SHOWN = "The photo is on your card, and everybody you are connected to sees it."


def test_connections_see_the_first_photo_until_one_tap_takes_that_back(site: Site) -> None:
    """And the next one where they saw the one before; strangers see none."""
    anna, bert = connected(site.database, "anna", "bert")
    visitor = Visitor(site).signed_in(anna)
    assert "Everybody you are connected to will see it." in visitor.get("/card/photo").text
    before = seen(site.database, bert, anna)
    page = upload(visitor, "/card/photo", "picture", portrait(1))
    (said,) = page.told
    assert said.startswith(SHOWN)
    first = seen(site.database, bert, anna)
    assert first != before
    assert "will see it" not in visitor.get("/card/photo").text
    upload(visitor, "/card/photo", "picture", portrait(2))
    second = seen(site.database, bert, anna)
    assert second not in (before, first)
    assert page.submit("/card/photo/keep").told == ["Your connections do not see the photo any more."]
    assert seen(site.database, bert, anna) == before
    upload(visitor, "/card/photo", "picture", portrait(3))
    assert seen(site.database, bert, anna) == before
    with site.database.reading() as session:
        assert grants_of(session, anna).by_group == {}
    assert visitor.post("/card/photo/keep").followed().told == ["Your connections do not see the photo any more."]


def test_a_photo_after_one_that_was_removed_is_seen_by_nobody(site: Site) -> None:
    """Whoever had one has decided about photos."""
    anna, bert = connected(site.database, "anna", "bert")
    visitor = Visitor(site).signed_in(anna)
    before = seen(site.database, bert, anna)
    upload(visitor, "/card/photo", "picture", portrait(1))
    with site.database.reading() as session:
        (photo,) = fields_of(session, anna)
    visitor.get("/card/photo").submit(f"/card/fields/{photo.id}/remove")
    assert visitor.post("/card/photo/keep").followed().told == ["There is no such field."]
    page = upload(visitor, "/card/photo", "picture", portrait(2))
    assert page.told == ["The photo is on your card. Nobody but you sees it yet."]
    assert seen(site.database, bert, anna) == before


def test_a_photo_is_cut_and_stays_the_same_field(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    visitor = Visitor(site).signed_in(anna)
    image = Image.new("RGB", (80, 40), "red")
    image.paste("blue", (0, 0, 40, 40))
    written = io.BytesIO()
    image.save(written, "PNG")
    page = upload(visitor, "/card/photo", "picture", written.getvalue(), across="100", down="0", zoom="100")
    assert page.told[0].startswith(SHOWN)
    with site.database.reading() as session:
        photo = fields_of(session, anna)[0].id
    group(site.database, anna, "family", [bert], [photo])
    before = seen(site.database, bert, anna)
    page = upload(visitor, "/card/photo", "picture", portrait(1))
    assert page.told == ["The photo is changed, for everybody who sees it."]
    assert [content.kind for content in on_card(site, anna)] == ["photo"]
    assert seen(site.database, bert, anna) != before


@pytest.mark.parametrize("values", [{}, {"across": "101"}, {"zoom": "x"}, {"down": "-1"}])
def test_what_is_no_picture_is_refused(site: Site, visitor: Visitor, anna: int, values: dict[str, str]) -> None:
    data = portrait(1) if values else b"rubbish"
    assert upload(visitor, "/card/photo", "picture", data, **values).status == 400
    assert visitor.post("/card/photo", {"picture": "text"}).status == 400
    assert visitor.post("/card/photo").status == 400
    assert on_card(site, anna) == []


def test_a_photo_that_was_changed_meanwhile_is_not_overwritten(site: Site, visitor: Visitor, anna: int) -> None:
    opened = visitor.get("/card/photo").fields("/card/photo")
    upload(visitor, "/card/photo", "picture", portrait(1))
    before = on_card(site, anna)
    opened.pop("picture", None)
    headers = {"Origin": ORIGIN}
    sent = visitor.client.post(f"{ROOT}/card/photo", data=opened, files={"picture": portrait(2)}, headers=headers)
    assert sent.status_code == 409
    assert on_card(site, anna) == before


CARD = vcard("u", "TEL;TYPE=CELL:+1 555 0101", "EMAIL:a@example.org", name="Anna Chen")


def test_a_card_is_taken_over_beside_what_is_there(site: Site, visitor: Visitor, anna: int) -> None:
    field(site.database, anna)
    page = upload(visitor, "/card/import", "file", CARD)
    assert page.told == ["4 fields of your card were added, changed or removed."]
    assert texts(site, anna) == [MOBILE, "Anna Chen", "Anna Chen", "+1 555 0101", "a@example.org"]
    assert upload(visitor, "/card/import", "file", CARD).told == [
        "0 fields of your card were added, changed or removed."
    ]


def test_a_card_replaces_the_one_that_was_seen_and_no_other(site: Site, visitor: Visitor, anna: int) -> None:
    field(site.database, anna)
    stale = visitor.get("/card/exchange").fields("/card/import")["seen"]
    field(site.database, anna, "qq", "10001234")
    page = upload(visitor, "/card/import", "file", CARD, how="replace", seen=str(stale))
    assert page.status == 409
    assert texts(site, anna) == [MOBILE, "10001234"]
    upload(visitor, "/card/import", "file", CARD, how="replace")
    assert texts(site, anna) == ["Anna Chen", "Anna Chen", "+1 555 0101", "a@example.org"]


@pytest.mark.parametrize(
    "data", [b"", b"rubbish", CARD + CARD, CARD[:-20], b"BEGIN:VCARD\r\nVERSION:9\r\nEND:VCARD\r\n"]
)
def test_what_is_not_one_card_changes_nothing(site: Site, visitor: Visitor, anna: int, data: bytes) -> None:
    field(site.database, anna)
    for how in ("merge", "replace", "nonsense"):
        assert upload(visitor, "/card/import", "file", data, how=how).status == 400
    assert texts(site, anna) == [MOBILE]


def test_a_broken_photo_is_left_out_of_a_card(site: Site, visitor: Visitor, anna: int) -> None:
    page = upload(visitor, "/card/import", "file", vcard("u", "PHOTO;ENCODING=b;TYPE=JPEG:AAAA", "TITLE:Boss"))
    assert "A photo could not be read and was left out." in page.told
    assert "Boss" in texts(site, anna)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_the_card_is_taken_away_as_a_file(site: Site, visitor: Visitor, anna: int, version: str) -> None:
    field(site.database, anna)
    answer = visitor.get(f"/card/export?version={version}").response
    assert answer.headers["Content-Type"] == "text/vcard; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="anna.vcf"'
    card = parse_one(answer.text)
    assert card.version == version
    with site.database.reading() as session:
        assert answer.text == profiles.export(session, anna, version)


def test_every_earlier_state_is_shown_and_can_be_gone_back_to(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    visitor = Visitor(site).signed_in(anna)
    phone = field(site.database, anna)
    group(site.database, anna, "family", [bert], [phone])
    set_field(site.database, anna, phone, "+1 555 0111")
    visitor.get("/card/").submit(f"/card/fields/{phone}/remove")
    page = visitor.get("/card/history")
    for text in ("Removed: Mobile phone +1 555 0111", f"Changed: Mobile phone {MOBILE} → +1 555 0111", "Added: Mobile"):
        assert text in page.text
    with site.database.reading() as session:
        newest, changed, added = (state.version for state in history.states(session, anna))
    state = visitor.get(f"/card/history/{added}")
    assert MOBILE in state.text
    stale = visitor.get(f"/card/history/{changed}")
    state.submit(f"/card/history/{added}/restore")
    assert texts(site, anna) == [MOBILE]
    # What was taken off is not shown to anybody by going back.
    assert seen(site.database, bert, anna) == set()
    assert "changed meanwhile" in stale.submit(f"/card/history/{changed}/restore").told[0]
    assert texts(site, anna) == [MOBILE]
    undone = visitor.get("/card/history").submit(f"/card/history/{newest}/restore")
    assert "1 field changed" in undone.told[0]
    assert texts(site, anna) == []


def test_a_long_history_comes_in_pages(site: Site, visitor: Visitor, anna: int) -> None:
    for number in range(22):
        field(site.database, anna, "note", f"Note {number}.")
    first, second = visitor.get("/card/history"), visitor.get("/card/history?page=2")
    assert "Note 21." in first.text
    assert "Note 1." not in first.text
    assert "Note 1." in second.text
    for other in ("0", "-1", "x", "9" * 40, ""):
        assert visitor.get(f"/card/history?page={other}").status == 200


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_history_says_a_value_once_in_every_language(site: Site, anna: int, language: str) -> None:
    field(site.database, anna, "note", "Likes tea")
    page = Visitor(site, language=language).signed_in(anna).get("/card/history")
    assert page.text.count("Likes tea") == 1


def test_what_everybody_sees_is_said_so(site: Site, visitor: Visitor, anna: int) -> None:
    name = field(site.database, anna, "name", "Anna Chen")
    path = f"/card/fields/{name}"
    everybody = strangers(site.database, anna)
    visitor.post("/sharing/", {"group": str(everybody), "field": str(name), "box": f"{everybody}-{name}"})
    assert "Seen by Strangers" in visitor.get("/card/").text
    assert "Seen by Strangers" in visitor.get(path).text


def test_who_sees_a_field_is_changed_in_its_row(site: Site) -> None:
    anna, bert = connected(site.database, "anna", "bert")
    phone, visitor = field(site.database, anna), Visitor(site).signed_in(anna)
    family = group(site.database, anna, "family", [bert])
    path = f"/card/fields/{phone}"
    page = visitor.get("/card/").submit(path, groups=str(family))
    assert seen(site.database, bert, anna) == {MOBILE}
    assert f"Mobile phone {MOBILE} Seen by family" in page.text
    visitor.send(ROOT + path, {**page.fields(path), "groups": []}).followed()
    assert seen(site.database, bert, anna) == set()


def test_an_old_row_neither_gives_nor_takes_what_was_decided_elsewhere(site: Site) -> None:
    anna, bert, carl = connected(site.database, "anna", "bert", "carl")
    phone, visitor = field(site.database, anna), Visitor(site).signed_in(anna)
    family = group(site.database, anna, "family", [bert], [phone])
    friends = group(site.database, anna, "friends", [carl])
    path = f"/card/fields/{phone}"
    old = visitor.get("/card/")
    visitor.send(ROOT + path, {**old.fields(path), "groups": [str(friends)]}).followed()
    old.submit(path, groups=[str(family)])
    assert (seen(site.database, bert, anna), seen(site.database, carl, anna)) == (set(), {MOBILE})


def test_many_fields_have_their_forms_in_pages_of_their_own(site: Site, visitor: Visitor, anna: int) -> None:
    """So that the page stays small; without scripts, a link leads to the form."""
    numbers = [field(site.database, anna, "email", f"{number}@example.org") for number in range(13)]
    page = visitor.get("/card/")
    assert page.document.xpath("//form[starts-with(@id, 'form-')]") == []
    assert f"{ROOT}/card/fields/{numbers[0]}#field-{numbers[0]}" in page.document.xpath("//a/@href")
    opened = visitor.get(f"/card/fields/{numbers[0]}")
    assert opened.document.xpath("//details[@open]/@id") == [f"field-{numbers[0]}"]


def test_a_field_moves_by_so_many_places(site: Site, visitor: Visitor, anna: int) -> None:
    a, _b, c = (field(site.database, anna, "email", f"{name}@example.org") for name in "abc")
    visitor.post(f"/card/fields/{c}/move", {"steps": "-2"})
    assert texts(site, anna) == ["c@example.org", "a@example.org", "b@example.org"]
    visitor.post(f"/card/fields/{a}/move", {"steps": "99"})
    assert texts(site, anna) == ["c@example.org", "b@example.org", "a@example.org"]
    for nonsense in ("", "-", "x", "--1", "1.5", "9" * 30):
        assert visitor.post(f"/card/fields/{a}/move", {"steps": nonsense}).status == 303
    assert texts(site, anna) == ["c@example.org", "b@example.org", "a@example.org"]
