"""Contacts on an iPhone, as it was recorded, against a running server: what it asks, and what its users see."""

from __future__ import annotations

import pytest

from sync.database.engine import Session
from sync.sharing import connections, grants
from sync.sign_in import credentials
from tests.acceptance.clients import lines
from tests.acceptance.clients.apple import BATCH
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.apple_user import group, installed, person, polled
from tests.acceptance.clients.wire import Stopped
from tests.acceptance.conftest import SHOWN, Stage
from tests.support import factories, people


@pytest.fixture
def phone(stage: Stage) -> IPhone:
    return installed(IPhone(stage.wire()))


def test_an_account_is_set_up_by_the_name_of_the_server(stage: Stage) -> None:
    """
    The first place answers, after one challenge each for the two programs that ask (I-9, I-10, I-11).

    The address book can be written, so that new contacts go there (I-4), and nothing is offered that it would use and
    that is not there: no bulk requests, no POST. The directory lists nobody.
    """
    phone = IPhone(stage.wire())
    phone.set_up()
    home = f"/{stage.anna.login}/"
    assert (phone.principal, phone.home, list(phone.books)) == (home, home, [f"{home}contacts/"])
    assert phone.book.title == "Contacts"
    assert phone.directory == f"{home}directory/"
    asked = [(one.method, one.path, one.status) for one in phone.wire.exchanges]
    assert asked == [
        ("PROPFIND", "/.well-known/carddav", 401),
        ("PROPFIND", "/.well-known/carddav", 207),
        ("OPTIONS", home, 200),
        ("OPTIONS", home, 200),
        ("PROPFIND", home, 207),
        ("PROPFIND", home, 207),
    ]
    # It asked for no more than there is (O-5).
    assert not [one for one in phone.wire.exchanges if b"404 Not Found" in one.body]
    # Photos are made as small as this before they are sent (I-18).
    assert phone.largest_image == 224 * 1024


