"""Groups as lists: what devices see that show them, that others see nothing of it, and that nobody is shown more."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sync.database.engine import Session
from sync.sharing import connections, grants, groups, phone_lists
from sync.sharing.phone_lists import Proposal
from sync.vcard import parse_one
from tests.support import dav, factories
from tests.support.lists import PHONE, THUNDERBIRD, categories_in, choose, device, href_of, lists_in
from tests.support.site import ON_SQLITE, Site

pytestmark = ON_SQLITE
CHOICES = ("lists", "categories")
DAVX5_ID = "+//IDN bitfire.at//DAVx5/4.5.17-ose ez-vcard/0.12.1"
DAVX5 = "DAVx5/4.5.17-ose (dav4jvm; okhttp/5.1.0) Android/15"


@dataclass
class Scene:
    """Anna, whose group Friends has bert in it; carl is in none. *bert* and *carl* are the UIDs of their cards."""

    site: Site
    ids: dict[str, int]
    friends: int
    bert: str
    carl: str

    def device(self, choice: str | None, user_agent: str = PHONE) -> dav.Client:
        """Let one more device of hers in."""
        return device(self.site, self.ids["anna"], "anna", choice, user_agent)

    def replica(self, choice: str | None, style: dav.Style = "data", user_agent: str = PHONE) -> dav.Replica:
        """Return what one more device of hers has."""
        replica = dav.Replica(self.device(choice, user_agent), style)
        replica.sync()
        return replica

    def put_into(self, name: str, group_id: int | None = None) -> None:
        """Put somebody into Friends, or another group."""
        group = self.friends if group_id is None else group_id
        self.site.database.write(lambda session: groups.add_member(session, self.ids["anna"], group, self.ids[name]))

    def take_out(self, name: str) -> None:
        """Take somebody out of Friends."""
        self.site.database.write(
            lambda session: groups.remove_member(session, self.ids["anna"], self.friends, self.ids[name])
        )

    def rename(self, name: str) -> None:
        """Give Friends another name."""
        self.site.database.write(lambda session: groups.rename(session, self.ids["anna"], self.friends, name))

    def proposals(self) -> list[tuple[str, int, bool]]:
        """Return what her devices propose."""
        with self.site.database.reading() as session:
            found: list[Proposal] = list(phone_lists.proposals(session, self.ids["anna"]))
        return [(each.group, each.person_id, each.is_in) for each in found]

    def members(self) -> list[int]:
        """Return who is in Friends."""
        with self.site.database.reading() as session:
            return list(groups.members(session, self.ids["anna"], self.friends))


@pytest.fixture
def scene(site: Site) -> Scene:
    """Anna, bert and carl."""
    ids = dict(zip(("anna", "bert", "carl"), factories.connected(site.database, "anna", "bert", "carl"), strict=True))
    anna = ids["anna"]
    for name in ("bert", "carl"):
        field = factories.field(site.database, ids[name], "name", name.title())
        strangers = factories.strangers(site.database, ids[name])
        site.database.write(
            lambda session, owner=ids[name], group=strangers, field=field: grants.grant(session, owner, group, [field])  # type: ignore[misc]
        )
    mobile = factories.field(site.database, anna)
    friends = factories.group(site.database, anna, "Friends", [ids["bert"]], [mobile])
    uids = {
        name: entry.uid
        for name in ("bert", "carl")
        if (entry := factories.served(site.database, anna, ids[name])) is not None
    }
    return Scene(site, ids, friends, uids["bert"], uids["carl"])


@pytest.mark.parametrize("style", ["data", "multiget", "listing"])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_groups_are_lists_with_the_uids_of_their_people(scene: Scene, style: dav.Style, version: str) -> None:
    replica = scene.replica("lists", style)
    replica.version = version
    replica.forget()
    replica.sync()
    lists = lists_in(replica.cards)
    assert lists["Friends"] == {scene.bert}
    (card,) = [card.text or "" for card in replica.cards.values() if "Friends" in (card.text or "")]
    assert f"VERSION:{version}" in card
    assert ("\r\nKIND:group" in card) == (version == "4.0")
    assert scene.device("lists").get(href_of(replica.cards, "Friends"), version=version).text == card


@pytest.mark.parametrize("style", ["data", "multiget", "listing"])
def test_lists_follow_their_groups_by_token(scene: Scene, style: dav.Style) -> None:
    replica = scene.replica("lists", style)
    before = dict(replica.cards)
    scene.put_into("carl")
    replica.sync()
    assert lists_in(replica.cards)["Friends"] == {scene.bert, scene.carl}
    changed = [href for href, card in replica.cards.items() if before.get(href) != card]
    assert changed == [href_of(replica.cards, "Friends")]
    scene.rename("Mates, old & new")
    replica.sync()
    assert lists_in(replica.cards)["Mates, old & new"] == {scene.bert, scene.carl}
    assert "Friends" not in lists_in(replica.cards)
    scene.site.database.write(lambda session: connections.disconnect(session, scene.ids["anna"], scene.ids["carl"]))
    replica.sync()
    assert lists_in(replica.cards)["Mates, old & new"] == {scene.bert}
    scene.site.database.write(lambda session: connections.hide(session, scene.ids["anna"], scene.ids["bert"]))
    replica.sync()
    assert lists_in(replica.cards)["Mates, old & new"] == set()
    scene.site.database.write(lambda session: connections.show(session, scene.ids["anna"], scene.ids["bert"]))
    replica.sync()
    assert lists_in(replica.cards)["Mates, old & new"] == {scene.bert}
    scene.site.database.write(lambda session: groups.remove(session, scene.ids["anna"], scene.friends))
    replica.sync()
    assert "Mates, old & new" not in lists_in(replica.cards)
    again = scene.replica("lists")
    assert again.cards == replica.cards


@pytest.mark.parametrize("style", ["data", "multiget", "listing"])
@pytest.mark.parametrize("agent", [DAVX5, THUNDERBIRD])
def test_categories_follow_their_groups_by_token(scene: Scene, style: dav.Style, agent: str) -> None:
    """DAVx5 by its setting, and Thunderbird, which would show the card of a group as a contact."""
    replica = scene.replica("categories" if agent == DAVX5 else "lists", style, agent)
    assert categories_in(replica.cards) == {scene.bert: {"Friends"}}
    assert lists_in(replica.cards) == {}
    other = factories.group(scene.site.database, scene.ids["anna"], "A, B; c", [scene.ids["bert"], scene.ids["carl"]])
    replica.sync()
    assert categories_in(replica.cards) == {scene.bert: {"Friends", "A, B; c"}, scene.carl: {"A, B; c"}}
    scene.rename("Mates")
    scene.site.database.write(lambda session: groups.remove(session, scene.ids["anna"], other))
    replica.sync()
    assert categories_in(replica.cards) == {scene.bert: {"Mates"}}
    scene.take_out("bert")
    replica.sync()
    assert categories_in(replica.cards) == {}
    assert scene.replica("categories", user_agent=agent).cards == replica.cards


def test_a_device_that_shows_no_lists_sees_nothing_of_them(scene: Scene) -> None:
    """Every answer is the same to the byte, whatever other devices show and whatever becomes of the groups."""
    plain = scene.device(None)
    token = plain.book_token()

    def seen() -> list[object]:
        asked = [
            plain.propfind(depth="0", names=(dav.SYNC_TOKEN, dav.CTAG, dav.ETAG)),
            plain.propfind(names=(dav.ETAG,)),
            plain.sync_collection(),
            plain.sync_collection(token),
            plain.query(),
        ]
        assert len(asked) == 5
        return [exchange.body for exchange in plain.exchanges[-5:]]

    before = seen()
    phone, other = scene.replica("lists"), scene.replica("categories")
    scene.rename("Mates")
    empty = factories.group(scene.site.database, scene.ids["anna"], "Empty")
    scene.put_into("carl", empty)
    phone.sync()
    other.sync()
    assert seen() == before
    href = href_of(phone.cards, "Mates")
    assert plain.request("GET", href).status == 404
    assert plain.multiget([href]) == {href: None}
    assert plain.request("DELETE", href).status == 404
    assert seen() == before


def test_a_choice_makes_a_whole_new_look(scene: Scene) -> None:
    anna = scene.ids["anna"]
    replica = scene.replica(None)
    for choice in ("lists", "categories", None, "categories", "lists", None):
        choose(scene.site.database, anna, choice)
        stale = replica.token
        with pytest.raises(dav.Failed) as refused:
            replica.client.sync_collection(stale)
        assert refused.value.condition == "{DAV:}valid-sync-token"
        replica.sync()
        assert ("Friends" in lists_in(replica.cards)) == (choice == "lists")
        assert bool(categories_in(replica.cards)) == (choice == "categories")


def test_equal_tags_mean_equal_cards_whatever_a_device_shows(scene: Scene) -> None:
    known: dict[tuple[str, str], str] = {}
    replicas = [scene.replica(choice) for choice in (None, *CHOICES)]
    steps = [
        lambda: scene.put_into("carl"),
        lambda: scene.rename("Mates"),
        lambda: scene.take_out("bert"),
        lambda: None,
    ]
    for step in steps:
        step()
        for replica in replicas:
            replica.sync()
            for href, card in replica.cards.items():
                assert known.setdefault((href, card.etag), card.text or "") == card.text
            assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}


def test_a_poll_of_lists_that_did_not_change_is_one_answer_without_cards(scene: Scene) -> None:
    replica = scene.replica("lists")
    assert replica.client.book_token() == replica.token
    assert replica.client.sync_collection(replica.token) == dav.Changes(replica.token, {}, frozenset())


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_what_is_asked_for_in_parts_comes_whole(scene: Scene, choice: str, limit: int) -> None:
    client = scene.device(choice)
    seen: dict[str, str] = {}
    token = ""

    def page(token: str) -> tuple[str, bool]:
        body = (
            f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>'
            f"<D:limit><D:nresults>{limit}</D:nresults></D:limit><D:prop><D:getetag/></D:prop></D:sync-collection>"
        )
        answer = client.request("REPORT", client.book, body, {"Content-Type": "application/xml", "Depth": "0"})
        if answer.status == 507:
            return "", False
        root = dav.etree.fromstring(answer.body)
        for node in root.findall("{DAV:}response"):
            etag = node.findtext(".//{DAV:}getetag")
            if etag:
                seen[node.findtext("{DAV:}href") or ""] = etag
        return root.findtext("{DAV:}sync-token") or "", b"507" in answer.body

    for group in ("X", "Y", "Z"):
        factories.group(scene.site.database, scene.ids["anna"], group, [scene.ids["carl"]])
    token, more = page("")
    count = 1
    while more:
        token, more = page(token)
        count += 1
    if token:
        assert seen == client.listing()
        assert (count > 1) == (len(seen) > limit)
        assert token == client.book_token()
    else:
        # The usual groups of a person are made in one change, and so are told in one answer.
        assert limit < 4


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


def test_lists_are_found_by_what_they_say(scene: Scene) -> None:
    client = scene.device("lists")
    href = href_of(client.query(), "Friends")
    assert set(client.query("FN", "friend")) == {href}
    assert set(client.query("X-ADDRESSBOOKSERVER-MEMBER", scene.bert)) == {href}
    assert scene.device(None).query("FN", "friend") == {}


def test_the_home_and_the_book_tell_one_token(scene: Scene) -> None:
    client = scene.device("lists")
    home = client.propfind(client.principal, (dav.SYNC_TOKEN,))
    assert home[client.book].text(dav.SYNC_TOKEN) == client.book_token()
    body = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
    held = client.request("PROPFIND", client.book, body, {"If": f"(<{client.book_token()}>)", "Depth": "0"})
    assert held.status == 207


def test_a_device_that_is_shut_out_costs_nothing_more(scene: Scene) -> None:
    """Lists are kept up to date for devices that show them, and are right again with the next that does."""
    choose(scene.site.database, scene.ids["anna"], "lists")
    choose(scene.site.database, scene.ids["anna"], None)
    scene.device("lists")
    choose(scene.site.database, scene.ids["anna"], None)

    def state(session: Session) -> int:
        from sync.revisions import list_states

        return list_states.revision_of(session, scene.ids["anna"])

    with scene.site.database.reading() as session:
        before = state(session)
    scene.put_into("carl")
    with scene.site.database.reading() as session:
        assert state(session) == before
    assert lists_in(scene.replica("lists").cards)["Friends"] == {scene.bert, scene.carl}
