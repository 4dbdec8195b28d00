"""The numbers of buckets: those that lead PostgreSQL's hash to the machine of whom a row is about."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text

from sync.database.engine import Database
from sync.models.buckets import BUCKETS, BY_ID, BY_RANGE, RANGES, _hash, range_of

on_postgresql = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
EDGES = (0, 1, -1, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**63 - 1, -(2**63), -(2**32))
#: They are in rows: never another.
FIXED = [
    *(20, 25, 31, 24, 35, 48, 53, 50, 54, 17, 16, 85, 36, 19, 37, 91),
    *(52, 62, 136, 28, 38, 21, 39, 43, 32, 27, 58, 41, 23, 22, 29, 18),
]


def some_ids(count: int) -> list[int]:
    """Return random ids, the same each time."""
    made = random.Random(7)
    return [made.randrange(1, 2**63) for _ in range(count)]


@on_postgresql
def test_the_hash_is_postgresqls_for_wide_and_narrow_numbers(database: Database) -> None:
    numbers = [*some_ids(1000), *EDGES, *range(200)]
    hashes = text("SELECT number, hashint8(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")
    narrow = text("SELECT number, hashint4(number) FROM unnest(CAST(:numbers AS int[])) AS number")
    with database.engine.connect() as connection:
        found = [
            *connection.execute(hashes, {"numbers": numbers}),
            *connection.execute(narrow, {"numbers": [*range(-200, 200)]}),
        ]
    assert len(found) == len(numbers) + 400
    assert [(number, hashed % 2**32) for number, hashed in found] == [(number, _hash(number)) for number, _ in found]


@on_postgresql
def test_a_bucket_is_in_the_range_of_whom_it_is_of(database: Database) -> None:
    """As PostgreSQL hashes both, and Citus cuts all hashes into ranges."""
    owners = some_ids(1000)
    pairs = {"owners": owners, "buckets": [BY_RANGE.of(each) for each in owners]}
    ranges = ", ".join(f"(CAST(hashint8({each}) AS bigint) + 2147483648) / {2**32 // RANGES}" for each in ("o", "b"))
    given = "unnest(CAST(:owners AS bigint[]), CAST(:buckets AS bigint[])) AS given (o, b)"
    with database.engine.connect() as connection:
        found = connection.execute(text(f"SELECT {ranges} FROM {given}"), pairs).all()  # noqa: S608 - of this file
    assert len(found) == len(owners)
    assert all(one == other for one, other in found)
    assert {one for one, _ in found} == set(range(RANGES))
    assert [one for one, _ in found] == [range_of(each) for each in owners]


def test_the_numbers_never_change_and_none_is_one_of_both_kinds() -> None:
    assert list(BY_RANGE.numbers) == FIXED
    assert [range_of(number) for number in BY_RANGE.numbers] == list(range(RANGES))
    assert list(BY_ID.numbers) == list(range(BUCKETS))
    assert not set(BY_ID.numbers) & set(BY_RANGE.numbers)
    for each in some_ids(100):
        assert BY_ID.of(each) == each % 16
        assert BY_RANGE.of(each) in BY_RANGE.numbers


def test_whoever_is_on_one_machine_keeps_the_buckets_that_they_had(database: Database) -> None:
    assert database.buckets is BY_ID
