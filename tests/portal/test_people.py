"""The people whom somebody is connected to: the list, a page about each, and parting."""

from __future__ import annotations

import pytest

from sync import fields
from sync.books import held_cards
from sync.errors import NotFound
from sync.profiles import profiles
from sync.queries import connected_people
from sync.sharing import connections, grants
from sync.sharing.visibility import fields_of
from sync.sign_in import credentials
from tests.support.factories import (
    MOBILE,
    connect,
    connected,
    contents,
    crowd,
    field,
    group,
    href_of,
    person,
    put,
    seen,
    served,
    set_field,
)
from tests.support.forms import Page, Visitor
from tests.support.meeting import are_connected, found, show_strangers
from tests.support.people import register
from tests.support.pictures import picture, portrait
from tests.support.site import Site
from tests.support.statements import sent


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna, and Bert, Carl and Dora, to whom she is connected."""
    return connected(site.database, "anna", "bert", "carl", "dora")


@pytest.fixture
def visitor(site: Site, ids: list[int]) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(ids[0])


def listed(page: Page) -> list[str]:
    return [str(node.text_content()) for node in page.document.xpath("//ul[contains(@class, 'people')]/li//h3/a")]


def section(page: Page, title: str) -> str:
    """Return what a section of the page says."""
    (found,) = page.document.xpath(f"//section[.//h2[text()='{title}']]")
    return " ".join(str(found.text_content()).split())


def annotate(site: Site, viewer_id: int, owner_id: int, line: str) -> None:
    """Let a device of the viewer's add a line to a card."""
    entry = served(site.database, viewer_id, owner_id)
    assert entry is not None
    put(site.database, viewer_id, entry.href, entry.text.replace("END:VCARD", f"{line}\r\nEND:VCARD").encode())


#: What parts two people, or takes one out of sight, by the end of its address.
PARTING = ("/disconnect", "/block", "/hide", "/publish", "/introduce")


@pytest.mark.parametrize(
    ("kinds", "ways"),
    [
        ({"mobile": MOBILE, "email": "bert@example.org"}, ["tel:", "sms:", "mailto:"]),
        ({"home-phone": MOBILE}, ["tel:", "sms:"]),
        ({"email": "bert@example.org"}, ["mailto:"]),
        ({"note": "Likes tea"}, []),
    ],
)
def test_on_a_person_s_page_one_reaches_them_first_and_parts_from_them_in_one_menu(
    site: Site, ids: list[int], visitor: Visitor, kinds: dict[str, str], ways: list[str]
) -> None:
    """By what they let one see, and by nothing else; what parts is nowhere in the open."""
    hidden = field(site.database, ids[1], "mobile", "+49 30 5555 0999")
    group(site.database, ids[1], "friends", [ids[0]], [field(site.database, ids[1], *each) for each in kinds.items()])
    main = visitor.get(f"/people/{ids[1]}").document
    acts = [str(each) for each in main.xpath("//main//a[@href]/@href | //main//form/@action")]
    assert [each.partition(":")[0] + ":" for each in acts[: len(ways)]] == ways
    assert (hidden, [each for each in acts if "0999" in each]) == (hidden, [])
    parting = [
        each
        for each in main.xpath("//a[@href] | //form[@action]")
        if (each.get("href") or each.get("action")).endswith(PARTING)
    ]
    assert len(parting) == len(PARTING)
    (menu,) = main.xpath("//details[contains(@class, 'menu')]")
    assert all(menu in each.iterancestors() for each in parting)
    assert visitor.get("/people/").document.xpath("//form[contains(@action, '/people/')]") == []


