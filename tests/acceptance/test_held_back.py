"""Changes wait for a synchronous standby that is not there: whoever asked for them is told, and nothing else waits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import radicale.config
from sqlalchemy import select, text

from radicale_plugin.server.checking import trials
from radicale_plugin.server.checking.finding import Installation
from sync.database.engine import Database
from sync.errors import DatabaseHeldBack
from sync.models import Entry
from sync.pipeline import held_back
from sync.pipeline.held_back import Synchronous
from tests.support import clusters, factories
from tests.support.clusters import Cluster
from tests.support.server import PATIENCE
from tests.support.waiting import until

NAMES = ("before.vcf", "doubtful.vcf", "refused.vcf", "after.vcf", "one.vcf")
ABOUT = "synchronous_standby_names"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Cluster, Cluster]]:
    """Run a primary, and a standby without which it acknowledges nothing."""
    with clusters.synchronous() as both:
        database = Database(both[0].url)
        until(lambda: Synchronous.of(database.quick) == Synchronous(1), PATIENCE)
        database.migrate()
        database.dispose()
        yield both


@pytest.fixture
def hurried(pair: tuple[Cluster, Cluster], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database of the two, whose commits are late after a second; in the end, the standby is there again."""
    database = Database(pair[0].url)
    monkeypatch.setattr(held_back, "LATE", 1.0)
    monkeypatch.setattr(held_back, "AGAIN", 0.2)
    yield database
    pair[1].kill()
    pair[1].start(wal_retrieve_retry_interval="100ms")
    until(lambda: Synchronous.of(database.quick) == Synchronous(1), PATIENCE)
    database.dispose()


def names(database: Database, viewer_id: int) -> list[str]:
    """Return the names of what was stored in somebody's address book, as everybody who asks gets it."""
    with database.reading() as session:
        found = select(Entry.href).where(Entry.viewer_id == viewer_id, Entry.href.in_(NAMES))
        return sorted(session.scalars(found))


def store(database: Database, viewer_id: int, name: str) -> float:
    """Store a card, which must be refused because of a standby; return after how many seconds it was."""
    began = time.monotonic()
    with pytest.raises(DatabaseHeldBack):
        factories.put(database, viewer_id, name, factories.vcard(name))
    return time.monotonic() - began


def test_what_waits_for_a_standby_is_seen_by_nobody_and_soon_keeps_nobody_waiting(
    pair: tuple[Cluster, Cluster], hurried: Database
) -> None:
    _, standby = pair
    anna = factories.person(hurried, "anna")
    factories.put(hurried, anna, "before.vcf", factories.vcard("before"))
    hurried.check()
    assert Synchronous.of(hurried.quick) == Synchronous(1)
    standby.kill()
    assert 1 <= store(hurried, anna, "doubtful.vcf") < PATIENCE
    assert store(hurried, anna, "refused.vcf") < 1
    with pytest.raises(DatabaseHeldBack):
        hurried.check()
    with pytest.raises(DatabaseHeldBack), hurried.writing():
        pass
    assert names(hurried, anna) == ["before.vcf"]
    until(lambda: Synchronous.of(hurried.quick) == Synchronous(0))
    standby.start(wal_retrieve_retry_interval="100ms")

    def is_stored() -> bool:
        with contextlib.suppress(DatabaseHeldBack):
            factories.put(hurried, anna, "after.vcf", factories.vcard("after"))
            return True
        return False

    until(is_stored, PATIENCE)
    assert names(hurried, anna) == ["after.vcf", "before.vcf", "doubtful.vcf"], "the wait went on"


def test_a_commit_that_somebody_kept_from_waiting_is_not_acknowledged(
    pair: tuple[Cluster, Cluster], hurried: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since it is made on the primary alone."""
    _, standby = pair
    anna = factories.person(hurried, "ben")
    monkeypatch.setattr(held_back, "LATE", 600.0)
    standby.kill()
    alone = hurried.engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as administrator, ThreadPoolExecutor(1) as threads:
        stored = threads.submit(store, hurried, anna, "one.vcf")
        waiting = text("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        until(lambda: administrator.execute(waiting).first() is not None)
        assert stored.result(PATIENCE) > 0
    assert names(hurried, anna) == ["one.vcf"]


def test_a_check_says_that_changes_wait_as_far_as_its_user_can_see(
    pair: tuple[Cluster, Cluster], hurried: Database
) -> None:
    primary, standby = pair
    hurried.write(lambda session: session.execute(text("CREATE ROLE plain LOGIN")))
    plain = Database(primary.url.replace("evercard@", "plain@"))

    def found(database: Database) -> list[tuple[str, str]]:
        installation = Installation(None, radicale.config.load(), {}, "", database)
        return [(each.level.value, each.about) for each in trials.synchronous(installation)]

    assert (found(hurried), found(plain)) == ([("good", ABOUT)], [("doubtful", ABOUT)])
    standby.kill()
    until(lambda: found(hurried) == [("wrong", ABOUT)])
    assert found(plain) == [("wrong", ABOUT)]
    with hurried.engine.connect() as connection:
        connection.execute(text("SET synchronous_commit = local"))
        assert Synchronous.of(lambda asked, _: tuple(connection.execute(text(asked)).one())) is None
    plain.dispose()
