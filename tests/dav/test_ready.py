"""`/.health` says whether the database can be used, `/.ready` whether all is as it should be; neither says more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from radicale_plugin import settings
from radicale_plugin.server import metrics
from sync import gauges
from sync.database.engine import Database
from sync.models import Job, Message, now
from tests.support.site import PLUGINS, Site


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns."""

    total: int
    used: int
    free: int


@pytest.fixture
def site(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Site]:
    file = shutil.copy(migrated_sqlite_file, tmp_path / "evercard.sqlite")
    configuration = settings.load(None)
    configuration.update({**PLUGINS, "storage": {**PLUGINS["storage"], "database_url": f"sqlite:///{file}"}}, "test")
    made = Site(configuration)
    yield made
    made.database.dispose()


def parts(site: Site, status: int) -> list[str]:
    """Return the parts that are not as they should be."""
    answer = site.call("GET", "/.ready")
    assert answer.status == status
    return [part for part, said in json.loads(answer.body).items() if said != "ok"]


def test_a_sound_server_is_ready(site: Site) -> None:
    assert parts(site, 200) == []


def test_a_server_without_its_database_is_neither_sound_nor_ready(site: Site, tmp_path: Path) -> None:
    site.database.dispose()
    for file in tmp_path.glob("evercard.sqlite*"):
        file.unlink()
    (tmp_path / "evercard.sqlite").mkdir()
    assert parts(site, 503) == ["database", "migrations"]
    assert site.call("GET", "/.health").status == 503


def test_a_server_whose_database_is_of_another_version_is_not_ready(site: Site) -> None:
    with site.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert parts(site, 503) == ["migrations"]


def test_a_server_whose_disk_is_full_is_not_ready(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**9, 10**9 - 5, 5))
    assert parts(site, 503) == ["disk"]


def test_what_waits_is_counted_with_its_age(database: Database) -> None:
    at = now()
    with database.writing() as session:
        assert set(gauges.waiting(session).values()) == {0}
        session.add(Job(bucket=1, id=1, kind="fan_out", owner_id=1, card_id=1, changed_at=at - 50, due_at=at))
        common = {
            "channel": "email",
            "recipient": "a@example.org",
            "template": "reset",
            "language": "en",
            "values": "{}",
        }
        session.add(Message(bucket=1, id=1, created_at=at - 70, due_at=at, **common))
        session.add(Message(bucket=2, id=2, created_at=at, due_at=at, **common))
        session.flush()
        found = gauges.waiting(session)
    assert (found["fan_out_jobs"], found["outbox_messages"]) == (1, 2)
    assert 50 <= found["fan_out_lag_seconds"] < 60
    assert 70 <= found["outbox_oldest_seconds"] < 80


def test_metrics_say_that_the_database_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "evercard.sqlite").mkdir()
    broken = Database(f"sqlite:///{tmp_path}/evercard.sqlite")
    [only] = list(metrics.DatabaseCollector(broken).collect())
    assert [(sample.name, sample.value) for sample in only.samples] == [("evercard_database_up", 0)]
    broken.dispose()
