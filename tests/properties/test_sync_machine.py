"""Whatever happens in whatever order, everybody's devices show just what was granted, and all of it."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.properties.machine import AddressBooks, search
from tests.properties.world import Service


@pytest.mark.timeout(3_600)
def test_every_device_ends_with_just_what_was_granted(service: Service, searching: settings) -> None:
    # Who sees what is decided by the same code on either engine, of which PostgreSQL takes twice as long.
    histories = searching.max_examples if service.database.is_sqlite else searching.max_examples // 2
    search(AddressBooks, service, settings(searching, max_examples=histories))
