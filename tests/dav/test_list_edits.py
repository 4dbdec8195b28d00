"""What devices make of lists is proposed, changes nothing that anybody may see, and is given back as it was."""

from __future__ import annotations

import pytest

from sync.sharing import connections, phone_lists
from sync.vcard import parse_one
from tests.support import dav, factories
from tests.support.lists import Scene, categories_in, href_of, lists_in, scene_on
from tests.support.site import ON_SQLITE, Site

pytestmark = ON_SQLITE
CHOICES = ("lists", "categories")
DAVX5_ID = "+//IDN bitfire.at//DAVx5/4.5.17-ose ez-vcard/0.12.1"
DAVX5 = "DAVx5/4.5.17-ose (dav4jvm; okhttp/5.1.0) Android/15"


@pytest.fixture
def scene(site: Site) -> Scene:
    """Anna, bert and carl."""
    return scene_on(site)


def moved(card: dav.Card, line: str) -> str:
    return (card.text or "").replace("END:VCARD", f"{line}\r\nEND:VCARD")


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_moving_people_between_lists_is_a_proposal_and_shows_nobody_more(scene: Scene, version: str) -> None:
    replica = scene.replica("lists")
    replica.version = version
    replica.forget()
    replica.sync()
    seen = {name: factories.seen(scene.site.database, scene.ids[name], scene.ids["anna"]) for name in ("bert", "carl")}
    href = href_of(replica.cards, "Friends")
    before = replica.cards[href]
    member = "MEMBER" if version == "4.0" else "X-ADDRESSBOOKSERVER-MEMBER"
    text = moved(before, f"{member}:urn:uuid:{scene.carl}").replace(f"{member}:urn:uuid:{scene.bert}\r\n", "")
    assert replica.client.put(href, text, if_match=before.etag) == ""
    assert scene.members() == [scene.ids["bert"]]
    wanted = {("Friends", scene.ids["carl"], True), ("Friends", scene.ids["bert"], False)}
    assert set(scene.proposals()) == wanted
    for name, shown in seen.items():
        assert factories.seen(scene.site.database, scene.ids[name], scene.ids["anna"]) == shown
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert}
    assert replica.cards[href].etag != before.etag
    scene.site.database.write(
        lambda session: phone_lists.accept(session, scene.ids["anna"], scene.friends, scene.ids["carl"])
    )
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert, scene.carl}
    assert scene.proposals() == [("Friends", scene.ids["bert"], False)]
    scene.site.database.write(
        lambda session: phone_lists.dismiss(session, scene.ids["anna"], scene.friends, scene.ids["bert"])
    )
    assert scene.proposals() == []
    assert set(scene.members()) == {scene.ids["bert"], scene.ids["carl"]}


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_categories_that_change_are_proposals_and_the_rest_of_the_card_is_kept(scene: Scene, version: str) -> None:
    replica = scene.replica("categories", user_agent=DAVX5)
    replica.version = version
    replica.forget()
    replica.sync()
    hrefs = {parse_one(card.text or "").uid: href for href, card in replica.cards.items()}
    carl, bert = hrefs[scene.carl], hrefs[scene.bert]
    for href, line in ((carl, "CATEGORIES:friends,chess"), (bert, f"NOTE:mine\r\nPRODID:{DAVX5_ID}")):
        card = replica.cards[href]
        text = (card.text or "").replace("CATEGORIES:Friends\r\n", "")
        text = moved(dav.Card(card.etag, text), line)
        assert replica.client.put(href, text, if_match=card.etag) == ""
    assert scene.members() == [scene.ids["bert"]]
    assert set(scene.proposals()) == {("Friends", scene.ids["carl"], True), ("Friends", scene.ids["bert"], False)}
    replica.sync()
    assert categories_in(replica.cards) == {scene.carl: {"chess"}, scene.bert: {"Friends"}}
    assert "NOTE:mine" in (replica.cards[bert].text or "")
    # A device without lists has what was added, and no group.
    assert categories_in(scene.replica(None).cards) == {scene.carl: {"chess"}}
    # What was sent back as it was served proposes nothing.
    scene.site.database.write(
        lambda session: phone_lists.dismiss(session, scene.ids["anna"], scene.friends, scene.ids["bert"])
    )
    card = replica.cards[bert]
    replica.client.put(bert, moved(card, "NICKNAME:Bertie"), if_match=card.etag)
    assert scene.proposals() == [("Friends", scene.ids["carl"], True)]
    replica.sync()
    assert categories_in(replica.cards) == {scene.carl: {"chess"}, scene.bert: {"Friends"}}


