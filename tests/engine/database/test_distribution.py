"""What is done otherwise where the tables are spread over several machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, text

from sync import jobs
from sync.database.distribution import Looks
from sync.database.engine import Database
from sync.disclosure import disclosure_thinning
from sync.ends import carrying
from sync.household import following
from sync.models import NextEnd, now
from sync.revisions import address_books, fan_out
from sync.revisions.shared_fields import HOUSEHOLD
from tests.support.distribution import distributed
from tests.support.factories import connected, crowd, field, group, pending, person, revisions, seen, set_field
from tests.support.statements import sent

on_postgresql = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)


@pytest.fixture
def spread(database: Database) -> Iterator[Database]:
    """A database whose tables are spread."""
    with distributed(database):
        yield database


def test_a_database_is_on_one_machine_unless_it_says_otherwise(database: Database) -> None:
    assert not database.is_distributed


@on_postgresql
def test_settings_of_a_transaction_are_told_to_every_machine(spread: Database) -> None:
    anna, ben = connected(spread, "anna", "ben")
    with sent(spread.engine) as statements:
        spread.write(lambda session: address_books.raise_revisions(session, [anna, ben], now()))
    assert statements[:4] == [
        "SET LOCAL citus.propagate_set_commands TO 'local'",
        "SET LOCAL enable_seqscan TO 'off'",
        "SET LOCAL enable_bitmapscan TO 'off'",
        "SET LOCAL plan_cache_mode TO 'force_custom_plan'",
    ]
    with sent(spread.engine) as statements:
        spread.write_if_free(lambda session: session.execute(text("SELECT 1")))
    assert statements[:2] == [
        "SET LOCAL citus.propagate_set_commands TO 'local'",
        "SET LOCAL lock_timeout TO '200'",
    ]


@on_postgresql
def test_one_machine_is_asked_once_for_all_settings_of_a_transaction(database: Database) -> None:
    anna, ben = connected(database, "anna", "ben")
    with sent(database.engine) as statements:
        database.write(lambda session: address_books.raise_revisions(session, [anna, ben], now()))
    assert [each for each in statements if "set_config" in each or each.startswith("SET")] == statements[:1]


def test_a_change_reaches_nobody_on_another_machine_by_itself(spread: Database) -> None:
    """Which may be out of reach: the worker tells them."""
    owner = person(spread)
    phone = field(spread, owner)
    viewers = crowd(spread, owner, 3, [group(spread, owner, "family", granted=[phone])])
    fan_out.work(spread)
    before = revisions(spread, viewers)
    set_field(spread, owner, phone, "+86 139 0000 0000")
    assert revisions(spread, viewers) == before
    assert pending(spread) == 1
    assert fan_out.work(spread) == 3
    assert revisions(spread, viewers) == {viewer: revision + 1 for viewer, revision in before.items()}
    assert {frozenset(seen(spread, viewer, owner)) for viewer in viewers} == {frozenset({"+86 139 0000 0000"})}


def test_the_worker_takes_the_lock_of_whose_change_it_carries_before_it_tells_anybody(spread: Database) -> None:
    """Whoever has it knows that the change is there, where machines commit one after the other."""
    owner = person(spread)
    phone = field(spread, owner)
    crowd(spread, owner, 3, [group(spread, owner, "family", granted=[phone])])
    fan_out.work(spread)
    set_field(spread, owner, phone, "+86 139 0000 0000")
    [claim] = fan_out._claim_one(spread, spread.buckets.numbers)
    with sent(spread.engine) as statements:
        spread.write(lambda session: fan_out.carry(session, claim))
    assert statements[0].startswith("SELECT profile.version")
    assert ("FOR UPDATE" in statements[0]) != spread.is_sqlite


def test_a_look_asks_one_machine_for_all_buckets() -> None:
    looks = Looks(lambda: range(16), lambda: False)
    assert [list(looks.next()) for _ in range(3)] == [list(range(16))] * 3


def test_looks_ask_one_of_several_machines_after_the_other() -> None:
    looks = Looks(lambda: range(16), lambda: True, iter(range(100)).__next__)
    assert list(looks.next()) == list(range(16))
    assert {bucket for _ in range(16) for bucket in looks.next()} == set(range(16))
    assert all(len(looks.next()) == 1 for _ in range(16))


def test_after_a_hint_a_look_asks_all_machines_but_not_for_each_hint() -> None:
    looks = Looks(lambda: range(16), lambda: True, iter([0.0, 0.1, 0.2, 1.0, 3.0]).__next__)
    asked = [len(looks.next())]
    for _ in range(3):
        looks.hint()
        asked.append(len(looks.next()))
    assert [*asked, len(looks.next())] == [16, 1, 1, 16, 1]


def test_what_is_in_no_buckets_is_looked_for_when_there_was_a_hint_and_seldom_without() -> None:
    here = Looks(lambda: range(16), lambda: False)
    assert [here.is_time() for _ in range(3)] == [True] * 3
    looks = Looks(lambda: range(16), lambda: True, iter([0.0, 0.1, 0.9, 1.0, 1.1, 8.9, 9.0, 9.1, 17.0]).__next__)
    assert looks.is_time()
    looks.hint()
    assert [looks.is_time() for _ in range(8)] == [False, False, True, False, False, True, False, True]


def test_a_worker_does_what_is_in_the_buckets_that_it_looks_into(spread: Database) -> None:
    owner = person(spread)
    at, bucket = now(), spread.buckets.of(owner)
    others = [each for each in spread.buckets.numbers if each != bucket]
    spread.write(lambda session: jobs.ask(session, HOUSEHOLD, owner, at))
    spread.write(lambda session: jobs.ask(session, disclosure_thinning.THINNING, owner, at))
    over = insert(NextEnd).values(bucket=bucket, owner_id=owner, due_at=at, ask_at=None)
    spread.write(lambda session: session.execute(over))
    for work in (following.work, disclosure_thinning.work, carrying.work):
        assert [work(spread, buckets=each) for each in (others, [bucket], [bucket])] == [0, 1, 0]
