"""`evercard serve`, and the worker that it starts beside itself."""

from __future__ import annotations

import signal
import threading

import click

from radicale_plugin.cli.site import Site, pass_site
from sync.errors import InvalidInput


@click.command()
@pass_site
def serve(site: Site) -> None:
    """Serve address books until stopped."""
    from radicale_plugin.server import checking, serving

    if stopping := checking.stopping(site.path):
        raise InvalidInput(" ".join(f"{one.about}: {one.text}" for one in stopping))
    serving.serve(site.path, lambda url: click.echo(f"Evercard listens at {url}"))


@click.command("worker", hidden=True)
@click.option("--parent", type=int, help="End when the process with this number, which started the worker, has ended.")
@pass_site
def run_worker(site: Site, parent: int | None) -> None:
    """Carry changes to large audiences in the background; `serve` runs one by itself."""
    from radicale_plugin import settings
    from radicale_plugin.server import logs, running, serving
    from sync import worker

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        serving.when_ended(parent, stop.set)
    if logs.is_json(site.configuration):
        logs.use_json(site.configuration.get("logging", "level"))
    worker.run(settings.database(site.configuration), stop, running.sign_of_life)
