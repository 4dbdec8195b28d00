"""`evercard hidden` and `show`: entries that somebody deleted on a device."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_two
from radicale_plugin.cli.output import json_option, print_names
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.sharing import connections


@click.command()
@click.argument("viewer")
@json_option
@pass_site
def hidden(site: Site, viewer: str, *, as_json: bool) -> None:
    """List whom a person deleted on a device; they are still connected."""
    with site.read() as session:
        owners = connections.hidden_from(session, accounts.find(session, viewer))
        logins = sorted(accounts.logins(session, owners).values())
    print_names(logins, as_json=as_json)


@click.command()
@click.argument("viewer")
@click.argument("owner")
@pass_site
def show(site: Site, viewer: str, owner: str) -> None:
    """Bring back to VIEWER's devices the entry of OWNER that was deleted there."""
    of_two(site, viewer, owner, connections.show)
    click.echo(f"{viewer} has {owner} again.")
