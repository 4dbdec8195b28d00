"""What phones make of a card that they follow by a link, of contacts that were made one, and of doubts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from sync.books import doubts
from sync.card_links import links
from sync.contacts import duplicates
from sync.models import Entry
from sync.sharing import grants
from tests.acceptance.clients import apple_user, davx5_user
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.wire import Stopped, Wire
from tests.acceptance.conftest import Stage
from tests.support import factories
from tests.support.card_links import made

NUMBERS = ("+49 30 5550101", "+49 30 5550102")
#: Reads all that a phone has after it synchronized, by path.
Phone = Callable[[], dict[str, str]]


def davx5(wire: Wire) -> Phone:
    """Return a phone with DAVx5."""
    phone = davx5_user.installed(wire)

    def held() -> dict[str, str]:
        davx5_user.synced(phone)
        book = davx5_user.book_of(phone)
        return {book.url + each.name: each.fetched for each in book.cards}

    return held


def iphone(wire: Wire) -> Phone:
    """Return an iPhone."""
    phone = apple_user.installed(IPhone(wire))

    def held() -> dict[str, str]:
        apple_user.polled(phone)
        return {href: phone.card(href).fetched for href in phone.book.cards}

    return held


PHONES = pytest.mark.parametrize("kind", [davx5, iphone])


def test_a_card_that_davx5_follows_changes_loses_what_was_taken_back_and_ends(stage: Stage) -> None:
    ben, mobile = stage.ben.id, stage.shown["mobile"]
    extra = factories.field(stage.database, ben, "office-phone", NUMBERS[0])
    clients = factories.group(stage.database, ben, "clients", granted=[extra, mobile])
    handed = made(stage.database, ben, clients)
    wire = Wire(stage.connections, handed.login, handed.password)
    held = davx5(wire)
    stage.wire().send("PROPFIND", "/")
    (path,) = held()
    assert NUMBERS[0] in held()[path]
    factories.set_field(stage.database, ben, extra, NUMBERS[1], "office-phone")
    assert (NUMBERS[0] in held()[path], NUMBERS[1] in held()[path]) == (False, True)
    before = len(wire.exchanges)
    held()
    assert not [one for one in wire.exchanges[before:] if one.method == "REPORT"]
    stage.database.write(lambda session: grants.take_back(session, ben, clients, [extra]))
    assert NUMBERS[1] not in held()[path]
    stage.database.write(lambda session: links.end(session, ben, handed.id))
    before = len(wire.exchanges)
    with pytest.raises(Stopped, match="password"):
        held()
    assert {one.status for one in wire.exchanges[before:]} == {401}


@PHONES
def test_contacts_made_one_are_one_on_the_phone_and_two_again_once_it_is_undone(
    stage: Stage, kind: Callable[[Wire], Phone]
) -> None:
    anna = stage.anna.id
    for name, number in zip(("one", "two"), NUMBERS, strict=True):
        card = factories.vcard(name, f"TEL:{number}", f"NOTE:Said by {name}")
        factories.put(stage.database, anna, f"{name}.vcf", card)
    with stage.database.reading() as session:
        chosen = select(Entry).where(Entry.viewer_id == anna)
        ids = {each.href: each.id for each in session.scalars(chosen)}
    held = kind(stage.wire())
    paths = [f"/{stage.anna.login}/contacts/{name}.vcf" for name in ("one", "two")]
    before = held()
    assert set(paths) < set(before)
    stage.database.write(lambda session: duplicates.merge(session, anna, ids["one.vcf"], ids["two.vcf"]))
    after = held()
    assert set(before) - set(after) == {paths[1]}
    assert all(each in after[paths[0]] for each in (*NUMBERS, "Said by one", "Said by two"))
    stage.database.write(lambda session: duplicates.undo(session, anna, ids["two.vcf"]))
    again = held()
    assert set(again) == set(before)
    for path, mine, other in ((paths[0], *NUMBERS), (paths[1], *reversed(NUMBERS))):
        assert (mine in again[path], other in again[path]) == (True, False)


@PHONES
def test_a_doubt_is_nothing_that_a_phone_sees(stage: Stage, kind: Callable[[Wire], Phone]) -> None:
    """Neither the holder's phone nor the owner's fetches anything because of it."""
    wires = [stage.wire(), stage.wire(stage.ben)]
    phones = [kind(wire) for wire in wires]
    before, counts = [held() for held in phones], [len(wire.exchanges) for wire in wires]
    field_id = stage.shown["mobile"]
    stage.database.write(lambda session: doubts.doubt(session, stage.anna.id, stage.ben.id, field_id))
    assert [held() for held in phones] == before
    stage.database.write(lambda session: doubts.dismiss(session, stage.ben.id, field_id))
    assert [held() for held in phones] == before
    for wire, count in zip(wires, counts, strict=True):
        assert not [one for one in wire.exchanges[count:] if one.method == "REPORT"]