def test_a_first_synchronization_fetches_every_card_fifty_at_a_time(stage: Stage) -> None:
    """A listing and batches, none of which may be short of a card (I-12, I-14); every card is one that it reads."""
    for _ in range(62):
        factories.connect(stage.database, stage.anna.id, people.register(stage.database).id)
    phone = IPhone(stage.wire())
    phone.set_up()
    assert polled(phone) == ["PROPFIND", "PROPFIND"] + ["REPORT"] * -(-64 // BATCH)
    assert len(phone.book.cards) == 64
    ben = phone.card(stage.entry())
    assert ben.contact.photo
    assert lines.labels(ben.fetched, "X-ABRELATEDNAMES") == {
        "School": SHOWN["school"],
        "Bank account": SHOWN["bank-account"],
    }
    # QQ is written as its own programs write it (I-25).
    assert "item1.IMPP;X-SERVICE-TYPE=QQ:x-apple:10001234" in ben.fetched


def test_a_card_in_another_version_does_not_stop_it(stage: Stage) -> None:
    """Whatever other programs store, it gets vCard 3.0 without control characters (I-15, I-16)."""
    texts = {
        "v4.vcf": "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:v4\r\nFN:Vier\r\nBDAY:--0322\r\nEND:VCARD\r\n",
        "v2.vcf": "BEGIN:VCARD\r\nVERSION:2.1\r\nUID:v2\r\nN:Zwei\r\nFN:Zwei\r\nTEL;CELL:1\r\nEND:VCARD\r\n",
        "bell.vcf": "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bell\r\nN:Bell;;;;\r\nFN:Bell\x07\r\nEND:VCARD\r\n",
    }
    for name, text in texts.items():
        factories.put(stage.database, stage.anna.id, name, text.encode())
    phone = installed(IPhone(stage.wire()))
    assert {href.rsplit("/", 1)[1] for href in phone.book.cards} > set(texts)
    assert polled(phone) == ["PROPFIND"]


def test_a_poll_without_a_change_is_one_request(stage: Stage, phone: IPhone) -> None:
    assert polled(phone) == ["PROPFIND"]
    factories.field(stage.database, stage.ben.id, "mobile", "+49 555 0198")
    assert polled(phone) == ["PROPFIND"]


def test_a_changed_profile_arrives_alone(stage: Stage, phone: IPhone) -> None:
    factories.set_field(stage.database, stage.ben.id, stage.shown["mobile"], "+49 151 5555 0111")
    assert polled(phone) == ["PROPFIND", "REPORT", "REPORT"]
    assert "+49 151 5555 0111" in phone.card(stage.entry()).fetched
    assert phone.wire.exchanges[-1].request.count(b"<A:href>") == 1
    assert polled(phone) == ["PROPFIND"]


def test_a_field_that_was_taken_back_goes_from_the_phone(stage: Stage, phone: IPhone) -> None:
    strangers, field_id = factories.strangers(stage.database, stage.ben.id), stage.shown["mobile"]
    stage.database.write(lambda session: grants.take_back(session, stage.ben.id, strangers, [field_id]))
    polled(phone)
    assert SHOWN["mobile"] not in phone.card(stage.entry()).fetched


def test_every_address_book_of_the_home_is_shown(stage: Stage, phone: IPhone) -> None:
    """It makes none itself; one that another device made is there with the next synchronization (I-2, I-3)."""
    data = factories.vcard("club-member", name="Club Member")
    book = f"{phone.home}club/"
    made = phone.wire.send(
        "MKCOL",
        book,
        '<A:mkcol xmlns:A="DAV:" xmlns:B="urn:ietf:params:xml:ns:carddav"><A:set><A:prop><A:displayname>Club'
        "</A:displayname><A:resourcetype><A:collection/><B:addressbook/></A:resourcetype></A:prop></A:set></A:mkcol>",
    )
    assert made.status == 201
    assert phone.wire.send("PUT", f"{book}x.vcf", data).status == 201
    phone.list_books()
    polled(phone)
    assert [one.title for one in phone.books.values()] == ["Contacts", "Club"]
    assert list(phone.books[book].cards) == [f"{book}x.vcf"]
    phone.delete(phone.books[book], f"{book}x.vcf")
    assert phone.blocked == []


def test_a_list_of_contacts_is_kept_as_it_is(stage: Stage, phone: IPhone) -> None:
    """A list is a card whose members are told by the UIDs of cards, of private ones and of connections (I-19)."""
    wei = person("Wei;Chen", "+49 555 0123")
    phone.save(phone.book, wei)
    href = phone.save(phone.book, group("Skat", wei, phone.card(stage.entry()).contact))
    assert phone.card(href).contact.members == [
        f"urn:uuid:{wei.uid}",
        f"urn:uuid:{phone.card(stage.entry()).contact.uid}",
    ]
    other = installed(IPhone(stage.wire()))
    assert other.card(href).contact.members == phone.card(href).contact.members
    assert lines.values(other.card(href).fetched, "FN") == ["Skat"]


def test_a_list_with_somebody_removed_and_then_deleted(stage: Stage, phone: IPhone) -> None:
    wei = person("Wei;Chen")
    phone.save(phone.book, wei)
    href = phone.save(phone.book, group("Skat", wei, phone.card(stage.entry()).contact))
    skat = phone.card(href).contact
    skat.members = skat.members[1:]
    phone.save(phone.book, skat, href)
    other = installed(IPhone(stage.wire()))
    assert other.card(href).contact.members == skat.members
    phone.delete(phone.book, href)
    polled(other)
    assert href not in other.book.cards
    assert stage.entry() in other.book.cards


def test_the_own_card_is_known_and_can_be_chosen(stage: Stage, phone: IPhone) -> None:
    """It is the profile until a device says otherwise, which the others learn (I-20)."""
    assert phone.me_card == stage.own()
    href = phone.save(phone.book, person("Chen;Anna"))
    phone.choose_me_card(href)
    assert installed(IPhone(stage.wire())).me_card == href
    phone.choose_me_card(stage.own())
    assert installed(IPhone(stage.wire())).me_card == stage.own()


@pytest.mark.parametrize("token", ["urn:x-evercard:sync/1/2/3", "b905a5fd-6cb3-4c50-9c14-9c0d1f6a1c59"])
def test_an_unknown_token_makes_it_list_everything_and_lose_nothing(stage: Stage, phone: IPhone, token: str) -> None:
    href = phone.save(phone.book, person("Meanwhile;Gone"))
    factories.delete(stage.database, stage.anna.id, href.rsplit("/", 1)[1])
    phone.book.token = token
    assert polled(phone) == ["PROPFIND", "REPORT", "PROPFIND"]
    assert set(phone.book.cards) == {stage.own(), stage.entry()}
    assert polled(phone) == ["PROPFIND"]


def test_a_deleted_connection_is_hidden_until_it_is_shown_again(stage: Stage, phone: IPhone) -> None:
    phone.delete(phone.book, stage.entry())
    assert phone.blocked == []
    assert polled(phone) == ["PROPFIND"]
    stage.database.write(lambda session: connections.show(session, stage.anna.id, stage.ben.id))
    polled(phone)
    assert SHOWN["mobile"] in phone.card(stage.entry()).fetched


def test_one_s_own_card_comes_back_when_it_was_deleted(stage: Stage, phone: IPhone) -> None:
    """A refusal would be a warning that stays (I-6), so it is taken, and the card is given again."""
    phone.delete(phone.book, stage.own())
    assert phone.blocked == []
    assert stage.own() in phone.book.cards


def test_a_login_with_another_spelling_is_the_same(stage: Stage) -> None:
    """Some phones write the login with a capital letter at its beginning."""
    wire = stage.wire()
    wire.login = wire.login.capitalize()
    phone = installed(IPhone(wire))
    assert phone.principal == f"/{stage.anna.login}/"


def test_a_revoked_device_gets_nothing_more(stage: Stage, phone: IPhone) -> None:
    def revoke(session: Session) -> None:
        (device,) = credentials.devices(session, stage.anna.id)
        credentials.revoke_device(session, stage.anna.id, device.id)

    stage.database.write(revoke)
    with pytest.raises(Stopped, match="401"):
        phone.sync()