def test_people_are_listed_by_the_names_that_one_sees(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, dora = ids
    show_strangers(site.database, bert, "name", "王小明")
    field(site.database, carl, "name", "Secret Carl")
    group(site.database, anna, "family", [dora])
    site.database.write(lambda session: connections.hide(session, anna, carl))
    site.database.write(lambda session: connections.hide(session, dora, anna))
    page = visitor.get("/people/")
    assert listed(page) == ["carl", "dora", "王小明"]
    assert "Secret" not in page.response.text
    said = [" ".join(str(node.text_content()).split()) for node in page.document.xpath("//ul/li[div/h3]/div")]
    assert "You took this card off your devices" in said[0]
    assert "family Took your card off their devices" in said[1]
    assert "In none of your groups Has no device yet" in said[2]
    assert listed(visitor.get("/people/?q=xiaoming+wang")) == ["王小明"]
    assert listed(visitor.get("/people/?q=secret")) == []


def test_a_long_list_is_paged(site: Site, ids: list[int], visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    assert listed(visitor.get("/people/")) == ["bert", "carl"]
    assert listed(visitor.get("/people/?page=2")) == ["dora"]
    for wrong in ("0", "-1", "x", "9" * 40, "٣"):
        assert listed(visitor.get(f"/people/?page={wrong}")) in (["bert", "carl"], ["dora"])


def test_whoever_turns_pages_misses_nobody_who_was_there_before(
    site: Site, ids: list[int], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    (ahead,) = visitor.get("/people/").document.xpath("//nav//a[@rel='next']/@href")
    connect(site.database, ids[0], person(site.database, "aron"))
    second = visitor.get(str(ahead).removeprefix("/.web"))
    assert listed(second) == ["dora"]
    (back,) = second.document.xpath("//nav//a[@rel='prev']/@href")
    assert listed(visitor.get(str(back).removeprefix("/.web"))) == ["bert", "carl"]


def test_the_list_takes_as_many_statements_however_many_there_are(site: Site, ids: list[int], visitor: Visitor) -> None:
    family = group(site.database, ids[0], "family", ids[1:])
    counts = set()
    for _ in range(2):
        crowd(site.database, ids[0], 20, [family])
        with sent(site.database.engine) as statements:
            assert visitor.get("/people/").status == 200
        counts.add(len(statements))
    assert len(counts) == 1


def test_a_page_shows_what_they_show_one_and_what_one_added(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, *_ = ids
    group(site.database, bert, "Friends", [anna], [field(site.database, bert)])
    field(site.database, bert, "qq", "100010001")
    annotate(site, anna, bert, "NOTE:Owes me <b>a book</b>")
    page = visitor.get(f"/people/{bert}")
    card = section(page, "Their card")
    assert MOBILE in card
    assert "Owes me <b>a book</b> added by you" in card
    assert card.count("added by you") == 1
    assert "100010001" not in page.response.text
    assert "Owes me" not in Visitor(site).signed_in(bert).get(f"/people/{anna}").response.text


def test_a_page_shows_what_they_see_with_exceptions(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, *_ = ids
    phone, mail = field(site.database, anna), field(site.database, anna, "email", "a@example.org")
    group(site.database, anna, "family", [bert], [phone])
    site.database.write(lambda session: grants.except_person(session, anna, bert, [phone], allowed=False))
    site.database.write(lambda session: grants.except_person(session, anna, bert, [mail], allowed=True))
    sees = section(visitor.get(f"/people/{bert}"), "What they see of you")
    assert "E-mail a@example.org" in sees
    assert f"Kept from them, as an exception: Mobile phone: {MOBILE}" in sees
    assert "Shown to them alone, as an exception: E-mail: a@example.org" in sees
    assert seen(site.database, bert, anna) == {"a@example.org"}


def test_a_page_says_whether_it_has_arrived(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, emil = ids[0], register(site.database, "emil")
    connect(site.database, anna, emil.id)
    phone = field(site.database, anna)
    group(site.database, anna, "family", [emil.id], [phone])

    def arrived() -> str:
        return section(visitor.get(f"/people/{emil.id}"), "Has it arrived?")

    assert "Has not fetched your last change yet Has never looked for changes" in arrived()
    gate = credentials.Gate(site.database)
    caller = gate.admit(emil.login, emil.password)
    assert caller is not None
    gate.note_sync(caller, caller.revision)
    gate.notes.flush()
    assert "Has your card as it is now Looked for changes" in arrived()
    assert "✓ Has your card as it is now" in visitor.get("/people/?q=emil").text
    set_field(site.database, anna, phone, "+1 555 0101")
    assert "Has not fetched your last change yet Looked for changes" in arrived()
    assert "Has not fetched your last change yet" in visitor.get("/people/?q=emil").text
    site.database.write(lambda session: connections.hide(session, emil.id, anna))
    assert "They took your card off their devices." in arrived()


def test_groups_are_ticked_and_unticked(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, *_ = ids
    family = group(site.database, anna, "family", [bert], [field(site.database, anna)])
    work = group(site.database, anna, "work", [], [field(site.database, anna, "email", "a@example.org")])
    form, later = visitor.get(f"/people/{bert}"), group(site.database, anna, "later", [bert])
    page = form.submit(f"/people/{bert}/groups", group=str(work))
    assert page.told == ["Saved. They see from now on what these groups see."]
    assert seen(site.database, bert, anna) == {"a@example.org"}
    ticked = {int(box.get("value")) for box in page.document.xpath("//input[@name='group'][@checked]")}
    assert ticked == {work, later}
    visitor.post(f"/people/{bert}/groups", {"had": [str(family), str(work)]})
    assert seen(site.database, bert, anna) == set()


def test_nobody_else_is_sorted_and_nothing_into_groups_of_others(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, _dora = ids
    family, theirs = group(site.database, anna, "family"), group(site.database, bert, "theirs")
    assert visitor.post(f"/people/{bert}/groups", {"group": [str(family), str(theirs)]}).followed().told == [
        "There is no such group."
    ]
    stranger = person(site.database)
    page = visitor.post(f"/people/{stranger}/groups", {"group": str(family)}).followed()
    assert (page.path, page.told) == ("/people/", ["These two are not connected."])
    assert visitor.post(f"/people/{carl}/groups", {"group": "-1"}).status == 400
    with site.database.reading() as session:
        assert stranger not in connected_people.found_among(session, anna)
    assert seen(site.database, carl, anna) == set()


def test_a_picture_is_that_of_ones_own_entry(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, _dora = ids
    connect(site.database, bert, carl)
    photo = site.database.write(lambda session: profiles.add_field(session, bert, fields.field_from_photo(picture(1))))
    group(site.database, bert, "Friends", [anna], [photo])
    answer = visitor.get(f"/people/{bert}/photo").response
    assert (answer.status_code, answer.content) == (200, picture(1))
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("image/jpeg", "private, no-cache")
    assert f"/.web/people/{bert}/photo?size=small" in visitor.get("/people/").response.text
    assert visitor.get(f"/people/{bert}/photo?size=small").response.content.startswith(b"\xff\xd8")
    assert Visitor(site).signed_in(carl).get(f"/people/{bert}/photo").status == 404
    assert f"/.web/people/{bert}/photo" not in Visitor(site).signed_in(carl).get("/people/").response.text
    for nobody in (person(site.database), anna, 1):
        assert visitor.get(f"/people/{nobody}/photo").status == 404
    site.database.write(lambda session: connections.disconnect(session, anna, bert))
    assert visitor.get(f"/people/{bert}/photo").status == 404


def test_a_card_is_taken_off_the_devices_and_comes_back(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, *_ = ids
    href = href_of(site.database, anna, bert)
    page = visitor.get(f"/people/{bert}").submit(f"/people/{bert}/hide")
    assert page.path == f"/people/{bert}"
    assert page.told[0].startswith("The card goes from your devices.")
    assert served(site.database, anna, bert) is None
    assert are_connected(site.database, anna, bert)
    assert visitor.post(f"/people/{bert}/hide").followed().told[0] == "There is no such entry."
    page = visitor.get(f"/people/{bert}").submit(f"/people/{bert}/show")
    assert page.told == ["The card comes back to your devices."]
    assert href_of(site.database, anna, bert) == href
    assert visitor.post(f"/people/{bert}/show").followed().told == ["No entry of this person is hidden."]


@pytest.mark.parametrize("keep", [True, False])
def test_who_parts_may_keep_the_card(site: Site, ids: list[int], visitor: Visitor, keep: bool) -> None:  # noqa: FBT001 - of pytest
    anna, bert, *_ = ids
    group(site.database, bert, "Friends", [anna], [field(site.database, bert)])
    annotate(site, anna, bert, "NOTE:Owes me a book")
    form = visitor.get(f"/people/{bert}/disconnect")
    assert are_connected(site.database, anna, bert)
    path = f"/people/{bert}/disconnect"
    page = form.submit(path) if keep else visitor.post(path).followed()
    assert page.path == "/people/"
    assert ("kept as a contact of your own" in page.told[0]) == keep
    assert not are_connected(site.database, anna, bert)
    own = [entry for entry in contents(site.database, anna) if entry.kind == "private"]
    assert [MOBILE in entry.text and "Owes me a book" in entry.text for entry in own] == [True] * keep
    again = visitor.post(f"/people/{bert}/disconnect").followed()
    assert again.told == ["These two are not connected."]


def test_who_is_blocked_is_gone_and_finds_nobody(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, *_ = ids
    page = visitor.get(f"/people/{bert}/block").submit(f"/people/{bert}/block")
    assert (page.path, page.told) == ("/people/", ["This person is blocked, and is not told."])
    assert not are_connected(site.database, anna, bert)
    assert found(site.database, bert, "anna") == set()
    assert visitor.post(f"/people/{anna}/block").followed().told == ["Nobody can block themselves."]
    assert visitor.post("/people/1/block").followed().told == ["There is no such person."]


@pytest.mark.parametrize("path", ["", "/photo", "/disconnect", "/block"])
def test_who_is_no_connection_has_no_page(site: Site, ids: list[int], visitor: Visitor, path: str) -> None:
    """Somebody who exists, nobody, oneself, and who was a connection until now: all are answered alike."""
    stranger = person(site.database, "stranger")
    show_strangers(site.database, stranger, "name", "Unseen Name")
    site.database.write(lambda session: connections.disconnect(session, ids[0], ids[3]))
    answers = [visitor.get(f"/people/{who}{path}") for who in (stranger, 1, ids[0], ids[3], 2**63 - 1)]
    assert [answer.status for answer in answers] == [404] * 5
    assert len({answer.text for answer in answers}) == 1
    assert visitor.get(f"/people/{2**63}{path}").status == 404
    with site.database.reading() as session, pytest.raises(NotFound):
        held_cards.of(session, ids[0], ids[3])


def test_what_somebody_is_called_is_no_markup(site: Site, ids: list[int], visitor: Visitor) -> None:
    show_strangers(site.database, ids[1], "name", "<script>alert(1)</script>")
    for path in ("/people/", f"/people/{ids[1]}", f"/people/{ids[1]}/disconnect", f"/people/{ids[1]}/block"):
        page = visitor.get(path)
        assert "<script>alert(1)" not in page.response.text
        assert "<script>alert(1)</script>" in page.text


def test_a_number_stands_beside_the_name_and_a_group_is_a_filter(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, dora = ids
    show_strangers(site.database, bert, "email", "bert@example.org")
    show_strangers(site.database, bert, "mobile", "+86 139 0013 9000")
    show_strangers(site.database, carl, "email", "carl@example.org")
    annotate(site, anna, dora, "TEL:+1 555 0100")
    family = group(site.database, anna, "family", [carl])
    links = "//a[starts-with(@href, 'tel:') or starts-with(@href, 'mailto:')]/@href"
    assert visitor.get("/people/").document.xpath(links) == [
        *("tel:+8613900139000", "mailto:carl@example.org", "tel:+15550100")
    ]
    assert listed(visitor.get(f"/people/?group={family}")) == ["carl"]
    assert len(listed(visitor.get("/people/?group=1"))) == 3


def test_a_picture_is_fetched_again_only_when_it_is_another(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, *_ = ids
    site.database.write(lambda session: profiles.add_field(session, bert, fields.field_from_photo(portrait(1))))
    group(site.database, bert, "friends", [anna], [photo_of(site, bert)])
    answer = visitor.get(f"/people/{bert}/photo").response
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = visitor.get(f"/people/{bert}/photo", If_None_Match=answer.headers["ETag"]).response
    assert (again.status_code, again.content) == (304, b"")


def photo_of(site: Site, owner_id: int) -> int:
    with site.database.reading() as session:
        return next(field.id for field in fields_of(session, owner_id) if field.kind == "photo")
