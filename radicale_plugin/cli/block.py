"""`evercard block`, `unblock` and `blocked`: wanting nothing to do with somebody."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_two
from radicale_plugin.cli.output import json_option, print_names
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.database import accounts


@click.command()
@click.argument("login")
@click.argument("other")
@pass_site
def block(site: Site, login: str, other: str) -> None:
    """Let LOGIN have nothing to do with OTHER, who is not told."""
    of_two(site, login, other, meeting.block)
    click.echo(f"{login} has blocked {other}.")


@click.command()
@click.argument("login")
@click.argument("other")
@pass_site
def unblock(site: Site, login: str, other: str) -> None:
    """Take a block back. It connects nobody."""
    of_two(site, login, other, meeting.unblock)
    click.echo(f"{login} has blocked {other} no more.")


@click.command()
@click.argument("login")
@json_option
@pass_site
def blocked(site: Site, login: str, *, as_json: bool) -> None:
    """List whom a person has blocked."""
    with site.read() as session:
        names = [name for _, name in meeting.blocked(session, accounts.find(session, login))]
    print_names(names, as_json=as_json)
