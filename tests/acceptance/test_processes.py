"""The processes that answer: what they take for themselves, beside what all of them share."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.support.chromium import PortalServer

pytestmark = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
#: Bytes that a process may have of its own.
OWN = 60 * 1024 * 1024


def test_processes_that_answer_share_what_was_loaded_before_them(database_url: str, tmp_path: Path) -> None:
    with PortalServer(database_url, tmp_path, workers=2) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            for _ in range(8):
                assert client.get("/.web/sign-in", headers={"Connection": "close"}).status_code == 200
        own = [written(pid) for pid in server.processes("server")]
    assert len(own) == 2
    assert max(own) < OWN


def written(pid: int) -> int:
    """Return how many bytes of memory only this process has, because it wrote there."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty:"))
