"""`evercard friend`: connections that others may see, and bringing two together."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_two
from radicale_plugin.cli.find import print_found
from radicale_plugin.cli.output import json_option, print_names
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.meeting import introductions


@click.group()
def friend() -> None:
    """Connections that a person lets their other connections see."""


@friend.command()
@click.argument("login")
@click.argument("other", metavar="FRIEND")
@pass_site
def publish(site: Site, login: str, other: str) -> None:
    """Let LOGIN's connections see that LOGIN knows FRIEND, and what FRIEND shows to strangers."""
    of_two(site, login, other, introductions.publish)
    click.echo(f"{other} is a public friend of {login}'s.")


@friend.command()
@click.argument("login")
@click.argument("other", metavar="FRIEND")
@pass_site
def unpublish(site: Site, login: str, other: str) -> None:
    """Let nobody see any more that LOGIN knows FRIEND."""
    of_two(site, login, other, introductions.unpublish)
    click.echo(f"{other} is no public friend of {login}'s any more.")


@friend.command("list")
@click.argument("login")
@click.option("--seen-by", metavar="VIEWER", help="As this connection sees them; else all, by login.")
@json_option
@pass_site
def list_friends(site: Site, login: str, seen_by: str | None, *, as_json: bool) -> None:
    """List LOGIN's public friends."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        if seen_by is not None:
            found = introductions.public_friends(session, accounts.find(session, seen_by), owner_id)
            print_found(found, as_json=as_json)
            return
        names = sorted(accounts.logins(session, introductions.published(session, owner_id)).values())
    print_names(names, as_json=as_json)


@friend.command()
@click.argument("login")
@click.argument("one")
@click.argument("other")
@click.option("--message", default="", help="What both read.")
@pass_site
def introduce(site: Site, login: str, one: str, other: str, message: str) -> None:
    """Bring two of LOGIN's connections together; both have to confirm."""

    def change(session: Session) -> None:
        ids = [accounts.find(session, name) for name in (login, one, other)]
        introductions.introduce(session, ids[0], ids[1], ids[2], message)

    site.write(change)
    click.echo(f"{one} and {other} are asked, where they can be.")
