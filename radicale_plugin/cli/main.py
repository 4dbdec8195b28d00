"""The `evercard` command: its groups, its options for all, and how errors are told."""

from __future__ import annotations

import signal
import threading

import click

from radicale_plugin import serving, settings
from sync import worker
from sync.errors import EvercardError


class Commands(click.Group):
    """A group of commands that tells errors in one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except EvercardError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
@click.option("--config", "-C", "path", envvar="RADICALE_CONFIG", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def main(ctx: click.Context, path: str | None) -> None:
    """Evercard: an address book in which everybody keeps their own card."""
    ctx.obj = path


@main.command()
@click.pass_obj
def serve(path: str | None) -> None:
    """Serve address books until stopped."""
    serving.serve(path)


@main.command("worker", hidden=True)
@click.pass_obj
def run_worker(path: str | None) -> None:
    """Carry changes to large audiences in the background; `serve` runs one by itself."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.run(settings.database(settings.load(path)), stop)


@main.command()
@click.pass_obj
def migrate(path: str | None) -> None:
    """Bring the database to the newest version of its schema."""
    settings.database(settings.load(path)).migrate()
