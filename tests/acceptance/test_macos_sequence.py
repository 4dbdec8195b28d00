"""Contacts on a Mac against a running server, where it is not as an iPhone."""

from __future__ import annotations

import pytest

from sync.revisions import address_books
from tests.acceptance.clients.apple_devices import IPhone, Mac
from tests.acceptance.clients.apple_user import group, installed, person, polled
from tests.acceptance.clients.wire import conditions
from tests.acceptance.conftest import SHOWN, Stage
from tests.support.dav import DAV


@pytest.fixture
def mac(stage: Stage) -> Mac:
    return installed(Mac(stage.wire()))


def test_it_shows_the_address_book_of_the_connections_whatever_others_there_are(stage: Stage, mac: Mac) -> None:
    """Of several it takes the first that is listed (I-1), which must not be one that a phone made."""
    for name, title in (("a", "AAA"), ("0", "000")):
        stage.database.write(
            lambda session, name=name, title=title: address_books.create(session, stage.anna.id, name, title)  # type: ignore[misc]
        )
    mac.list_books()
    assert list(mac.books) == [f"{mac.home}contacts/"]
    assert installed(Mac(stage.wire())).book.title == "Contacts"
    assert SHOWN["mobile"] in mac.card(stage.entry()).fetched


def test_what_was_never_a_token_starts_it_again(stage: Stage, mac: Mac) -> None:
    """A Mac was seen to send a UUID (I-13); it is answered by the condition, and everything is there after that."""
    cards = dict(mac.book.cards)
    answer = mac.sync_with_stray_token()
    assert conditions(answer) >= {f"{{{DAV}}}valid-sync-token"}
    assert mac.book.cards == cards
    assert polled(mac) == ["PROPFIND"]


def test_a_group_made_on_a_mac_is_a_list_on_an_iphone(stage: Stage, mac: Mac) -> None:
    """Both keep it as a card; members who are connections stay members when their card changes (I-19)."""
    href = mac.save(mac.book, group("Skat", mac.card(stage.entry()).contact))
    phone = installed(IPhone(stage.wire()))
    listed = phone.card(href).contact
    assert listed.members == [f"urn:uuid:{phone.card(stage.entry()).contact.uid}"]
    wei = person("Wei;Chen")
    phone.save(phone.book, wei)
    listed.members.append(f"urn:uuid:{wei.uid}")
    phone.save(phone.book, listed, href)
    mac.sync()
    assert mac.card(href).contact.members == listed.members
    assert mac.blocked == []


def test_the_own_card_is_known_and_edited_by_both(stage: Stage, mac: Mac) -> None:
    """The card that a Mac calls mine is the profile (I-20)."""
    assert mac.me_card == stage.own()
    own = mac.card(mac.me_card).contact
    own.add("EMAIL", "anna@mac.example", "HOME")
    mac.save(mac.book, own, mac.me_card)
    assert ("email", "anna@mac.example") in stage.profile(stage.anna).values()
    phone = installed(IPhone(stage.wire()))
    assert "anna@mac.example" in phone.card(phone.me_card).fetched


def test_an_edit_of_a_connection_s_card_reaches_the_other_devices(stage: Stage, mac: Mac) -> None:
    """What is added on a Mac is on the phone, and stays when the owner changes something."""
    phone = installed(IPhone(stage.wire()))
    ben = mac.card(stage.entry()).contact
    ben.add("EMAIL", "ben@work.example", "WORK")
    mac.save(mac.book, ben, stage.entry())
    stage.give(stage.ben, "hobby", "Skat")
    for device in (mac, phone):
        polled(device)
        assert "ben@work.example" in device.card(stage.entry()).fetched
        assert "Skat" in device.card(stage.entry()).fetched
    assert "ben@work.example" not in stage.served_to(stage.ben, stage.ben)


def test_a_deletion_is_never_refused(stage: Stage, mac: Mac) -> None:
    """A refused one leaves a warning for ever (I-6)."""
    href = mac.save(mac.book, person("Wei;Chen"))
    for path in (href, stage.entry(), stage.own()):
        mac.delete(mac.book, path)
        assert mac.blocked == []
    assert list(mac.book.cards) == [stage.own()]
