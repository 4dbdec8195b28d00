"""Allowances: nobody gets more than there is, whoever comes at once, and what was taken comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from sync.accounts import rate_limits
from sync.accounts.rate_limits import Limit, source, take
from sync.database.engine import Database
from sync.errors import TooManyTries
from sync.models import RateLimit
from tests.support.statements import sent

LIMIT = Limit("test", 3, 30)


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds pass, forwards or backwards; no other time does."""
    at = [1_800_000_000_000]
    monkeypatch.setattr(rate_limits, "_milliseconds", lambda: at[0])

    def go_on(seconds: float) -> None:
        at[0] += round(seconds * 1000)

    return go_on


def tried(database: Database, *who: str, limit: Limit = LIMIT) -> int:
    """Try once; return 0 where that was allowed, else the seconds until the next try."""
    try:
        database.write(lambda session: take(session, limit, *who))
    except TooManyTries as error:
        return error.seconds
    return 0


@pytest.mark.usefixtures("pass_time")
def test_there_are_so_many_tries_and_no_more(database: Database) -> None:
    assert [tried(database, "anna") for _ in range(5)] == [0, 0, 0, 10, 10]


@pytest.mark.usefixtures("pass_time")
def test_nobody_takes_from_anybody_else(database: Database) -> None:
    other = Limit("other", 1, 30)
    for _ in range(3):
        assert tried(database, "anna") == 0
    assert tried(database, "anna") > 0
    assert tried(database, "bert") == 0
    assert tried(database, "an", "na") == 0
    assert tried(database, "anna", limit=other) == 0
    assert tried(database) == 0


def test_a_try_comes_back_after_its_share_of_the_period(database: Database, pass_time: Callable[[float], None]) -> None:
    for _ in range(3):
        tried(database)
    pass_time(9.999)
    assert tried(database) == 1
    pass_time(0.001)
    assert tried(database) == 0
    assert tried(database) == 10
    pass_time(30)
    assert [tried(database) for _ in range(4)] == [0, 0, 0, 10]


def test_to_be_refused_costs_nothing(database: Database, pass_time: Callable[[float], None]) -> None:
    for _ in range(50):
        tried(database)
    pass_time(10)
    assert tried(database) == 0


def test_of_several_allowances_all_are_taken_or_none(database: Database) -> None:
    one = Limit("one", 1, 3600)

    def both(session: object) -> None:
        take(session, LIMIT, "anna")  # type: ignore[arg-type]
        take(session, one)  # type: ignore[arg-type]

    database.write(both)
    for _ in range(5):
        with pytest.raises(TooManyTries):
            database.write(both)
    assert [tried(database, "anna") > 0 for _ in range(3)] == [False, False, True]


def test_a_clock_that_was_wrong_shuts_nobody_out(database: Database, pass_time: Callable[[float], None]) -> None:
    pass_time(365 * 86_400)
    for _ in range(3):
        tried(database)
    pass_time(-365 * 86_400)
    assert [tried(database) for _ in range(4)] == [0, 0, 0, 10]


def test_two_at_once_never_get_more_than_there_is(database: Database) -> None:
    limit = Limit("crowd", 7, 36_000)
    threads = 6
    barrier = threading.Barrier(threads)

    def several() -> int:
        barrier.wait()
        return sum(tried(database, "everybody", limit=limit) == 0 for _ in range(4))

    with ThreadPoolExecutor(threads) as pool:
        allowed = sum(pool.map(lambda _: several(), range(threads)))
    assert allowed == limit.tries


def test_a_try_is_one_statement(database: Database) -> None:
    with sent(database.engine) as statements:
        assert tried(database) == 0
        assert tried(database) == 0
    assert len(statements) == 2


def test_what_is_whole_again_is_dropped(database: Database, pass_time: Callable[[float], None]) -> None:
    tried(database, "anna")
    pass_time(5)
    tried(database, "bert")
    pass_time(5)
    assert database.write(rate_limits.purge) == 1
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(RateLimit)).one() == 1


def test_any_text_can_say_who_tries(database: Database) -> None:
    for who in ("", "\0", "\ud800", "名" * 10_000):
        assert tried(database, who) == 0
    assert tried(database, "", "") == 0


def test_who_tries_is_told_how_long_to_wait() -> None:
    said = {seconds: str(TooManyTries(seconds)).partition(" in ")[2] for seconds in (1, 60, 61, 3600, 3601, 86_400)}
    assert said == {
        1: "1 second.",
        60: "60 seconds.",
        61: "2 minutes.",
        3600: "60 minutes.",
        3601: "2 hours.",
        86_400: "24 hours.",
    }


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8:0:0:ffff::2"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("", "somewhere"),
        ("", "192.0.2.256"),
    ],
)
def test_one_customer_is_one_source(address: str, same: str) -> None:
    assert source(address) == source(same)


def test_two_customers_are_two_sources() -> None:
    addresses = ("192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:0:1::", "unknown")
    assert len({source(address) for address in addresses}) == len(addresses)


@given(st.text())
def test_any_text_is_from_somewhere(address: str) -> None:
    assert source(address)


def test_several_tries_are_taken_at_once_or_none(database: Database, pass_time: Callable[[float], None]) -> None:
    def taken(tries: int) -> int:
        try:
            database.write(lambda session: take(session, LIMIT, "anna", tries=tries))
        except TooManyTries as error:
            return error.seconds
        return 0

    assert taken(4) == 30
    assert taken(2) == 0
    assert taken(2) == 10
    assert taken(1) == 0
    pass_time(20)
    assert taken(3) == 10
    assert taken(2) == 0
