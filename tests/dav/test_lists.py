"""Groups as lists: what devices see that show them, and that others see nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from sync.database.engine import Session
from sync.sharing import connections, groups
from tests.support import dav, factories
from tests.support.lists import THUNDERBIRD, Scene, categories_in, choose, href_of, lists_in, scene_on
from tests.support.site import ON_SQLITE, Site

pytestmark = ON_SQLITE
CHOICES = ("lists", "categories")
DAVX5_ID = "+//IDN bitfire.at//DAVx5/4.5.17-ose ez-vcard/0.12.1"
DAVX5 = "DAVx5/4.5.17-ose (dav4jvm; okhttp/5.1.0) Android/15"


@pytest.fixture
def scene(site: Site) -> Scene:
    """Anna, bert and carl."""
    return scene_on(site)


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
    steps: list[Callable[[], object]] = [
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
        root = etree.fromstring(answer.body)
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
