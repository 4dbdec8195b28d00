"""Credentials: who is let in, with what, and from when on no longer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest
from sqlalchemy import select, update

from sync.accounts import registration, slow_hash
from sync.database import server_keys
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound
from sync.models import Account, Device, LoginName, ServerSecret
from sync.revisions import address_books
from sync.settings import Limits, Settings
from sync.sign_in import credentials, device_passwords
from sync.sign_in.credentials import Caller, Gate
from tests.support.factories import book, person
from tests.support.people import Person, register
from tests.support.statements import sent


@pytest.fixture
def anna(database: Database) -> Person:
    """Anna, who has one device."""
    return register(database, "anna")


@pytest.fixture
def gate(database: Database, anna: Person) -> Gate:
    """The gate of one process."""
    return Gate(database)


def admitted(gate: Gate, person: Person) -> Caller:
    caller = gate.admit(person.login, person.password)
    assert caller is not None
    return caller


def device_of(database: Database, person: Person) -> Device:
    with database.reading() as session:
        return credentials.devices(session, person.id)[0]


def test_a_device_is_let_in_with_its_password(database: Database, gate: Gate, anna: Person) -> None:
    caller = admitted(gate, anna)
    assert (caller.account_id, caller.login) == (anna.id, "anna")
    assert caller.contacts == book(database, anna.id)
    assert caller.device_id == device_of(database, anna).id


def test_the_state_of_the_book_is_that_of_the_moment(database: Database, gate: Gate, anna: Person) -> None:
    admitted(gate, anna)
    database.write(lambda session: address_books.set_title(session, book(database, anna.id), "Friends"))
    database.write(lambda session: address_books.raise_revisions(session, [anna.id], 1))
    assert admitted(gate, anna).contacts == book(database, anna.id)
    assert admitted(gate, anna).title == "Friends"


@pytest.mark.parametrize("write", [str.upper, lambda text: text.replace("-", ""), lambda text: text.replace("-", " ")])
def test_a_password_may_be_typed_as_a_person_types(gate: Gate, anna: Person, write: Callable[[str], str]) -> None:
    assert gate.admit(anna.login, write(anna.password)) is not None
    assert gate.admit(anna.login.upper(), f" {anna.password} ") is not None


def test_a_password_has_eight_groups_of_four_letters_that_nobody_mistakes(anna: Person) -> None:
    assert [len(part) for part in anna.password.split("-")] == [4] * 8
    assert not set(anna.password) & set("01lo")


def test_a_password_follows_from_its_seed_and_lets_in_no_second_device(
    database: Database, gate: Gate, anna: Person
) -> None:
    with database.reading() as session:
        assert credentials.made_with(session, anna.id, "seed") is None
    made = database.write(lambda session: credentials.add_device(session, anna.id, "phone", "seed"))
    with pytest.raises(AlreadyExists):
        database.write(lambda session: credentials.add_device(session, anna.id, "another", "seed"))
    with database.reading() as session:
        assert credentials.made_with(session, anna.id, "seed") == (*made, False, False)
        assert len(credentials.devices(session, anna.id)) == 2
    caller = gate.admit(anna.login, made[1])
    assert caller is not None
    gate.note_use(caller)
    gate.notes.flush()
    database.write(lambda session: credentials.revoke_device(session, anna.id, made[0]))
    with database.reading() as session:
        assert credentials.made_with(session, anna.id, "seed") == (*made, True, True)


def test_a_seed_whose_device_would_have_the_id_of_another_gets_another_one(
    database: Database, gate: Gate, anna: Person
) -> None:
    key = database.write(lambda session: server_keys.key_for(session, device_passwords.PURPOSE))
    _password, taken = device_passwords.made_of("seed", anna.id, 0, key)
    values = {"label": "other", "secret_hash": b"x" * 32, "created_at": 1, "synced_revision": 0}
    database.write(lambda session: session.add(Device(viewer_id=anna.id, id=taken.device_id, **values)))
    device_id, password = database.write(lambda session: credentials.add_device(session, anna.id, "phone", "seed"))
    assert device_id != taken.device_id
    assert gate.admit(anna.login, password) is not None
    with database.reading() as session:
        assert credentials.made_with(session, anna.id, "seed") == (device_id, password, False, False)


@pytest.mark.parametrize(
    "password",
    ["", "secret", "a" * 32, "a" * 31, "a" * 33, "0" * 32, "\0" * 32, "ä" * 32, "-" * 32, "\ud800" * 32, "a" * 100_000],
)
def test_a_wrong_password_lets_nobody_in(gate: Gate, anna: Person, password: str) -> None:
    assert gate.admit(anna.login, password) is None


def test_every_letter_of_a_password_counts(gate: Gate, anna: Person) -> None:
    bare = anna.password.replace("-", "")
    for at, letter in enumerate(bare):
        other = "a" if letter != "a" else "b"
        assert gate.admit(anna.login, bare[:at] + other + bare[at + 1 :]) is None


def test_a_password_is_of_one_person(database: Database, gate: Gate, anna: Person) -> None:
    bert = register(database, "bert")
    assert gate.admit("bert", anna.password) is None
    assert gate.admit("anna", bert.password) is None


@pytest.mark.parametrize("login", ["", "nobody", "an na", "anna\0", "\0", "\ud800", "ANNÄ", "a" * 100_000, "anna/"])
def test_an_impossible_login_is_refused_like_an_unknown_one(gate: Gate, anna: Person, login: str) -> None:
    assert gate.admit(login, anna.password) is None


def test_a_revoked_device_is_out_from_its_next_request_on(database: Database, gate: Gate, anna: Person) -> None:
    _, other = database.write(lambda session: credentials.add_device(session, anna.id, "Tablet"))
    device_id = admitted(gate, anna).device_id
    database.write(lambda session: credentials.revoke_device(session, anna.id, device_id))
    assert gate.admit(anna.login, anna.password) is None
    assert gate.admit(anna.login, other) is not None
    with pytest.raises(NotFound):
        database.write(lambda session: credentials.revoke_device(session, anna.id, device_id))


def test_a_closed_account_is_out_from_the_next_request_on(database: Database, gate: Gate, anna: Person) -> None:
    admitted(gate, anna)
    database.write(lambda session: registration.set_disabled(session, anna.id, disabled=True))
    assert gate.admit(anna.login, anna.password) is None
    database.write(lambda session: registration.set_disabled(session, anna.id, disabled=False))
    admitted(gate, anna)


def test_a_login_that_another_person_has_by_now_is_looked_up_again(
    database: Database, gate: Gate, anna: Person
) -> None:
    admitted(gate, anna)
    bert = register(database, "bert")

    def swap(session: Session) -> None:
        session.execute(update(Account).where(Account.id == anna.id).values(login="anna.old"))
        session.execute(update(Account).where(Account.id == bert.id).values(login="anna"))
        session.execute(update(LoginName).where(LoginName.name == "anna").values(account_id=bert.id))

    database.write(swap)
    assert gate.admit("anna", anna.password) is None
    assert gate.admit("anna", bert.password) is not None


def test_a_poll_is_one_statement_and_writes_nothing(database: Database, gate: Gate, anna: Person) -> None:
    admitted(gate, anna)
    gate.note_use(admitted(gate, anna))
    assert gate.notes.flush()
    with sent(database.engine) as statements:
        caller = admitted(gate, anna)
        gate.note_use(caller)
        gate.note_sync(caller, caller.synced_revision)
        gate.notes.flush()
    assert statements == []


def test_the_use_of_a_device_is_noted_once_an_hour(database: Database, gate: Gate, anna: Person) -> None:
    assert device_of(database, anna).last_used_at is None
    gate.note_use(admitted(gate, anna))
    gate.notes.flush()
    noted = device_of(database, anna).last_used_at
    assert noted is not None
    long_ago = noted - credentials.LAST_USE_PRECISION
    for earlier in (long_ago + 2, long_ago, noted + 2 * credentials.LAST_USE_PRECISION):
        database.write(lambda session, at=earlier: session.execute(update(Device).values(last_used_at=at)))  # type: ignore[misc]
        gate.note_use(admitted(gate, anna))
        gate.notes.flush()
        after = device_of(database, anna).last_used_at
        assert after is not None
        assert (after == earlier) == (earlier == long_ago + 2)


def test_what_a_device_was_given_is_noted(database: Database, gate: Gate, anna: Person) -> None:
    gate.note_sync(admitted(gate, anna), 7)
    gate.notes.flush()
    device = device_of(database, anna)
    assert (device.synced_revision, admitted(gate, anna).synced_revision) == (7, 7)
    assert device.synced_at is not None


def test_a_password_is_stored_nowhere(database: Database, anna: Person) -> None:
    stored = device_of(database, anna).secret_hash
    assert len(stored) == 32
    assert anna.password.replace("-", "")[6:].encode() not in stored


def test_the_key_of_the_hashes_is_the_databases_and_outlives_a_process(database: Database, anna: Person) -> None:
    with database.reading() as session:
        (kept,) = session.scalars(select(ServerSecret.value)).all()
        assert server_keys.server_key(session) == kept
    assert Gate(database).admit(anna.login, anna.password) is not None


def test_a_secret_in_the_settings_replaces_the_databases_key(database_url: str, anna: Person) -> None:
    other = Database(database_url, Settings(secret="only the administrator knows"))
    try:
        assert Gate(other).admit(anna.login, anna.password) is None
        _, password = other.write(lambda session: credentials.add_device(session, anna.id, "Tablet"))
        assert Gate(other).admit(anna.login, password) is not None
    finally:
        other.dispose()


def test_a_device_has_a_label_on_one_line(database: Database, anna: Person) -> None:
    device_id, _ = database.write(lambda session: credentials.add_device(session, anna.id, " Anna's\n\0 phone "))
    with database.reading() as session:
        labels = {device.id: device.label for device in credentials.devices(session, anna.id)}
    assert labels[device_id] == "Anna's phone"


@pytest.mark.parametrize("label", ["", " \n", "\0", "x" * 101])
def test_a_device_needs_a_label(database: Database, anna: Person, label: str) -> None:
    with pytest.raises(InvalidInput):
        database.write(lambda session: credentials.add_device(session, anna.id, label))


def test_nobody_has_no_device(database: Database) -> None:
    with pytest.raises(NotFound):
        database.write(lambda session: credentials.add_device(session, 1, "Phone"))


def test_revoked_devices_do_not_count_against_the_limit(database_url: str) -> None:
    database = Database(database_url, Settings(limits=Limits(devices=2)))
    try:
        anna = person(database)
        first, _ = database.write(lambda session: credentials.add_device(session, anna, "One"))
        database.write(lambda session: credentials.add_device(session, anna, "Two"))
        with pytest.raises(LimitExceeded):
            database.write(lambda session: credentials.add_device(session, anna, "Three"))
        database.write(lambda session: credentials.revoke_device(session, anna, first))
        database.write(lambda session: credentials.add_device(session, anna, "Three"))
        with database.reading() as session:
            assert [device.revoked_at is None for device in credentials.devices(session, anna)].count(True) == 2
    finally:
        database.dispose()


def test_another_persons_device_cannot_be_revoked(database: Database, gate: Gate, anna: Person) -> None:
    bert = person(database, "bert")
    with pytest.raises(NotFound):
        database.write(lambda session: credentials.revoke_device(session, bert, admitted(gate, anna).device_id))
    admitted(gate, anna)


PASSWORD = "correct horse battery"


def checked(database: Database, login: str, password: str) -> int | None:
    with database.reading() as session:
        return credentials.check_password(session, login, password)


def test_the_portals_password_is_checked(database: Database, anna: Person) -> None:
    database.write(lambda session: credentials.set_password(session, anna.id, PASSWORD))
    assert checked(database, " Anna ", PASSWORD) == anna.id
    assert checked(database, "anna", PASSWORD + " ") is None
    assert checked(database, "bert", PASSWORD) is None
    database.write(lambda session: credentials.set_password(session, anna.id, PASSWORD * 2))
    assert checked(database, "anna", PASSWORD) is None


def test_the_portals_password_opens_no_device_and_the_other_way_round(
    database: Database, gate: Gate, anna: Person
) -> None:
    assert checked(database, "anna", anna.password) is None
    database.write(lambda session: credentials.set_password(session, anna.id, PASSWORD))
    assert gate.admit("anna", PASSWORD) is None
    assert checked(database, "anna", anna.password) is None


def test_a_closed_account_has_no_password_that_works(database: Database, anna: Person) -> None:
    database.write(lambda session: credentials.set_password(session, anna.id, PASSWORD))
    database.write(lambda session: registration.set_disabled(session, anna.id, disabled=True))
    assert checked(database, "anna", PASSWORD) is None


def test_a_short_password_is_refused(database: Database, anna: Person) -> None:
    with pytest.raises(InvalidInput):
        database.write(lambda session: credentials.set_password(session, anna.id, "x" * 9))
    with pytest.raises(NotFound):
        database.write(lambda session: credentials.set_password(session, 1, PASSWORD))


@pytest.mark.parametrize("login", ["anna", "nobody", "without", "closed", "a\0b", ""])
def test_every_failed_check_of_a_password_costs_one_slow_hash(
    database: Database, anna: Person, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that nobody has, one without a password and a closed one take the time that a wrong password takes."""
    register(database, "without")
    closed = register(database, "closed")
    for owner in (anna, closed):
        database.write(lambda session, owner=owner: credentials.set_password(session, owner.id, PASSWORD))  # type: ignore[misc]
    database.write(lambda session: registration.set_disabled(session, closed.id, disabled=True))
    costs: list[argon2.Parameters] = []
    verify = argon2.PasswordHasher.verify

    def watched(hasher: argon2.PasswordHasher, stored: str, password: str) -> bool:
        costs.append(argon2.extract_parameters(stored))
        return verify(hasher, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    assert checked(database, login, "wrong") is None
    assert costs == [argon2.extract_parameters(slow_hash.nobodys())]


def test_two_processes_that_start_at_once_have_one_key(database_url: str, database: Database) -> None:
    other = Database(database_url)
    try:
        with ThreadPoolExecutor() as pool:
            keys = set(pool.map(lambda each: Gate(each)._key, [database, other] * 4))
    finally:
        other.dispose()
    assert len(keys) == 1
