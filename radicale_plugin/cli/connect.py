"""`evercard connect` and `disconnect`: two people in each other's address book."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_two
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.sharing import connections


@click.command()
@click.argument("one")
@click.argument("other")
@pass_site
def connect(site: Site, one: str, other: str) -> None:
    """Put two people into each other's address book."""
    of_two(site, one, other, connections.connect)
    click.echo(f"{one} and {other} are in each other's address book; each sees what the other shows to strangers.")


@click.command()
@click.argument("one")
@click.argument("other")
@click.option("--keep", is_flag=True, help="Let ONE keep OTHER's card, with what they added, as a private contact.")
@pass_site
def disconnect(site: Site, one: str, other: str, *, keep: bool) -> None:
    """Take two people out of each other's address book and groups."""
    of_two(site, one, other, meeting.disconnect, keep=keep)
    click.echo(f"{one} and {other} are no longer connected.")
