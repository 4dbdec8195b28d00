"""`evercard digest`: the e-mail that tells somebody, once a day at most, whose cards changed."""

from __future__ import annotations

import dataclasses

import click

from radicale_plugin.cli.output import json_option, print_json
from radicale_plugin.cli.site import Site, pass_site
from sync.accounts import addresses
from sync.database import accounts
from sync.database.engine import Session
from sync.digests import choices, times


@click.group()
def digest() -> None:
    """An e-mail that tells a person, once a day at most, whose cards changed."""


@digest.command("show")
@click.argument("login")
@json_option
@pass_site
def show_digest(site: Site, login: str, *, as_json: bool) -> None:
    """Show whether a person gets it, and when."""
    with site.read() as session:
        chosen = choices.choice_of(session, accounts.find(session, login))
    if as_json:
        print_json(dataclasses.asdict(chosen))
    elif chosen.is_wanted:
        click.echo(f"Once a day at {chosen.hour}:00, {chosen.time_zone}, when something changed.")
    else:
        click.echo("None.")


@digest.command("set")
@click.argument("login")
@click.option("--hour", type=click.IntRange(0, 23), default=times.HOUR, show_default=True, help="The hour of the day.")
@click.option("--time-zone", default=times.TIME_ZONE, show_default=True, help="Where, such as Europe/Berlin.")
@pass_site
def set_digest(site: Site, login: str, hour: int, time_zone: str) -> None:
    """
    Tell a person once a day whose cards changed, of what changes from now on.

    It goes to the first e-mail address that they confirmed.
    """

    def change(session: Session) -> bool:
        viewer_id = accounts.find(session, login)
        choices.want(session, viewer_id, hour, time_zone)
        return any(channel == addresses.EMAIL for channel, _value in addresses.addresses_of(session, viewer_id))

    has_address = site.write(change)
    click.echo("Decided." if has_address else "Decided; it is sent once they have confirmed an e-mail address.")


@digest.command("off")
@click.argument("login")
@pass_site
def stop_digest(site: Site, login: str) -> None:
    """Send a person none any more."""
    site.write(lambda session: choices.stop(session, accounts.find(session, login)))
    click.echo("Decided.")
