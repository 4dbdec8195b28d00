"""Two servers of several processes on one PostgreSQL: requests may go to either, and neither takes too much."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from sync.database.engine import Database
from sync.sharing import grants
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.wire import Wire
from tests.support import factories, people
from tests.support.databases import opened, plain
from tests.support.server import PATIENCE, Server
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
WORKERS, THREADS, POOL = 2, 4, 2
#: What the settings promise of each server: see `radicale_plugin.server.checking.trials.connections_wanted`.
PROMISED = WORKERS * (3 * POOL + THREADS + 1) + 3 * POOL + 3
CLIENTS, VIEWERS = 16, 30
#: But those by which the test looks, and PostgreSQL's own.
COUNT = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'test'
"""


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Run two servers that share nothing but the database."""
    options = {"pool_size": str(POOL), "inline_viewers": "5"}
    places = [tmp_path / name for name in ("one", "other")]
    for place in places:
        place.mkdir()
    with (
        Server(database_url, places[0], workers=WORKERS, threads=THREADS, options=options) as one,
        Server(database_url, places[1], workers=WORKERS, threads=THREADS, options=options) as other,
    ):
        yield one, other


def test_what_one_server_stores_the_other_has_at_once_and_jobs_are_done_once(
    servers: tuple[Server, Server], database_url: str
) -> None:
    with opened(database_url) as database:
        anna, ben = (people.register(database) for _ in range(2))
        factories.connect(database, anna.id, ben.id)
        phone = factories.field(database, anna.id)
        everybody = factories.everybody_connected(database, anna.id)
        database.write(lambda session: grants.grant(session, anna.id, everybody, [phone]))
        viewers = factories.crowd(database, anna.id, VIEWERS, [everybody])
        with client_of(servers[0], anna) as at_one, client_of(servers[1], ben) as at_other:
            phones = [IPhone(Wire(at_one, anna.login, anna.password)), IPhone(Wire(at_other, ben.login, ben.password))]
            for each in phones:
                each.set_up()
                each.sync()
            before = factories.revisions(database, viewers)
            own = factories.href_of(database, anna.id, anna.id)
            card = next(each for each in factories.contents(database, anna.id) if each.href == own)
            path = f"/{anna.login}/contacts/{own}"
            changed = factories.vcard(card.uid, "TEL;TYPE=CELL:+49 30 5550177")
            stored = at_one.put(path, content=changed, headers={"Content-Type": "text/vcard"})
            assert stored.status_code == 204, stored.text
            # The same book through the other server: no wait.
            with client_of(servers[1], anna) as there:
                assert "5550177" in there.get(path).text
            until(lambda: factories.pending(database) == 0)
            phones[1].sync()
            assert any("5550177" in each.fetched for each in phones[1].book.cards.values())
            after = factories.revisions(database, viewers)
        assert after == {viewer: revision + 1 for viewer, revision in before.items()}
    for server in servers:
        assert "Traceback" not in server.log.read_text()


def test_a_burst_takes_no_more_connections_than_the_settings_promise(
    servers: tuple[Server, Server], database_url: str
) -> None:
    with opened(database_url) as database:
        everybody = [people.register(database) for _ in range(CLIENTS)]
        assert promised(servers[0], database) == PROMISED
    answers, most, is_over = list[int](), list[int](), threading.Event()

    def watch() -> None:
        direct = plain(make_url(database_url))
        with psycopg.connect(direct, autocommit=True, application_name="test") as connection:
            while not is_over.is_set():
                row = connection.execute(COUNT).fetchone()
                most.append(int(row[0]) if row is not None else 0)
                time.sleep(0.02)

    def use(person: people.Person, server: Server) -> None:
        book = f"/{person.login}/contacts/"
        with client_of(server, person) as client:
            for name in ("a", "b"):
                stored = client.put(f"{book}{name}.vcf", content=factories.vcard(name))
                answers.extend((stored.status_code, client.request("PROPFIND", book).status_code))

    watching = threading.Thread(target=watch)
    watching.start()
    threads = [threading.Thread(target=use, args=(each, server)) for each in everybody for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    watching.join()
    assert len(answers) == 4 * 2 * CLIENTS
    assert set(answers) <= {201, 204, 207}, answers
    assert 2 < max(most) <= 2 * PROMISED, max(most)


def promised(server: Server, database: Database) -> int:
    """Return how many connections ``evercard check`` says that may be asked for, where there are fewer."""
    with database.engine.connect() as connection:
        allowed = int(connection.exec_driver_sql("SHOW max_connections").scalar_one())
    many = str(allowed)
    said = server.command("check", EVERCARD_WORKERS=many).stdout
    found = re.search(r"Up to (\d+) connections may be asked for", said)
    assert found is not None, said
    # So many more for each of the workers that there are not.
    return int(found[1]) - (allowed - WORKERS) * (3 * POOL + THREADS + 1)


def client_of(server: Server, person: people.Person) -> httpx.Client:
    """Return a program that signs in as somebody."""
    return httpx.Client(base_url=server.url, auth=(person.login, person.password), trust_env=False, timeout=PATIENCE)
