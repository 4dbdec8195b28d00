"""`evercard doubt`: what holders of a card say of it."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import connected
from radicale_plugin.cli.addressing import choose_one, named, named_fields
from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.books import doubts
from sync.database import accounts
from sync.database.engine import Session
from sync.sharing.cards import content_of


@click.group()
def doubt() -> None:
    """What holders of a card say is not right any more on it. Only its owner is told, once by each."""


@doubt.command()
@click.argument("holder")
@click.argument("owner")
@click.argument("address", metavar="FIELD")
@pass_site
def say(site: Site, holder: str, owner: str, address: str) -> None:
    """Tell OWNER that a field which HOLDER sees is not right any more."""

    def change(session: Session) -> None:
        viewer_id, owner_id = accounts.find(session, holder), accounts.find(session, owner)
        connected(session, owner, holder)
        held = doubts.held_fields(session, viewer_id, owner_id)
        chosen = choose_one(named([(field.id, content_of(field)) for field in held]), address)
        doubts.doubt(session, viewer_id, owner_id, chosen.id)

    site.write(change)
    click.echo(f"{owner} is told.")


@doubt.command("list")
@click.argument("owner")
@json_option
@pass_site
def list_doubts(site: Site, owner: str, *, as_json: bool) -> None:
    """List what holders of OWNER's card say of it."""
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        found = doubts.doubts_of(session, owner_id)
        fields = {field.id: field.name for field in named_fields(session, owner_id)}
        logins = accounts.logins(session, {each.viewer_id for each in found})
    rows = [(fields[each.field_id], logins.get(each.viewer_id, "")) for each in found]
    if as_json:
        print_json([{"field": field, "holder": holder} for field, holder in rows])
        return
    print_table(("Field", "Doubted by"), rows)


@doubt.command()
@click.argument("owner")
@click.argument("address", metavar="FIELD")
@pass_site
def dismiss(site: Site, owner: str, address: str) -> None:
    """Note that a field is right as it is."""

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        doubts.dismiss(session, owner_id, choose_one(named_fields(session, owner_id), address).id)

    site.write(change)
    click.echo("It is right as it is.")
