"""What phones make of fields that people of a household share: one edit reaches all, and a carrier's is their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from sync.household import shares
from sync.household.pairs import Share
from tests.acceptance.clients import apple_user, davx5_user
from tests.acceptance.clients.apple_cards import Contact as AppleContact
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.davx5_cards import Contact as AndroidContact
from tests.acceptance.conftest import Stage
from tests.support import factories, households
from tests.support.waiting import until

OLD, NEW = "+49 30 5550100", "+49 30 5550101"
HOME = "home-phone"


class Phone(NamedTuple):
    """What Anna does on a phone: look at what it has of somebody, edit her own card, and add to it."""

    fetched: Callable[[str], str]
    change: Callable[[str, str], object]
    add: Callable[[str], object]


def davx5(stage: Stage) -> Phone:
    """Return a phone with DAVx5."""
    phone = davx5_user.installed(stage.wire())

    def edit(how: Callable[[AndroidContact], object]) -> None:
        own = davx5_user.card(phone, stage.own())
        how(own.contact)
        own.dirty = True
        davx5_user.synced(phone)

    def fetched(path: str) -> str:
        davx5_user.synced(phone)
        return davx5_user.card(phone, path).fetched

    return Phone(
        fetched,
        lambda old, new: edit(lambda contact: contact.change(old, new)),
        lambda mail: edit(lambda contact: contact.add("EMAIL", mail, "home")),
    )


def iphone(stage: Stage) -> Phone:
    """Return an iPhone."""
    phone = apple_user.installed(IPhone(stage.wire()))

    def edit(how: Callable[[AppleContact], object]) -> None:
        own = phone.card(stage.own()).contact
        how(own)
        phone.save(phone.book, own, stage.own())

    def fetched(path: str) -> str:
        apple_user.polled(phone)
        return phone.card(path).fetched

    return Phone(
        fetched,
        lambda old, new: edit(lambda contact: contact.change(old, new)),
        lambda mail: edit(lambda contact: contact.add("EMAIL", mail, "home")),
    )


@pytest.mark.parametrize("kind", [davx5, iphone])
def test_an_edit_on_the_owners_phone_reaches_all_who_see_it_on_any_card(
    stage: Stage, kind: Callable[[Stage], Phone]
) -> None:
    line = factories.field(stage.database, stage.anna.id, HOME, OLD)
    own = households.share(stage.database, stage.anna.id, line, stage.ben.id)
    stage.grant(stage.ben, own)
    phone = kind(stage)
    assert OLD in phone.fetched(stage.entry())
    phone.change(OLD, NEW)
    until(lambda: NEW in phone.fetched(stage.entry()))
    assert OLD not in phone.fetched(stage.entry())
    assert stage.profile(stage.ben)[own] == (HOME, NEW)


@pytest.mark.parametrize("kind", [davx5, iphone])
def test_a_card_that_comes_back_leaves_nothing_and_an_edit_of_what_is_carried_is_ones_own(
    stage: Stage, kind: Callable[[Stage], Phone]
) -> None:
    line = stage.give(stage.ben, HOME, OLD)
    own = households.share(stage.database, stage.ben.id, line, stage.anna.id)
    phone = kind(stage)
    phone.add("new@anna.example")
    with stage.database.reading() as session:
        (held,) = shares.carried_by(session, stage.anna.id)
    assert (held.share, held.state) == (Share(stage.ben.id, line, stage.anna.id), "carried")
    phone.change(OLD, NEW)
    until(lambda: households.shared(stage.database, stage.ben.id) == {(line, stage.anna.id): "left"})
    assert stage.profile(stage.anna)[own] == (HOME, NEW)
    assert stage.profile(stage.ben)[line] == (HOME, OLD)
    assert OLD in phone.fetched(stage.entry())
