"""`evercard serve`, and the worker, which it starts beside itself or which runs alone."""

from __future__ import annotations

import signal
import threading

import click

from radicale_plugin.cli.site import Site, pass_site
from sync.errors import InvalidInput


@click.command()
@click.option("--worker/--no-worker", default=True, help="Whether to run a worker beside the server.")
@pass_site
def serve(site: Site, *, worker: bool) -> None:
    """
    Serve address books until stopped.

    What changes leave to be done is done by a worker beside it; with --no-worker, by `evercard worker` alone.
    """
    from radicale_plugin.server import memory

    with memory.kept():
        from radicale_plugin.server import checking, serving

        if stopping := checking.stopping(site.path):
            raise InvalidInput(" ".join(f"{one.about}: {one.text}" for one in stopping))
        # The processes that answer are made from this one, and begin with what it has.
        if site.configuration.get("web", "type") == "radicale_plugin.web":
            from radicale_plugin.web import application

            application.load()
    serving.serve(site.path, lambda url: click.echo(f"Evercard listens at {url}"), with_worker=worker)


@click.command("worker")
@click.option("--parent", type=int, hidden=True, help="End when the process with this number has ended.")
@pass_site
def run_worker(site: Site, parent: int | None) -> None:
    """
    Do what changes leave to be done, beside the server or without it.

    It carries changes to large audiences, sends messages and tells phones, until it is stopped. `evercard serve` runs
    one by itself. Any number may run beside it, on any machine that reaches the database; what one of them was at when
    it ended, another does.
    """
    from radicale_plugin.server import memory

    with memory.kept():
        from radicale_plugin import settings
        from radicale_plugin.server import logs, running
        from sync import worker

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        running.when_ended(parent, stop.set)
    if logs.is_json(site.configuration):
        logs.use_json(site.configuration.get("logging", "level"))
    database = settings.database(site.configuration)
    database.require_newest()
    worker.run(database, stop, running.sign_of_life)
