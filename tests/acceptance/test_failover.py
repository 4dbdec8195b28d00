"""The database's machine fails, and another takes over: nothing acknowledged is lost, and nothing goes back."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sync.database.engine import Database
from tests.support import clusters, factories, people
from tests.support.clusters import Cluster
from tests.support.server import PATIENCE, Server
from tests.support.waiting import until

#: How many cards are stored before the machine fails, and after another has taken over.
BEFORE, AFTER = 20, 20
_TOKEN = re.compile(r"<D:sync-token>(urn:x-evercard:sync/\w+/\w+/(\d+))</D:sync-token>")
_SYNC = (
    '<sync-collection xmlns="DAV:"><sync-token>{}</sync-token><sync-level>1</sync-level>'
    "<prop><getetag/></prop></sync-collection>"
)


@pytest.fixture
def pair() -> Iterator[tuple[Cluster, Cluster]]:
    """Run a primary, and a standby without which it acknowledges nothing."""
    with clusters.synchronous() as both:
        yield both


class Phone:
    """A phone that stores cards and asks for changes without a pause, and takes down what it was told."""

    def __init__(self, server: Server, person: people.Person) -> None:
        """Sign in as *person*."""
        self.book = f"/{person.login}/contacts/"
        self.acknowledged: list[str] = []
        self.revisions: list[int] = []
        self.known: set[str] = set()
        self.statuses: set[int] = set()
        self._token = ""
        self._end = threading.Event()
        self._client = httpx.Client(
            base_url=server.url, auth=(person.login, person.password), trust_env=False, timeout=PATIENCE
        )
        self._threads = [threading.Thread(target=self._repeat, args=(work,)) for work in (self._store, self.sync)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Finish what is under way, and ask for changes a last time."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        self.sync()
        self._client.close()

    def sync(self) -> None:
        """Ask once for what changed, and keep it."""
        answer = self._client.request("REPORT", self.book, content=_SYNC.format(self._token))
        self.statuses.add(answer.status_code)
        if answer.status_code != 207:
            return
        found = _TOKEN.search(answer.text)
        assert found is not None
        self._token = found[1]
        self.revisions.append(int(found[2]))
        self.known |= set(re.findall(r"/(c\d+)\.vcf", answer.text))

    def _store(self) -> None:
        name = f"c{len(self.acknowledged)}"
        answer = self._client.put(f"{self.book}{name}.vcf", content=factories.vcard(name))
        self.statuses.add(answer.status_code)
        # A change of which nobody knew whether it was made is made again.
        if answer.status_code in (201, 204):
            self.acknowledged.append(name)

    def _repeat(self, work: object) -> None:
        assert callable(work)
        while not self._end.is_set():
            work()
            time.sleep(0.02)


def test_nothing_is_lost_and_nothing_goes_back_when_a_standby_takes_over(
    pair: tuple[Cluster, Cluster], tmp_path: Path
) -> None:
    primary, standby = pair
    url = clusters.url_of(primary, standby)
    with Server(url, tmp_path, workers=2) as server:
        database = Database(url)
        anna = people.register(database)
        database.dispose()
        phone = Phone(server, anna)
        phone.start()
        try:
            until(lambda: len(phone.acknowledged) >= BEFORE)
            primary.kill()
            time.sleep(1)
            standby.promote()
            reached = len(phone.acknowledged)
            until(lambda: len(phone.acknowledged) >= reached + AFTER, PATIENCE)
        finally:
            phone.end()
    assert phone.known >= set(phone.acknowledged)
    assert phone.revisions == sorted(phone.revisions)
    assert phone.statuses <= {201, 204, 207, 503}
    assert "Traceback" not in server.log.read_text()
