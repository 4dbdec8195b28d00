"""Who of a person's contacts is here: those who want to be found by just that, and everything is counted."""

from __future__ import annotations

import pytest

from sync.accounts import addresses
from sync.accounts.rate_limits import Limit
from sync.database.engine import Database
from sync.discovery import contact_discovery
from sync.errors import Refused, TooManyTries
from sync.sharing.preferences import NOBODY
from tests.support.factories import connect, person, put, vcard
from tests.support.meeting import SENDING, block, prefer

PHONE, EMAIL = "+8613800138111", "dora@example.org"


#: A server in China.
SETTINGS = SENDING


@pytest.fixture
def dora(database: Database) -> int:
    """Dora, who proved a number and an address."""
    dora = person(database, "dora")
    database.write(lambda session: addresses.add(session, dora, addresses.SMS, PHONE))
    database.write(lambda session: addresses.add(session, dora, addresses.EMAIL, EMAIL))
    prefer(database, dora, found_by_phone=True)
    return dora


@pytest.fixture
def anna(database: Database, dora: int) -> int:
    """Anna, in whose phone book Dora is twice."""
    anna = listed(database, "anna", "+8613800138222")
    put(database, anna, "1.vcf", vcard("1", "TEL;TYPE=cell:138 0013 8111", name="Dora from school"))
    put(database, anna, "2.vcf", vcard("2", "item1.EMAIL:Dora@Example.org", "TEL:nonsense", name="Dora (mail)"))
    put(database, anna, "3.vcf", vcard("3", "TEL:+1 202 555 0100", name="Dentist"))
    return anna


def listed(database: Database, login: str, number: str) -> int:
    """Make somebody who is found by a number and by an address."""
    account_id = person(database, login)
    database.write(lambda session: addresses.add(session, account_id, addresses.SMS, number))
    database.write(lambda session: addresses.add(session, account_id, addresses.EMAIL, f"{login}@example.org"))
    prefer(database, account_id, found_by_phone=True)
    return account_id


def known(database: Database, viewer_id: int) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (each.found.login, each.names) for each in contact_discovery.contacts_here(database, viewer_id, "192.0.2.1")
    ]


def test_who_is_here_is_listed_under_the_names_of_the_phone(database: Database, anna: int) -> None:
    assert known(database, anna) == [("dora", ("Dora (mail)", "Dora from school"))]


def test_nobody_is_listed_by_what_they_do_not_want_to_be_found_by(database: Database, anna: int, dora: int) -> None:
    prefer(database, dora, found_by_phone=False)
    assert known(database, anna) == [("dora", ("Dora (mail)",))]
    prefer(database, dora, found_by_email=False)
    assert known(database, anna) == []


def test_who_looks_is_on_the_list(database: Database, anna: int) -> None:
    """By numbers only who is found by a number, by addresses only who is found by one, and else nobody."""
    prefer(database, anna, found_by_phone=False)
    assert known(database, anna) == [("dora", ("Dora (mail)",))]
    prefer(database, anna, found_by_phone=True, found_by_email=False)
    assert known(database, anna) == [("dora", ("Dora from school",))]
    for hidden in ({"found_by_phone": False}, {"found_by_phone": True, "connecting": NOBODY}):
        prefer(database, anna, **hidden)
        with pytest.raises(Refused):
            known(database, anna)


def test_numbers_cannot_be_tried_by_the_thousand(database: Database, anna: int, dora: int) -> None:
    """However many contacts somebody makes up, so many of them are looked for in a week, and no more."""
    lines = [f"TEL:+86139{number:08}" for number in range(400)]
    for book in range(5):
        put(database, anna, f"x{book}.vcf", vcard(f"x{book}", *lines[book * 80 : book * 80 + 80], name="Made up"))
    looked = 0
    for _ in range(10):
        try:
            known(database, anna)
        except TooManyTries:
            break
        looked += len(lines)
    assert looked <= contact_discovery.LOOKUPS.tries <= 1_500


def test_who_blocked_is_not_listed(database: Database, anna: int, dora: int) -> None:
    block(database, dora, anna)
    assert known(database, anna) == []


def test_who_is_connected_already_is_not_listed(database: Database, anna: int, dora: int) -> None:
    connect(database, anna, dora)
    assert known(database, anna) == []


def test_a_number_that_nobody_proved_finds_nobody(database: Database, anna: int, dora: int) -> None:
    database.write(lambda session: addresses.remove(session, dora, addresses.SMS, PHONE))
    assert known(database, anna) == [("dora", ("Dora (mail)",))]


def test_every_number_and_address_is_counted(database: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_discovery, "LOOKUPS", Limit("contacts", 6, 3600))
    assert known(database, anna)
    assert known(database, anna)
    with pytest.raises(TooManyTries):
        known(database, anna)


def test_a_source_is_counted_whoever_asks(database: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_discovery, "LOOKUPS_OF_SOURCE", Limit("contacts from", 3, 3600))
    other = listed(database, "otto", "+8613800138333")
    put(database, other, "1.vcf", vcard("1", "TEL:+1 202 555 0101"))
    assert known(database, anna)
    with pytest.raises(TooManyTries):
        known(database, other)
