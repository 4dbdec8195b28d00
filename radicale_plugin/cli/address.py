"""`evercard address`: e-mail addresses and phone numbers that are known to be a person's."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_one
from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.accounts import addresses
from sync.accounts.addresses import CHANNELS
from sync.database import accounts


@click.group()
def address() -> None:
    """E-mail addresses and phone numbers that are known to be a person's."""


@address.command("list")
@click.argument("login")
@json_option
@pass_site
def list_addresses(site: Site, login: str, *, as_json: bool) -> None:
    """List them."""
    with site.read() as session:
        known = addresses.addresses_of(session, accounts.find(session, login))
    if as_json:
        print_json([{"channel": channel, "address": value} for channel, value in known])
    else:
        print_table(("Channel", "Address"), known)


@address.command("add")
@click.argument("login")
@click.argument("channel", type=click.Choice(CHANNELS))
@click.argument("text", metavar="ADDRESS")
@pass_site
def add_address(site: Site, login: str, channel: str, text: str) -> None:
    """Vouch for an address; people themselves prove theirs in the portal."""
    value = of_one(site, login, addresses.add, channel, text)
    click.echo(f"{value} is {login}'s.")


@address.command("remove")
@click.argument("login")
@click.argument("channel", type=click.Choice(CHANNELS))
@click.argument("text", metavar="ADDRESS")
@pass_site
def remove_address(site: Site, login: str, channel: str, text: str) -> None:
    """Forget an address."""
    of_one(site, login, addresses.remove, channel, text)
    click.echo("The address is forgotten.")