def test_a_category_of_ones_own_that_is_called_like_a_group_stays_ones_own(scene: Scene) -> None:
    plain = scene.replica(None)
    hrefs = {parse_one(card.text or "").uid: href for href, card in plain.cards.items()}
    plain.client.put(hrefs[scene.carl], moved(plain.cards[hrefs[scene.carl]], "CATEGORIES:Friends"))
    replica = scene.replica("categories")
    card = replica.cards[hrefs[scene.carl]]
    replica.client.put(hrefs[scene.carl], moved(card, "NOTE:mine"), if_match=card.etag)
    assert scene.proposals() == []
    plain.sync()
    assert categories_in(plain.cards) == {scene.carl: {"Friends"}}


def test_the_state_that_a_device_names_is_that_of_what_it_shows(scene: Scene) -> None:
    for choice in CHOICES:
        replica = scene.replica(choice)
        uid = {parse_one(card.text or "").uid: href for href, card in replica.cards.items()}
        href = href_of(replica.cards, "Friends") if choice == "lists" else uid[scene.bert]
        card = replica.cards[href]
        scene.put_into("carl")
        scene.rename(f"As {choice}")
        answer = replica.client.request("PUT", href, card.text or "", {"If-Match": card.etag})
        assert answer.status == 412
        assert replica.client.request("DELETE", href, headers={"If-Match": card.etag}).status == 412
        assert replica.client.request("GET", href, headers={"If-None-Match": card.etag}).status == 200
        scene.rename("Friends")
        scene.take_out("carl")
        replica.sync()
        card = replica.cards[href]
        assert replica.client.request("GET", href, headers={"If-None-Match": card.etag}).status == 304
        answer = replica.client.request("PUT", href, card.text or "", {"If": f"([{card.etag}])"})
        assert answer.status == 204
    assert scene.proposals() == []


@pytest.mark.parametrize("choice", [None, *CHOICES])
def test_a_card_that_a_device_deletes_is_hidden_whatever_groups_it_names(scene: Scene, choice: str | None) -> None:
    replica = scene.replica(choice)
    href = {parse_one(card.text or "").uid: href for href, card in replica.cards.items()}[scene.bert]
    replica.client.delete(href, if_match=replica.cards[href].etag)
    replica.sync()
    assert href not in replica.cards
    assert not lists_in(replica.cards).get("Friends")
    assert scene.members() == [scene.ids["bert"]]
    assert scene.proposals() == []


def test_a_program_that_keeps_no_categories_proposes_nothing(scene: Scene) -> None:
    replica = scene.replica("categories")
    href = {parse_one(card.text or "").uid: href for href, card in replica.cards.items()}[scene.bert]
    text = (replica.cards[href].text or "").replace("CATEGORIES:Friends\r\n", "")
    replica.client.put(href, text, if_match=replica.cards[href].etag)
    assert scene.proposals() == []
    replica.sync()
    assert categories_in(replica.cards) == {scene.bert: {"Friends"}}


def test_a_list_that_a_device_deletes_comes_back_and_the_group_stays(scene: Scene) -> None:
    replica = scene.replica("lists")
    href = href_of(replica.cards, "Friends")
    replica.client.delete(href, if_match=replica.cards[href].etag)
    del replica.cards[href]
    assert scene.members() == [scene.ids["bert"]]
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert}
    assert scene.proposals() == []


def test_a_list_that_a_device_renames_is_given_back(scene: Scene) -> None:
    replica = scene.replica("lists")
    href = href_of(replica.cards, "Friends")
    card = replica.cards[href]
    replica.client.put(href, (card.text or "").replace("Friends", "Enemies"), if_match=card.etag)
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert}
    assert replica.cards[href].etag != card.etag
    assert scene.proposals() == []


