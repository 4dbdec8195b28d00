"""`evercard backup`, `restore` and `restored`: a server in one file, and what follows when it was put back."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import click

from radicale_plugin import settings
from radicale_plugin.cli import files, output
from radicale_plugin.cli.output import count
from radicale_plugin.cli.site import Site, pass_site
from radicale_plugin.cli.verify import Checking
from sync import copying
from sync.database.engine import Database
from sync.errors import Conflict, InvalidInput


@click.command()
@pass_site
def restored(site: Site) -> None:
    """
    To be run once after a backup was put back, while the server is stopped.

    Devices have seen changes that the backup does not have; this makes each of them fetch its address book anew.
    """
    from sync.revisions import address_books

    books = site.write(address_books.begin_new_epoch)
    click.echo(f"{count(books, 'address book')} will be fetched anew by every device.")


_FORMAT = 1


_ABOUT, _DATABASE, _SECRET, _CONFIGURATION = "evercard.json", "database", "secret", "evercard.conf"


@click.command()
@click.argument("file")
@click.option(
    "--without-secrets", is_flag=True, help="Leave the secret and the configuration out; keep them elsewhere."
)
@pass_site
def backup(site: Site, file: str, *, without_secrets: bool) -> None:
    """
    Write everything that this server is into one file, while it runs.

    Database, secret and configuration: keep the file as safe as them. On PostgreSQL this needs pg_dump.
    """
    with files.written_beside(file) as made, tempfile.TemporaryDirectory(dir=made.parent) as folder:
        copy = Path(folder) / _DATABASE
        copy.touch(mode=0o600)
        copying.save(site.database, copy)
        with tarfile.open(made, "w") as archive:
            for name, data in _papers(site, without_secrets=without_secrets):
                archive.addfile(_described(name, len(data)), io.BytesIO(data))
            with copy.open("rb") as opened:
                archive.addfile(_described(_DATABASE, copy.stat().st_size), opened)
        size = made.stat().st_size
    click.echo(f"Everything is in {file}, {output.octets(size)}.")


@click.command()
@click.argument("file")
@click.option("--other-secret", is_flag=True, help="Although this server's secret is not that of the backup.")
@pass_site
def restore(site: Site, file: str, *, other_secret: bool) -> None:
    """
    Make the database what it was when `evercard backup` wrote FILE, while the server is stopped.

    Devices fetch their address books anew when they come next. On PostgreSQL this needs pg_restore and psql.
    """
    database = settings.database(site.configuration)
    with _unpacked(file, database) as folder:
        if not other_secret:
            _require_same_secret(folder, database)
        copying.restore(database, folder / _DATABASE)
    checking, found = Checking(site), 0
    for finding in checking.findings():
        found += 1
        click.echo(str(finding))
    click.echo(f"{count(checking.done, 'person', 'people')} restored and checked, {count(found, 'problem')} found.")
    if found:
        raise click.exceptions.Exit(1)


def _papers(site: Site, *, without_secrets: bool) -> Iterator[tuple[str, bytes]]:
    engine = "sqlite" if site.database.is_sqlite else "postgresql"
    about = {"format": _FORMAT, "version": version("evercard"), "engine": engine, "made_at": int(time.time())}
    yield _ABOUT, json.dumps(about, indent=2).encode()
    if without_secrets:
        return
    yield _SECRET, site.database.settings.secret.encode()
    if site.path:
        yield _CONFIGURATION, Path(site.path).read_bytes()


def _described(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(time.time())
    return member


@contextmanager
def _unpacked(file: str, database: Database) -> Iterator[Path]:
    # Beside the database, where room is needed anyway.
    beside = database.file.parent if database.is_sqlite else None
    try:
        with tempfile.TemporaryDirectory(dir=beside, prefix=".restore-") as made, tarfile.open(file, "r:") as archive:
            folder = Path(made)
            for name in {_ABOUT, _DATABASE, _SECRET}.intersection(archive.getnames()):
                # Under our own name, whatever the file says of where it belongs and whose it is.
                content = archive.extractfile(name)
                if content is not None:
                    with content, (folder / name).open("wb") as written:
                        shutil.copyfileobj(content, written)
            _require_fitting(folder, database)
            yield folder
    except tarfile.TarError as error:
        raise InvalidInput(f"The file {file!r} is no backup of Evercard's.") from error
    except OSError as error:
        raise InvalidInput(f"The file {file!r} cannot be used: {error.strerror}.") from error


def _require_fitting(folder: Path, database: Database) -> None:
    try:
        about = json.loads((folder / _ABOUT).read_bytes())
        fits = about["format"] == _FORMAT
        engine = about["engine"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("This is no backup of Evercard's.") from error
    if not fits:
        raise InvalidInput("This backup is of a newer version of Evercard; install that version.")
    if engine != ("sqlite" if database.is_sqlite else "postgresql"):
        raise InvalidInput(f"This backup is of the other kind of database, {engine}; set database_url to one of that.")


def _require_same_secret(folder: Path, database: Database) -> None:
    kept = folder / _SECRET
    if kept.exists() and kept.read_text(encoding="utf-8") != database.settings.secret:
        raise Conflict(
            "This server's secret is not that of the backup, so no device could sign in. Take it out of the backup with"
            " `tar -xOf FILE secret` and name it as secret_file, or add --other-secret."
        )
