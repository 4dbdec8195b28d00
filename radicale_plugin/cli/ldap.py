"""`evercard ldap`: the directory of an organisation, whose passwords people sign in with."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.site import Site, pass_site
from sync.errors import InvalidInput


@click.group()
def ldap() -> None:
    """The directory of an organisation, whose passwords people sign in with."""


@ldap.command("look")
@click.option("--dry-run", is_flag=True, help="Say who is missing, and do nothing.")
@click.option("--even-many", is_flag=True, help="Close the accounts of all who are missing, however many they are.")
@json_option
@pass_site
def look(site: Site, *, dry_run: bool, even_many: bool, as_json: bool) -> None:
    """
    Look through the directory now, as the server does each hour.

    Fields are filled with what it says, and who is not there any more is closed: unless more are missing than
    ldap_close_at_most, which is likelier to be a mistake, such as a filter that fits nobody. Whoever is in a group that
    ldap_organisations names is invited into that organisation, and whoever came so and is in it no more is out.
    """
    from sync.ldap import looking
    from sync.ldap.client import Client

    settings = site.database.settings.ldap
    if not settings.is_known:
        raise InvalidInput("There is no directory: ldap_url is not set.")
    found = looking.look(site.database, Client(settings), even_many=even_many, dry_run=dry_run)
    if as_json:
        groups = {"invited": found.groups.invited, "ended": found.groups.ended, "held": found.groups.held}
        print_json({"missing": list(found.missing), "closed": found.closed, **groups})
        return
    for login in found.missing:
        click.echo(f"missing: {login}")
    for name, number in found.groups.held.items():
        click.echo(f"{count(number, 'person', 'people')} would leave {name}; if that is so, say --even-many.", err=True)
    if settings.organisations:
        told = (count(found.groups.invited, "person", "people"), count(found.groups.ended, "membership"))
        click.echo(f"{told[0]} invited into organisations, {told[1]} ended.", err=True)
    click.echo(f"{count(found.closed, 'account')} closed, of {len(found.missing)} missing.", err=True)
