"""DAVx5 on Android, as its source has it, against a running server: what it asks, and what its users see."""

from __future__ import annotations

import uuid

import pytest

from sync.database.engine import Session
from sync.sharing import grants
from sync.sign_in import credentials
from tests.acceptance.clients import lines
from tests.acceptance.clients.davx5 import BATCH, DAVx5, Local
from tests.acceptance.clients.davx5_cards import Contact
from tests.acceptance.clients.davx5_user import added, book_of, card, installed, synced
from tests.acceptance.clients.wire import Stopped
from tests.acceptance.conftest import SHOWN, Stage
from tests.support import factories, people


@pytest.fixture
def phone(stage: Stage) -> DAVx5:
    return installed(stage.wire())


@pytest.mark.parametrize("base", ["/", "/.well-known/carddav", ""])
def test_an_account_is_set_up_from_the_bare_address(stage: Stage, base: str) -> None:
    """The requests are few, none is redirected, and there is one address book, which can be written (D-1, D-3)."""
    phone = DAVx5(stage.wire())
    phone.set_up(base)
    home = f"/{stage.anna.login}/"
    assert (phone.principal, phone.home) == (home, home)
    ((url, book),) = phone.books.items()
    assert (url, book.title, book.read_only) == (f"{home}contacts/", "Contacts", False)
    methods = [method for method, _ in phone.wire.requests()]
    assert methods == ["PROPFIND", "OPTIONS", "PROPFIND", "PROPFIND", "PROPFIND"]


def test_a_first_synchronization_fetches_every_card_ten_at_a_time(stage: Stage) -> None:
    for _ in range(23):
        factories.connect(stage.database, stage.anna.id, people.register(stage.database).id)
    phone = installed(stage.wire())
    assert len(book_of(phone).cards) == 25
    assert len(phone.wire.requests()) == 5 + 2 + -(-25 // BATCH)
    ben = card(phone, stage.entry()).contact
    assert ben.name == SHOWN["name"]
    assert ben.photo is not None
    assert {lines.plain(line.value) for line in ben.relations} == {SHOWN["school"], SHOWN["bank-account"]}
    # QQ shows as what its scheme says (D-10).
    assert ("IMPP", "qq:10001234") in [(line.name, line.value) for line, _ in ben.lists]


def test_a_poll_without_a_change_is_one_request(stage: Stage, phone: DAVx5) -> None:
    """Nor is it more when something changed that is not shown (D-4)."""
    assert synced(phone) == ["PROPFIND"]
    factories.field(stage.database, stage.ben.id, "mobile", "+49 555 0198")
    assert synced(phone) == ["PROPFIND"]


def test_a_changed_profile_arrives_alone(stage: Stage, phone: DAVx5) -> None:
    factories.set_field(stage.database, stage.ben.id, stage.shown["mobile"], "+49 151 5555 0111")
    assert synced(phone) == ["PROPFIND", "REPORT", "REPORT"]
    assert "+49 151 5555 0111" in [lines.plain(line.value) for line, _ in card(phone, stage.entry()).contact.lists]
    assert phone.wire.exchanges[-1].request.count(b"<A:href>") == 1
    assert synced(phone) == ["PROPFIND"]


def test_a_field_that_was_taken_back_goes_from_the_phone(stage: Stage, phone: DAVx5) -> None:
    group = factories.strangers(stage.database, stage.ben.id)
    field_id = stage.shown["mobile"]
    stage.database.write(lambda session: grants.take_back(session, stage.ben.id, group, [field_id]))
    synced(phone)
    assert SHOWN["mobile"] not in card(phone, stage.entry()).fetched


def test_another_address_book_can_be_made_filled_and_deleted(stage: Stage, phone: DAVx5) -> None:
    """Its address has a slash at its end, and no answer is a multistatus."""
    book = phone.make_book(str(uuid.uuid4()), "Schachclub & Co")
    phone.refresh()
    assert sorted(one.title for one in phone.books.values()) == ["Contacts", "Schachclub & Co"]
    assert not phone.books[book.url].read_only
    book.cards.append(Local(Contact("club-member", name="Club Member"), dirty=True))
    phone.sync(book)
    assert (book.cards[0].etag or "", phone.errors) != ("", [])
    assert book_of(phone).named("club-member.vcf") is None
    phone.delete_book(book)
    phone.refresh()
    assert [one.title for one in phone.books.values()] == ["Contacts"]


def test_when_there_are_too_many_address_books_it_is_told(stage: Stage, phone: DAVx5) -> None:
    """A limit is a plain 507, which it reports; what there is goes on."""
    limit = stage.database.settings.limits.address_books
    for number in range(limit - 1):
        phone.make_book(str(uuid.uuid4()), f"Book {number}")
    with pytest.raises(Stopped, match="507"):
        phone.make_book(str(uuid.uuid4()), "One Too Many")
    assert synced(phone) == ["PROPFIND"]


@pytest.mark.parametrize("token", ["urn:x-evercard:sync/1/2/3", "http://radicale.org/ns/sync/abc", "x"])
def test_an_unknown_token_makes_it_start_from_nothing_and_lose_nothing(stage: Stage, phone: DAVx5, token: str) -> None:
    """It is told by the condition in an XML body (D-5); what went meanwhile goes, what is the same is not fetched."""
    local = added(phone, "Gone Meanwhile")
    synced(phone)
    factories.delete(stage.database, stage.anna.id, local.name)
    book_of(phone).token = token
    assert synced(phone) == ["PROPFIND", "REPORT", "REPORT"]
    assert book_of(phone).named(local.name) is None
    assert {one.name for one in book_of(phone).cards} == {
        path.rsplit("/", 1)[1] for path in (stage.own(), stage.entry())
    }
    assert synced(phone) == ["PROPFIND"]


def test_a_revoked_device_gets_nothing_more(stage: Stage, phone: DAVx5) -> None:
    def revoke(session: Session) -> None:
        (device,) = credentials.devices(session, stage.anna.id)
        credentials.revoke_device(session, stage.anna.id, device.id)

    stage.database.write(revoke)
    with pytest.raises(Stopped, match="password"):
        phone.sync(book_of(phone))
