"""`evercard group`: who is what to a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate

import click

from radicale_plugin.cli.acting import Given, connected, of_one
from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.sharing import groups
from sync.sharing.visibility import CONNECTIONS, STRANGERS

#: Who is in the groups that have no members of their own.
_BUILT_IN = {STRANGERS: "anybody", CONNECTIONS: "everybody connected"}


@click.group()
def group() -> None:
    """
    Groups of the people whom a person is connected to.

    Two are built in: what is granted to strangers, anybody may see; what is granted to connections, everybody whom
    the person is connected to.
    """


@group.command("list")
@click.argument("owner")
@json_option
@pass_site
def list_groups(site: Site, owner: str, *, as_json: bool) -> None:
    """List a person's groups and who is in them."""
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        found = [(each, _members(session, owner_id, each.id)) for each in groups.groups_of(session, owner_id)]
    if as_json:
        print_json([{"group": each.name, "kind": each.kind, "members": members} for each, members in found])
        return
    rows = [(each.name, _BUILT_IN.get(each.kind, ", ".join(members))) for each, members in found]
    print_table(("Group", "Members"), rows)


def _members(session: Session, owner_id: int, group_id: int) -> list[str]:
    return sorted(accounts.logins(session, groups.members(session, owner_id, group_id)).values())


@group.command()
@click.argument("owner")
@click.argument("name")
@pass_site
def create(site: Site, owner: str, name: str) -> None:
    """Make a group."""
    of_one(site, owner, groups.create, name)
    click.echo("The group is made.")


@group.command()
@click.argument("owner")
@click.argument("name")
@click.argument("new_name")
@pass_site
def rename(site: Site, owner: str, name: str, new_name: str) -> None:
    """Give a group another name, which only its owner ever sees."""
    of_one(site, owner, _with_group, name, groups.rename, new_name)
    click.echo("The group is renamed.")


@group.command()
@click.argument("owner")
@click.argument("name")
@pass_site
def delete(site: Site, owner: str, name: str) -> None:
    """Delete a group with its grants. Its members stay connected."""
    of_one(site, owner, _with_group, name, groups.remove)
    click.echo("The group is deleted.")


@group.command("add")
@click.argument("owner")
@click.argument("name")
@click.argument("people", metavar="PERSON...", nargs=-1, required=True)
@pass_site
def add_people(site: Site, owner: str, name: str, people: tuple[str, ...]) -> None:
    """Put people into a group."""
    _for_each(site, owner, name, people, groups.add_member)
    click.echo(f"{', '.join(people)} added.")


@group.command("remove")
@click.argument("owner")
@click.argument("name")
@click.argument("people", metavar="PERSON...", nargs=-1, required=True)
@pass_site
def remove_people(site: Site, owner: str, name: str, people: tuple[str, ...]) -> None:
    """Take people out of a group."""
    _for_each(site, owner, name, people, groups.remove_member)
    click.echo(f"{', '.join(people)} removed.")


def _with_group(
    session: Session,
    owner_id: int,
    name: str,
    act: Callable[Concatenate[Session, int, int, Given], None],
    *given: Given.args,
    **named: Given.kwargs,
) -> None:
    act(session, owner_id, groups.find(session, owner_id, name).id, *given, **named)


def _for_each(
    site: Site, owner: str, name: str, people: tuple[str, ...], act: Callable[[Session, int, int, int], None]
) -> None:
    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        group_id = groups.find(session, owner_id, name).id
        for person in people:
            act(session, owner_id, group_id, connected(session, owner, person))

    site.write(change)
