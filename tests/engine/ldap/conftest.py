"""A directory for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import slapd
from tests.support.slapd import Slapd


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Slapd]:
    """Yield a directory with anna in it."""
    with slapd.running(tmp_path) as made:
        made.add("anna", mail="anna@example.org", telephoneNumber="+49 30 5555 0101")
        yield made
