"""Throwaway databases with the newest schema: a SQLite file, and one in a PostgreSQL cluster of this run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, make_url

from sync.database.engine import Database
from tests.support import clusters, postgresql

#: What a cluster of the tests is spared.
_DURABLE = {
    "autovacuum": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
    "shared_buffers": "512MB",
    "max_connections": "100",
}


@contextmanager
def sqlite(directory: Path) -> Iterator[Database]:
    """Open a new file in *directory*."""
    database = Database(f"sqlite:///{directory / 'benchmark.sqlite3'}")
    database.migrate()
    yield database
    database.dispose()


@contextmanager
def on_postgresql() -> Iterator[Database | None]:
    """Open a new database in a cluster made for it, or yield None and say so where there is no PostgreSQL."""
    run = postgresql.Run()
    try:
        try:
            server = make_url(postgresql.server(run.directory))
        except postgresql.Unavailable as error:
            print(error)
            yield None
            return
        with _new(server) as database:
            yield database
    finally:
        run.end()


@contextmanager
def durable_postgresql() -> Iterator[Database | None]:
    """Do as `on_postgresql` in a cluster that writes everything to the disk, and looks after itself, as in earnest."""
    with clusters.directory() as place:
        try:
            cluster = clusters.Cluster(place, "durable")
        except postgresql.Unavailable as error:
            print(error)
            yield None
            return
        try:
            cluster.create()
            cluster.start(**_DURABLE)
            with _new(make_url(cluster.url)) as database:
                yield database
        finally:
            cluster.kill()


@contextmanager
def _new(server: URL) -> Iterator[Database]:
    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(plain(server.render_as_string(hide_password=False)), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        database = Database(server.set(database=name).render_as_string(hide_password=False))
        database.migrate()
        yield database
        database.dispose()
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def plain(url: str) -> str:
    """Write the URL of a PostgreSQL database as the driver itself takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def url_of(database: Database) -> str:
    """Return the URL of *database* in full."""
    return database.url.render_as_string(hide_password=False)


def tidy(database: Database) -> None:
    """Renew the statistics and clear what changes left behind; the throwaway cluster does neither by itself."""
    if database.is_sqlite:
        connection = database.engine.raw_connection()
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.cursor().execute("ANALYZE")
        connection.close()
        return
    with psycopg.connect(plain(url_of(database)), autocommit=True) as session:
        session.execute("VACUUM ANALYZE")
        session.execute("CHECKPOINT")
