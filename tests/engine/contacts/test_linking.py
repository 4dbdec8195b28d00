"""Linking: one card for one person, nothing lost by it, and nothing of the owner's kept that they took back."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from sync.accounts import addresses, contact_addresses
from sync.books import entries
from sync.contacts import linking
from sync.contacts.linking import Suggestion
from sync.contacts.signs import sign_of, signs_of
from sync.database.engine import Database, Session
from sync.errors import InvalidInput, NotFound, Refused, UIDConflict
from sync.fields import fields_of
from sync.models import CardListKey, Entry
from sync.settings import Settings
from sync.sharing import connections, grants
from sync.sorting.list_keys import APART
from sync.vcard import parse_one
from tests.support.distribution import WAYS, read_in
from tests.support.factories import book, connect, connected, field, person, set_field, strangers

CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:mum\r\nFN:Mum\r\nTEL;TYPE=CELL:+86 138 0013 8000\r\n"
    "TEL;TYPE=HOME:+86 10 5555 0100\r\nNOTE:Allergic to nuts\r\nBDAY:1950-01-02\r\nEND:VCARD\r\n"
)


@pytest.fixture
def pair(database: Database) -> tuple[int, int]:
    """Anna, and Bo who lets strangers see his mobile number."""
    anna, bo = connected(database, "anna", "bo")
    mobile = field(database, bo)
    everybody = strangers(database, bo)
    database.write(lambda session: grants.grant(session, bo, everybody, [mobile]))
    return anna, bo


def keep(database: Database, viewer_id: int, card: str = CARD, href: str = "mum.vcf") -> int:
    contacts = book(database, viewer_id)
    database.write(lambda session: entries.write(session, contacts, href, card.encode(), lambda _: None))
    with database.reading() as session:
        return session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.href == href)).one()


def link(database: Database, viewer_id: int, entry_id: int, owner_id: int) -> None:
    database.write(lambda session: linking.link(session, viewer_id, entry_id, owner_id))


def unlink(database: Database, viewer_id: int, entry_id: int) -> None:
    database.write(lambda session: linking.unlink(session, viewer_id, entry_id))


def served(database: Database, viewer_id: int) -> dict[str, str]:
    with database.reading() as session:
        return {entry.href: entry.text for entry in entries.texts(session, book(database, viewer_id))}


def card_of(database: Database, viewer_id: int, owner_id: int) -> str:
    with database.reading() as session:
        href = session.scalars(select(Entry.href).where(Entry.viewer_id == viewer_id, Entry.id == owner_id)).one()
    return served(database, viewer_id)[href]


def said(card: str) -> set[tuple[str, str]]:
    return {(content.kind, content.text()) for content in fields_of(parse_one(card))}


def test_who_has_the_same_number_is_proposed(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    keep(database, anna, CARD.replace("+86 138 0013 8000", "+86 138 0013 8009").replace("mum", "other"), "other.vcf")
    with database.reading() as session:
        assert linking.suggestions(session, anna) == [Suggestion(mum, "Mum", bo, "bo", ("+8613800138000",))]
        assert linking.suggestions(session, bo) == []


def test_what_only_the_contact_says_is_added_to_the_card(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    link(database, anna, mum, bo)
    assert "mum.vcf" not in served(database, anna)
    card = said(card_of(database, anna, bo))
    assert {("home-phone", "+86 10 5555 0100"), ("note", "Allergic to nuts"), ("nickname", "Mum")} <= card
    assert len([kind for kind, _ in card if kind == "mobile"]) == 1
    assert said(card_of(database, bo, anna)).isdisjoint({("note", "Allergic to nuts"), ("nickname", "Mum")})


def test_what_the_owner_changes_and_takes_back_still_arrives(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    link(database, anna, keep(database, anna), bo)
    with database.reading() as session:
        mobile = next(iter(grants.granted(session, bo, strangers(database, bo))))
    set_field(database, bo, mobile, "+86 138 0013 8001")
    numbers = {text for kind, text in said(card_of(database, anna, bo)) if kind == "mobile"}
    assert numbers == {"+86 138 0013 8001"}
    everybody = strangers(database, bo)
    database.write(lambda session: grants.take_back(session, bo, everybody, [mobile]))
    assert not {text for kind, text in said(card_of(database, anna, bo)) if kind == "mobile"}


def test_taken_apart_both_are_as_they_were(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    before = said(card_of(database, anna, bo))
    link(database, anna, mum, bo)
    with database.reading() as session:
        assert [(each.entry_id, each.name, each.login) for each in linking.links_of(session, anna)] == [
            (mum, "Mum", "bo")
        ]
    unlink(database, anna, mum)
    assert served(database, anna)["mum.vcf"] == CARD
    assert said(card_of(database, anna, bo)) == before
    with database.reading() as session:
        assert linking.links_of(session, anna) == []
    with pytest.raises(NotFound):
        unlink(database, anna, mum)


def test_what_was_added_since_stays(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    link(database, anna, mum, bo)
    with database.reading() as session:
        href = session.scalars(select(Entry.href).where(Entry.viewer_id == anna, Entry.id == bo)).one()
    more = card_of(database, anna, bo).replace("END:VCARD", "EMAIL;TYPE=INTERNET:mum@example.org\r\nEND:VCARD")
    contacts = book(database, anna)
    database.write(lambda session: entries.write(session, contacts, href, more.encode(), lambda _: None))
    unlink(database, anna, mum)
    assert ("email", "mum@example.org") in said(card_of(database, anna, bo))
    assert ("note", "Allergic to nuts") not in said(card_of(database, anna, bo))


def test_a_contact_comes_back_when_the_two_are_not_connected_any_more(
    database: Database, pair: tuple[int, int]
) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    link(database, anna, mum, bo)
    database.write(lambda session: connections.disconnect(session, anna, bo))
    unlink(database, anna, mum)
    assert served(database, anna)["mum.vcf"] == CARD


def test_every_device_is_told(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    before = book(database, anna).revision
    link(database, anna, mum, bo)
    with database.reading() as session:
        heads = list(entries.heads(session, book(database, anna), before))
    assert sorted(head.present for head in heads) == [False, True]


def test_only_ones_own_contacts_are_linked_with_ones_own_connections(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    (stranger,) = connected(database, "carl")
    for viewer_id, entry_id, owner_id in ((anna, mum, stranger), (bo, mum, anna), (anna, bo, bo), (anna, mum, anna)):
        with pytest.raises(NotFound):
            link(database, viewer_id, entry_id, owner_id)
    assert served(database, anna)["mum.vcf"] == CARD


def test_a_uid_that_was_taken_since_is_in_the_way(database: Database, pair: tuple[int, int]) -> None:
    anna, bo = pair
    mum = keep(database, anna)
    link(database, anna, mum, bo)
    keep(database, anna, CARD, "again.vcf")
    with pytest.raises(UIDConflict):
        unlink(database, anna, mum)


def test_where_nothing_can_be_added_nothing_is_linked(database_url: str) -> None:
    strict = Database(database_url, Settings(accept_overlays=False))
    anna, bo = connected(strict, "anna", "bo")
    mum = keep(strict, anna)
    with pytest.raises(Refused):
        link(strict, anna, mum, bo)
    strict.dispose()


def test_what_a_device_stored_once_more_is_linked_again(database: Database, pair: tuple[int, int]) -> None:
    """A phone that was offline sends its contact again; both additions go when the two are taken apart."""
    anna, bo = pair
    mum = keep(database, anna)
    clean = said(card_of(database, anna, bo))
    link(database, anna, mum, bo)
    assert keep(database, anna, CARD.replace("END:", "EMAIL:mum@example.org\r\nEND:")) == mum
    link(database, anna, mum, bo)
    with database.reading() as session:
        assert [each.entry_id for each in linking.links_of(session, anna)] == [mum]
    assert {("email", "mum@example.org"), ("birthday", "1950-01-02")} <= said(card_of(database, anna, bo))
    unlink(database, anna, mum)
    assert said(card_of(database, anna, bo)) == clean
    assert "EMAIL:mum@example.org" in served(database, anna)["mum.vcf"]


#: A number and an address as people write them; none is written as it is stored.
WRITTEN = [
    ("sms", "+86 138 0013 8000"),
    ("sms", "(0)138-0013 8000"),
    ("sms", "138.0013.8000"),
    ("sms", "+86 138 0013 8000 ext. 12"),
    ("sms", "+1 800 FLOWERS"),
    ("sms", "１３８ ００１３ ８０００"),
    ("sms", "+86 10 5555 0100 / 0101"),
    ("email", "Bo.Chen+Home@Example.ORG"),
    ("email", "bo@bücher.example"),
    ("email", "ｂｏ@example.org"),
]


@pytest.mark.parametrize(("channel", "text"), WRITTEN)
def test_a_sign_is_that_of_what_is_stored_or_cannot_be_told(database: Database, channel: str, text: str) -> None:
    database.settings = Settings(phone_region="CN")
    with database.reading() as session:
        try:
            stored = addresses.normalize(session, channel, text)
        except InvalidInput:
            return
    assert sign_of(text) in (None, sign_of(stored))
    assert sign_of(stored) is not None or not stored.isascii()


def test_signs_of_several_are_those_of_each() -> None:
    texts = [text for _channel, text in WRITTEN] + ["", " +49 30 1234567\t", "12345", "a@b@c.example"]
    assert signs_of(APART.join(texts)) == {sign_of(text) for text in texts if text}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("written", ["+86 138 0013 8000", "+8613800138000", "tel:+86-138-0013-8000", "86 138 ext. 1"])
def test_what_both_have_is_found_however_a_list_knows_the_card(
    database: Database, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, way: str, written: str
) -> None:
    anna, bo = pair
    entry = keep(database, anna, CARD.replace("+86 138 0013 8000", written))
    numbers = ("+86 138 0013 8000",) if written != "86 138 ext. 1" else ()
    set_field(database, bo, field(database, bo), "+86 10 5555 0100")

    def found() -> list[tuple[int, int]]:
        with read_in(way, database, monkeypatch), database.reading() as session:
            return [(each.entry_id, each.owner_id) for each in linking.suggestions(session, anna)]

    before = found()
    assert before == ([(entry, bo)] if numbers else [])
    database.write(lambda session: session.execute(delete(CardListKey)))
    assert found() == before


def test_only_cards_that_may_have_the_same_are_read(
    database: Database, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bo = pair
    keep(database, anna)
    for number in range(5):
        other = person(database, f"other{number}")
        connect(database, anna, other)
        mobile = field(database, other, "mobile", f"+86 139 0000 000{number}")
        everybody = strangers(database, other)
        database.write(
            lambda session, it=other, given=mobile, to=everybody: grants.grant(session, it, to, [given])  # type: ignore[misc]
        )
    read: list[str] = []

    def reading(session: Session, text: str) -> set[tuple[str, str]]:
        read.append(text)
        return contact_addresses.addresses_of_contact(session, text)

    monkeypatch.setattr(linking, "addresses_of_contact", reading)
    with database.reading() as session:
        assert [each.owner_id for each in linking.suggestions(session, anna)] == [bo]
    assert len(read) == 2
