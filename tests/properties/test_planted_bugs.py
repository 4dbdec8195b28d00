"""The machine is worth something: it finds a bug of every class that it is there for."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

from tests.properties.machine import AddressBooks, search
from tests.properties.plants import PLANTS, Plant
from tests.properties.world import Service
from tests.support import dav, site
from tests.support.clock import StoppedClock
from tests.support.machines import must_fail

#: Within how many histories a bug must be found: several times as many as any was seen to need. Which histories these
#: are, Hypothesis also makes depend on the modules that are loaded.
HISTORIES = 200
FINDING = settings(
    max_examples=HISTORIES,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


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
        site.opened(database_url) as here,
        dav.http("http://evercard.test", transport=site.Transport(here)) as connections,
    ):
        plant.plant(monkeypatch, here.database)
        # Hypothesis looks twice: what depends on the second it happens in is to fail again.
        service = Service(here.database, connections, plant.deferred, StoppedClock(monkeypatch))
        with must_fail():
            search(AddressBooks, service, FINDING)
    assert not [record for record in caplog.records if record.exc_info], "it broke the server: another bug than planted"
