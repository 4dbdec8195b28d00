"""A disk without room: what a running server does then, and that it needs no restart once there is room again."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import httpx
import pytest

from sync.database.engine import Database
from tests.support import factories, people
from tests.support.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database_engine", ["sqlite"], indirect=True)
CARD = factories.vcard("large", "NOTE:" + "x" * 200_000)


def limit_files(server: Server, octets: int) -> None:
    """Let no process of the server make a file longer, which nobody needs rights of an administrator for."""
    for pid in server.processes():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


def test_a_server_whose_disk_is_full_goes_on_reading_and_recovers_by_itself(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    anna = people.register(database, "anna")
    book, name = "/anna/contacts/", {"Content-Type": "text/vcard"}
    with Server(database_url, tmp_path) as server:
        client = httpx.Client(base_url=server.url, auth=(anna.login, anna.password), trust_env=False, timeout=60)
        assert client.put(book + "before.vcf", content=factories.vcard("before"), headers=name).status_code == 201
        limit_files(server, 4096)
        for _ in range(3):
            assert client.put(book + "x.vcf", content=CARD, headers=name).status_code == 507
            assert client.request("PROPFIND", book, headers={"Depth": "1"}).status_code == 207
            assert client.get(book + "before.vcf").status_code == 200
        health = client.get("/.health")
        assert (health.status_code, "disk" in health.text) == (503, True)
        limit_files(server, resource.RLIM_INFINITY)
        until(lambda: client.get("/.health").status_code == 200)
        assert client.put(book + "x.vcf", content=CARD, headers=name).status_code == 201
        # One line each from the process that answers and from the one that carries changes.
        said = [line for line in server.log.read_text().splitlines() if "Nothing can be stored" in line]
        assert 1 <= len(said) <= 2
        assert "Traceback" not in server.log.read_text()
        client.close()
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
