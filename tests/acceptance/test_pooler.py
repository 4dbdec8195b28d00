"""PostgreSQL behind PgBouncer, which lends a connection for each transaction: a few serve any number of clients."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from sync.database.engine import Database
from sync.settings import Settings
from sync.sharing import grants
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.wire import Wire
from tests.support import clusters, factories, people
from tests.support.databases import plain
from tests.support.server import PATIENCE, Server

pytestmark = pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
CONNECTIONS = 3
CLIENTS = 40


@dataclass(frozen=True)
class Stage:
    """A running server behind a pooler, its database seen through the pooler, and the URL of it without one."""

    server: Server
    database: Database
    direct: str


@pytest.fixture
def stage(empty_database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """Run a server whose database is reached through PgBouncer alone, from the first table on."""
    direct = make_url(empty_database_url)
    with clusters.pgbouncer(direct, CONNECTIONS) as port:
        pooled = direct.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        with Server(pooled, tmp_path, workers=2, options={"pooler": "transaction"}) as server:
            database = Database(pooled, Settings(pooler=True))
            yield Stage(server, database, plain(direct))
            database.dispose()


def test_many_clients_share_few_connections_and_a_phone_gets_what_another_person_changes(stage: Stage) -> None:
    anna, ben = people.register(stage.database), people.register(stage.database)
    factories.connect(stage.database, anna.id, ben.id)
    group = factories.everybody_connected(stage.database, ben.id)
    number = factories.field(stage.database, ben.id)
    stage.database.write(lambda session: grants.grant(session, ben.id, group, [number]))
    everybody = [people.register(stage.database) for _ in range(CLIENTS)]
    answers: list[int] = []

    def use(person: people.Person) -> None:
        with httpx.Client(
            base_url=stage.server.url, auth=(person.login, person.password), trust_env=False, timeout=PATIENCE
        ) as client:
            book = f"/{person.login}/contacts/"
            for name in ("a", "b"):
                sent = client.put(f"{book}{name}.vcf", content=factories.vcard(name))
                answers.append(sent.status_code)
                answers.append(client.request("PROPFIND", book, headers={"Depth": "1"}).status_code)

    threads = [threading.Thread(target=use, args=(person,)) for person in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 2 * CLIENTS + [207] * 2 * CLIENTS
    with psycopg.connect(stage.direct) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    assert 1 <= row[0] <= CONNECTIONS
    with httpx.Client(base_url=stage.server.url, trust_env=False, timeout=PATIENCE) as client:
        phone = IPhone(Wire(client, anna.login, anna.password))
        phone.set_up()
        phone.sync()
        factories.set_field(stage.database, ben.id, number, "+49 30 5550101")
        phone.sync()
        assert any("5550101" in card.fetched for card in phone.book.cards.values())
    assert "Traceback" not in stage.server.log.read_text()


def test_a_backup_is_taken_past_the_pooler_whose_connections_stay_as_they_are(stage: Stage, tmp_path: Path) -> None:
    """PostgreSQL's program leaves a connection without a path to the tables, and it would be others' a moment later."""
    anna, file = people.register(stage.database), tmp_path / "all.backup"
    book = f"/{anna.login}/contacts/"
    refused = stage.server.command("backup", str(file))
    assert refused.returncode == 1
    assert "cannot be made through a pooler" in refused.stderr
    direct = stage.server.command("backup", str(file), EVERCARD_DATABASE_URL=stage.direct, EVERCARD_POOLER="none")
    assert direct.returncode == 0, direct.stderr
    with httpx.Client(
        base_url=stage.server.url, auth=(anna.login, anna.password), trust_env=False, timeout=PATIENCE
    ) as client:
        for _ in range(3 * CONNECTIONS):
            assert client.request("PROPFIND", book, headers={"Depth": "1"}).status_code == 207
    assert "Traceback" not in stage.server.log.read_text()
    with tarfile.open(file) as made:
        assert "database" in made.getnames()
