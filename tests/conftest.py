"""What every test relies on: no setting leaks in from outside, and databases are there for the asking."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support import compiled

pytest_plugins = ["tests.support.databases"]

#: Variables of these names would change what is tested: settings of Radicale, Evercard and PostgreSQL, and proxies.
POLLUTING = ("RADICALE_", "EVERCARD_", "PG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
WANTED = ("EVERCARD_TEST_POSTGRESQL", "EVERCARD_TEST_PICTURES")

for name in list(os.environ):
    if name.upper().startswith(POLLUTING) and name not in WANTED:
        del os.environ[name]

# A loaded machine is slow at times, which says nothing about a property.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _patient, max_examples=50)
# In continuous integration a build turns red by a change of ours, not by the luck of that day.
settings.register_profile("ci", _patient, max_examples=200, derandomize=True, database=None, print_blob=True)
settings.register_profile("thorough", _patient, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))

compiled.share()


def pytest_collection() -> None:
    """Look for no garbage while the tests are collected: twelve thousand of them are none."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage again, and never among what was collected, which is there until the end."""
    gc.freeze()
    gc.enable()
