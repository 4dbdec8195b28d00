"""`evercard proposal`: what devices that show groups as lists made of these."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import connected
from radicale_plugin.cli.output import json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.sharing import groups, phone_lists


@click.group()
def proposal() -> None:
    """Whom devices moved between the lists of groups. Nothing changes by it until somebody agrees."""


@proposal.command("list")
@click.argument("login")
@json_option
@pass_site
def list_proposals(site: Site, login: str, *, as_json: bool) -> None:
    """List what LOGIN's devices propose."""
    with site.read() as session:
        found = phone_lists.proposals(session, accounts.find(session, login))
        logins = accounts.logins(session, {each.person_id for each in found})
    rows = [(each, logins.get(each.person_id, ""), "in" if each.is_in else "out") for each in found]
    if as_json:
        print_json([{**_told(each), "person": who, "proposed": way} for each, who, way in rows])
        return
    print_table(
        ("Group", "Person", "Proposed", "Device"), [(each.group, who, way, each.device) for each, who, way in rows]
    )


@proposal.command()
@click.argument("login")
@click.argument("group")
@click.argument("person")
@pass_site
def accept(site: Site, login: str, group: str, person: str) -> None:
    """Put PERSON into LOGIN's GROUP or take them out of it, as a device proposed, with all that they may see by it."""
    site.write(lambda session: phone_lists.accept(session, *_named(session, login, group, person)))
    click.echo("It is done.")


@proposal.command()
@click.argument("login")
@click.argument("group")
@click.argument("person")
@pass_site
def dismiss(site: Site, login: str, group: str, person: str) -> None:
    """Leave GROUP as it is."""
    site.write(lambda session: phone_lists.dismiss(session, *_named(session, login, group, person)))
    click.echo("The group stays as it is.")


def _told(each: phone_lists.Proposal) -> dict[str, object]:
    return {"group": each.group, "device": each.device, "at": moment(each.proposed_at)}


def _named(session: Session, login: str, group: str, person: str) -> tuple[int, int, int]:
    owner_id = accounts.find(session, login)
    return owner_id, groups.find(session, owner_id, group).id, connected(session, login, person)
