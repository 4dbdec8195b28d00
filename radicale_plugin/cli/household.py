"""`evercard household`: fields that several people have on their cards."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import connected
from radicale_plugin.cli.addressing import choose_one, named_fields
from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.household import offers, parting, shares
from sync.household.pairs import Share


@click.group()
def household() -> None:
    """
    Fields that several people have on their cards.

    One owns it, the others agreed to carry it and follow.

    `household list` prints the long number by which an offered field is named.
    """


@household.command("list")
@click.argument("login")
@json_option
@pass_site
def list_shares(site: Site, login: str, *, as_json: bool) -> None:
    """List what a person shares, was offered, and carries."""
    with site.read() as session:
        person_id = accounts.find(session, login)
        fields = {field.id: field.name for field in named_fields(session, person_id)}
        shared, carried = shares.shared_by(session, person_id), shares.carried_by(session, person_id)
        others = {each.share.carrier_id for each in shared} | {each.share.owner_id for each in carried}
        people = accounts.logins(session, others)
    rows = [_row("to", each.share.field_id, fields, people.get(each.share.carrier_id), each.state) for each in shared]
    for held in carried:
        named = fields | ({held.share.field_id: held.said.kind} if held.said else {})
        field_id = held.share.field_id if held.field_id is None else held.field_id
        rows.append(_row("from", field_id, named, people.get(held.share.owner_id), held.state))
    if as_json:
        print_json(rows)
        return
    print_table(("", "Who", "Field", "Id", "State"), [tuple(row.values()) for row in rows])


@household.command()
@click.argument("owner")
@click.argument("address", metavar="FIELD")
@click.argument("carrier")
@pass_site
def offer(site: Site, owner: str, address: str, carrier: str) -> None:
    """Offer a field to CARRIER, who sees what it says and may agree to carry it."""

    def change(session: Session) -> None:
        carrier_id = connected(session, owner, carrier)
        offers.offer(session, accounts.find(session, owner), _field(session, owner, address), carrier_id)

    site.write(change)
    click.echo(f"{carrier} is asked. Nothing is on their card before they agree.")


@household.command("take-back")
@click.argument("owner")
@click.argument("address", metavar="FIELD")
@click.argument("carrier")
@pass_site
def take_back(site: Site, owner: str, address: str, carrier: str) -> None:
    """Share a field with CARRIER no more; they keep what they have, which does not follow any more."""

    def change(session: Session) -> None:
        carrier_id, owner_id = accounts.find(session, carrier), accounts.find(session, owner)
        parting.take_back(session, Share(owner_id, _field(session, owner, address), carrier_id))

    site.write(change)
    click.echo(f"It is {owner}'s alone. {carrier} keeps what they have.")


@household.command()
@click.argument("login")
@click.argument("owner")
@click.argument("number", metavar="ID", type=int)
@click.option("--instead-of", "address", metavar="FIELD", help="A field of LOGIN's that follows from now on.")
@pass_site
def accept(site: Site, login: str, owner: str, number: int, address: str | None) -> None:
    """Carry what OWNER offered, as a new field that nobody is granted, or instead of one that is there."""

    def change(session: Session) -> None:
        instead_of = None if address is None else _field(session, login, address)
        offers.accept(session, _share(session, login, owner, number), instead_of=instead_of)

    site.write(change)
    click.echo(f"It is on {login}'s card, and follows {owner}.")


@household.command()
@click.argument("login")
@click.argument("owner")
@click.argument("number", metavar="ID", type=int)
@pass_site
def decline(site: Site, login: str, owner: str, number: int) -> None:
    """Say no to what OWNER offered."""
    site.write(lambda session: offers.decline(session, _share(session, login, owner, number)))
    click.echo("Nothing changed.")


@household.command()
@click.argument("login")
@click.argument("address", metavar="FIELD")
@click.option("--delete", is_flag=True, help="Delete the field as well.")
@pass_site
def leave(site: Site, login: str, address: str, *, delete: bool) -> None:
    """Carry a field no more. It stays on the card as it is, as LOGIN's own."""

    def change(session: Session) -> None:
        field_id = _field(session, login, address)
        parting.leave(session, accounts.find(session, login), field_id, keep=not delete)

    site.write(change)
    click.echo("It is gone." if delete else f"It is {login}'s own now.")


def _row(way: str, field_id: int, fields: dict[int, str], who: str | None, state: str) -> dict[str, str]:
    return {"way": way, "person": who or "", "field": fields.get(field_id, ""), "id": str(field_id), "state": state}


def _field(session: Session, login: str, address: str) -> int:
    return choose_one(named_fields(session, accounts.find(session, login)), address).id


def _share(session: Session, login: str, owner: str, number: int) -> Share:
    carrier_id, owner_id = accounts.find(session, login), accounts.find(session, owner)
    return Share(owner_id, number, carrier_id)