def test_what_is_no_card_of_a_group_changes_no_list(scene: Scene) -> None:
    replica = scene.replica("lists")
    href = href_of(replica.cards, "Friends")
    uid = parse_one(replica.cards[href].text or "").uid or ""
    replica.client.put(href, factories.vcard(uid, "NOTE:x").decode())
    assert replica.client.request("PUT", href, "nonsense").status == 403
    assert scene.proposals() == []
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert}


def test_only_people_of_the_book_can_be_proposed(scene: Scene) -> None:
    replica = scene.replica("lists")
    private = scene.replica(None).client
    private.put(f"{private.book}p.vcf", factories.vcard("private-uid").decode())
    stranger = factories.person(scene.site.database, "stranger")
    href = href_of(replica.cards, "Friends")
    own = next(each.uid for each in factories.contents(scene.site.database, stranger))
    text = replica.cards[href].text or ""
    for uid in ("private-uid", own, "nobody", scene.bert, scene.bert.upper()):
        text = moved(dav.Card("", text), f"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{uid}")
    replica.client.put(href, text)
    assert scene.proposals() == []
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert}


@pytest.mark.parametrize("choice", [None, *CHOICES])
def test_no_private_contact_takes_the_place_of_a_list(scene: Scene, choice: str | None) -> None:
    lists = scene.replica("lists")
    href = href_of(lists.cards, "Friends")
    uid = parse_one(lists.cards[href].text or "").uid or ""
    client = scene.device(choice)
    taken = client.request("PUT", f"{client.book}other.vcf", factories.vcard(uid))
    assert (taken.status, b"need-privileges" in taken.body) == (403, True)
    client.put(f"{client.book}mine.vcf", factories.vcard("mine").decode())
    for method in ("MOVE", "COPY"):
        asked = client.request(method, f"{client.book}mine.vcf", headers={"Destination": href})
        assert asked.status == 403
        assert client.request(method, href, headers={"Destination": f"{client.book}new.vcf"}).status == 403
    if choice != "lists":
        assert client.request("PUT", href, factories.vcard(uid)).status == 403
    lists.sync()
    assert lists_in(lists.cards)["Friends"] == {scene.bert}
    assert len(lists.cards) == len(scene.replica("lists").cards)


@pytest.mark.parametrize("choice", [None, *CHOICES])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_lists_that_were_made_on_the_phone_stay_as_they_are(scene: Scene, choice: str | None, version: str) -> None:
    client = scene.device(choice)
    client.put(f"{client.book}p.vcf", factories.vcard("p1").decode())
    names = ("KIND", "MEMBER") if version == "4.0" else ("X-ADDRESSBOOKSERVER-KIND", "X-ADDRESSBOOKSERVER-MEMBER")
    lines = [f"{names[0]}:group", *(f"{names[1]}:urn:uuid:{uid}" for uid in ("p1", scene.bert))]
    text = factories.vcard("club", *lines).decode().replace("VERSION:3.0", f"VERSION:{version}")
    client.put(f"{client.book}club.vcf", text)
    for wanted in ("3.0", "4.0"):
        card = client.multiget([f"{client.book}club.vcf"], version=wanted)[f"{client.book}club.vcf"]
        assert card is not None
        ((_, members),) = lists_in({"club": card}).items()
        assert members == {"p1", scene.bert}
    assert scene.proposals() == []


def test_who_comes_back_by_what_an_old_device_stores_has_no_group_as_a_category(scene: Scene) -> None:
    replica, other = scene.replica("categories"), scene.replica(None)
    replica.sync()
    href = next(href for href, card in replica.cards.items() if "CATEGORIES:Friends" in (card.text or ""))
    hide = connections.hide
    scene.site.database.write(lambda session: hide(session, scene.ids["anna"], scene.ids["bert"]))
    replica.client.put(href, replica.cards[href].text or "")
    other.sync()
    assert href in other.cards
    assert categories_in(other.cards) == {}
    replica.sync()
    assert categories_in(replica.cards) == {scene.bert: {"Friends"}}
