"""The machine is worth something: it finds a bug of every class that it is there for."""

from __future__ import annotations

import pytest

from sync.push.connection import PushConnection
from tests.properties.machine import AddressBooks, acting_on
from tests.properties.plants import PLANTS, Plant
from tests.properties.world import Service
from tests.support import dav, site
from tests.support.clock import StoppedClock
from tests.support.kills import Kills
from tests.support.machines import SEEDS, must_find
from tests.support.push_service import push_service
from tests.support.subscribing import BASE_URL


@site.ON_SQLITE
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_the_machine_finds(
    plant: Plant, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if plant.deferred:
        monkeypatch.setenv("EVERCARD_INLINE_VIEWERS", "1")
        monkeypatch.setenv("EVERCARD_CHUNK_VIEWERS", "1")
    with (
        site.opened(database_url, storage={"base_url": BASE_URL, "push_allow_local": "True"}) as here,
        push_service() as push,
        dav.http("http://evercard.test", transport=site.Transport(here)) as connections,
    ):
        kills = Kills(here.database, monkeypatch)
        kills.count(monkeypatch, PushConnection, "post")
        plant.plant(monkeypatch, here.database)
        clock = StoppedClock(monkeypatch)
        service = Service(here.database, connections, push, kills, clock, plant.deferred)
        must_find(acting_on(service, AddressBooks), steps=20, histories=200, seeds=SEEDS[:1])
    assert not [record for record in caplog.records if record.exc_info], "it broke the server: another bug than planted"
