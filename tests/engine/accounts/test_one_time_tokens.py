"""Tickets: each opens what it was made for, once, for its time, and nothing that somebody made up opens anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert

from sync.accounts import one_time_tokens
from sync.accounts.one_time_tokens import HOUR, Opened
from sync.database.engine import Database, Session
from sync.errors import InvalidOneTimeToken
from sync.models import Account, OneTimeToken
from tests.support.statements import sent


@pytest.fixture(autouse=True)
def seven(database: Database) -> None:
    """Let there be the person whom the links are for."""
    values = {"id": 7, "login": "anna", "created_at": 0}
    database.write(lambda session: session.execute(insert(Account).values(values)))


def issued(database: Database, purpose: str = "reset", lifetime: int = HOUR) -> str:
    return database.write(lambda session: one_time_tokens.issue(session, purpose, 7, {"to": "a"}, lifetime=lifetime))


def used(database: Database, token: str, purpose: str = "reset") -> Opened:
    return database.write(lambda session: one_time_tokens.use(session, purpose, token))


def code(database: Database, about: str = "+8613800138000", lifetime: int = HOUR) -> str:
    return database.write(
        lambda session: one_time_tokens.issue_code(session, "phone", 7, about, {"n": 1}, lifetime=lifetime)
    )


def typed(database: Database, text: str, account_id: int = 7, about: str = "+8613800138000") -> Opened | None:
    return database.write(lambda session: one_time_tokens.use_code(session, "phone", account_id, about, text))


def test_a_link_works_once(database: Database) -> None:
    token = issued(database)
    assert database.write(lambda session: one_time_tokens.peek(session, "reset", token)) == Opened(7, {"to": "a"})
    assert used(database, token) == Opened(7, {"to": "a"})
    with pytest.raises(InvalidOneTimeToken):
        used(database, token)
    with pytest.raises(InvalidOneTimeToken):
        database.write(lambda session: one_time_tokens.peek(session, "reset", token))


def test_of_many_who_use_a_link_at_once_one_succeeds(database: Database) -> None:
    token = issued(database)

    def attempt(_: int) -> bool:
        try:
            used(database, token)
        except InvalidOneTimeToken:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(attempt, range(6))) == [False] * 5 + [True]


def test_a_link_expires(database: Database) -> None:
    token = issued(database, lifetime=0)
    with pytest.raises(InvalidOneTimeToken):
        used(database, token)
    assert database.write(one_time_tokens.purge) == 1


def test_what_has_not_expired_is_kept(database: Database) -> None:
    token = issued(database)
    assert database.write(one_time_tokens.purge) == 0
    assert used(database, token).account_id == 7


def test_a_link_is_for_its_purpose(database: Database) -> None:
    token = issued(database, "confirm")
    with pytest.raises(InvalidOneTimeToken):
        used(database, token, "reset")
    assert used(database, token, "confirm").account_id == 7


def test_every_link_of_a_person_can_be_made_void(database: Database) -> None:
    token = issued(database)
    database.write(lambda session: one_time_tokens.forget(session, 7))
    with pytest.raises(InvalidOneTimeToken):
        used(database, token)


def test_a_link_that_was_made_up_never_reaches_the_table(database: Database) -> None:
    token = issued(database)
    for made_up in ("", ".", "é.ü", token[:-1], token + "A", "A" + token, token.partition(".")[0], "\ud800"):

        def attempt(session: Session, made_up: str = made_up) -> list[str]:
            with sent(session.get_bind()) as statements, pytest.raises(InvalidOneTimeToken):  # type: ignore[arg-type]
                one_time_tokens.use(session, "reset", made_up)
            return [statement for statement in statements if "ticket" in statement]

        assert database.write(attempt) == []


def test_secrets_are_stored_as_hashes_only(database: Database) -> None:
    token, digits = issued(database), code(database)
    with database.reading() as session:
        rows = [f"{row.digest} {row.values}" for row in session.query(OneTimeToken)]
    assert len(rows) == 2
    assert not any(token.partition(".")[0] in row or digits in row for row in rows)


def test_a_code_works_once_with_spaces_or_without(database: Database) -> None:
    digits = code(database)
    assert typed(database, f" {digits[:3]} {digits[3:]} ") == Opened(7, {"n": 1})
    assert typed(database, digits) is None


def test_a_code_is_for_one_account_and_one_address(database: Database) -> None:
    digits = code(database)
    assert typed(database, digits, account_id=8) is None
    assert typed(database, digits, about="+8613800138001") is None
    assert typed(database, digits)


def test_a_code_bears_few_wrong_tries(database: Database) -> None:
    digits = code(database)
    wrong = str((int(digits) + 1) % 10**one_time_tokens.CODE_LENGTH).zfill(one_time_tokens.CODE_LENGTH)
    for _ in range(one_time_tokens.CODE_TRIES):
        assert typed(database, wrong) is None
    assert typed(database, digits) is None


def test_a_new_code_makes_the_old_one_void(database: Database) -> None:
    old = code(database)
    new = code(database)
    if old != new:
        assert typed(database, old) is None
    assert typed(database, new)


def test_a_code_expires(database: Database) -> None:
    digits = code(database, lifetime=0)
    assert typed(database, digits) is None
