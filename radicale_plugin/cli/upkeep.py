"""Commands for whoever looks after the server: running it, and keeping its database sound."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading

import click

from radicale_plugin import settings
from radicale_plugin.cli import output
from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.site import Site, pass_site
from radicale_plugin.server import serving
from sync import verification, worker
from sync.database import accounts
from sync.errors import NotFound
from sync.profiles import renewing
from sync.revisions import address_books


@click.command()
@pass_site
def serve(site: Site) -> None:
    """Serve address books until stopped."""
    serving.serve(site.path, lambda url: click.echo(f"Evercard listens at {url}"))


@click.command("worker", hidden=True)
@click.option("--parent", type=int, help="End when the process with this number, which started the worker, has ended.")
@pass_site
def run_worker(site: Site, parent: int | None) -> None:
    """Carry changes to large audiences in the background; `serve` runs one by itself."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        serving.when_ended(parent, stop.set)
    worker.run(settings.database(site.configuration), stop)


@click.command()
@pass_site
def migrate(site: Site) -> None:
    """Bring the database to the newest version of its schema."""
    settings.database(site.configuration).migrate()
    click.echo("The database has the newest schema.")


@click.command()
@json_option
@pass_site
def verify(site: Site, *, as_json: bool) -> None:
    """
    Check that the database keeps every promise, and say what is wrong, a line for each.

    Above all: that every card holds just what the profile and the grants say now. Ends with 1 when something is wrong.
    """
    found = []
    with site.read() as session:
        people = verification.size(session)
        with output.progress("Checking people", people) as bar:
            for finding in verification.findings(session, bar.update):
                found.append({"login": finding.login or None, "problem": finding.problem})
                if not as_json:
                    if sys.stderr.isatty():
                        click.echo("\r\x1b[2K", err=True, nl=False)
                    click.echo(str(finding))
    if as_json:
        print_json({"people": people, "findings": found})
    click.echo(f"{count(people, 'person', 'people')} checked, {count(len(found), 'problem')} found.", err=True)
    if found:
        raise click.exceptions.Exit(1)


@click.command()
@pass_site
def render(site: Site) -> None:
    """
    Write every card anew, as this version of Evercard writes it.

    `evercard serve` does it by itself after an upgrade; this is for when `evercard verify` says that cards are not what
    they should be. Devices fetch what differs. It can be run while the server runs, and again when it was interrupted.
    """
    with site.read() as session:
        people = [account.id for account in accounts.everybody(session)]
    with output.progress("Writing cards", len(people)) as bar:
        for account_id in people:
            with contextlib.suppress(NotFound):  # who left meanwhile
                site.write(lambda session, it=account_id: renewing.renew(session, it))  # type: ignore[misc]
            bar.update(1)
    click.echo(f"The cards of {count(len(people), 'person', 'people')} are written anew.")


@click.command()
@pass_site
def restored(site: Site) -> None:
    """
    To be run once after a backup was put back, while the server is stopped.

    Devices have seen changes that the backup does not have; this makes each of them fetch its address book anew.
    """
    books = site.write(address_books.begin_new_epoch)
    click.echo(f"{count(books, 'address book')} will be fetched anew by every device.")
