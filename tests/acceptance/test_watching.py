"""What a running server shows of itself: metrics, a log for programs, and whether it is ready; nothing of anybody."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sync.database.engine import Database
from tests.support import dav, factories, people
from tests.support.people import Person
from tests.support.server import PATIENCE, Server, free_port

CONFIG = Path(__file__).parents[2] / "config"
NUMBER = "+86 139 1234 5678"


@dataclass
class Watched:
    """A server that is watched, with two people in it who know each other."""

    server: Server
    metrics: str
    database: Database
    anna: Person
    ben: Person

    def shown(self) -> str:
        """Return what Prometheus is shown."""
        return httpx.get(self.metrics, trust_env=False, timeout=PATIENCE).text

    def value(self, name: str, **labels: str) -> float:
        """Return one number, 0 where there is none."""
        found = [
            sample.value
            for family in text_string_to_metric_families(self.shown())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found)


@pytest.fixture
def watched(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[Watched]:
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'evercard.sqlite')}"
    address = f"127.0.0.1:{free_port()}"
    server = Server(url, tmp_path, workers=2, options={"metrics_address": address, "log_format": "json"})
    server.configuration.write_text(server.configuration.read_text().replace("level = warning", "level = info"))
    with server:
        database = Database(url)
        anna, ben = people.register(database), people.register(database)
        factories.connect(database, anna.id, ben.id)
        yield Watched(server, f"http://{address}/metrics", database, anna, ben)
        database.dispose()


def use(watched: Watched, times: int) -> None:
    """Have anna's phone do everything, over connections of its own each time, so that both processes answer."""
    for number in range(times):
        with dav.http(watched.server.url) as http:
            client = dav.Client(http, watched.anna.login, watched.anna.password)
            dav.Replica(client).sync()
            path = f"/{watched.anna.login}/contacts/{number}.vcf"
            http.put(path, content=factories.vcard(str(number)), auth=(watched.anna.login, watched.anna.password))
            http.put(path, content=b"no card", auth=(watched.anna.login, watched.anna.password))
            http.request("PROPFIND", f"/{watched.anna.login}/", auth=(watched.anna.login, "wrong"))


def test_everything_that_is_done_is_counted_and_nobody_is_named(watched: Watched) -> None:
    factories.field(watched.database, watched.ben.id, "mobile", NUMBER)
    use(watched, 10)
    assert watched.value("evercard_requests_total", kind="write", status="201") == 10
    assert watched.value("evercard_requests_total", kind="write") == 20
    assert watched.value("evercard_requests_total", kind="poll", status="401") == 10
    assert watched.value("evercard_requests_total", kind="delta", status="207") >= 10
    assert watched.value("evercard_request_seconds_count", kind="delta") >= 10
    assert watched.value("evercard_database_seconds_count", path="quick") > 10
    assert watched.value("evercard_database_seconds_count", path="session") > 10
    assert watched.value("evercard_rows", what="accounts") >= 2
    assert watched.value("evercard_database_bytes") > 10_000
    assert watched.value("evercard_database_up") == 1
    shown = watched.shown() + watched.server.log.read_text()
    for secret in (watched.anna.login, watched.ben.login, watched.anna.password, "5678", "contacts/"):
        assert secret not in shown


def test_the_log_is_a_line_of_json_for_each_message(watched: Watched) -> None:
    use(watched, 1)
    lines = [line for line in watched.server.log.read_text().splitlines() if not line.startswith("Evercard listens")]
    entries = [json.loads(line) for line in lines]
    answered = [entry for entry in entries if entry["logger"] == "evercard.requests"]
    assert {entry["kind"] for entry in answered} >= {"poll", "delta", "write"}
    assert {"time", "level", "message", "status", "seconds"} <= answered[0].keys()


def test_the_dashboard_asks_for_what_is_shown(watched: Watched) -> None:
    use(watched, 1)
    dashboard = json.loads((CONFIG / "grafana.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"evercard_\w+", target["expr"])
    }
    shown = {sample.name for family in text_string_to_metric_families(watched.shown()) for sample in family.samples}
    assert len(asked) > 8
    assert asked <= shown


def test_a_server_is_not_ready_while_its_worker_is_silent(watched: Watched) -> None:
    ready = watched.server.url + "/.ready"
    answer = httpx.get(ready, trust_env=False)
    assert (answer.status_code, set(answer.json().values())) == (200, {"ok"})
    [worker] = watched.server.processes("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        [sign] = [
            Path(value) / "worker"
            for entry in Path(f"/proc/{worker}/environ").read_text().split("\0")
            for name, _, value in [entry.partition("=")]
            if name == "EVERCARD_RUNNING"
        ]
        long_ago = time.time() - 3600
        os.utime(sign, (long_ago, long_ago))
        answer = httpx.get(ready, trust_env=False)
        assert answer.status_code == 503
        assert [part for part, said in answer.json().items() if said != "ok"] == ["worker"]
        assert httpx.get(watched.server.url + "/.health", trust_env=False).status_code == 200
    finally:
        os.kill(worker, signal.SIGCONT)
    deadline = time.monotonic() + PATIENCE
    while httpx.get(ready, trust_env=False).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_a_server_shared_goes_with_it(migrated_sqlite_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'evercard.sqlite')}"
    with Server(url, tmp_path, environment={"TMPDIR": str(tmp_path)}):
        assert list(tmp_path.glob("evercard-*"))
    assert not list(tmp_path.glob("evercard-*"))
