"""`evercard group` and `evercard grant`: who is what to a person, and who may see what."""

from __future__ import annotations

from collections.abc import Callable

import click

from radicale_plugin.cli.addressing import choose, named_fields
from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import NotFound
from sync.sharing import connections, grants, groups
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
    site.write(lambda session: groups.create(session, accounts.find(session, owner), name))
    click.echo("The group is made.")


@group.command()
@click.argument("owner")
@click.argument("name")
@click.argument("new_name")
@pass_site
def rename(site: Site, owner: str, name: str, new_name: str) -> None:
    """Give a group another name, which only its owner ever sees."""

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        groups.rename(session, owner_id, groups.find(session, owner_id, name).id, new_name)

    site.write(change)
    click.echo("The group is renamed.")


@group.command()
@click.argument("owner")
@click.argument("name")
@pass_site
def delete(site: Site, owner: str, name: str) -> None:
    """Delete a group with its grants. Its members stay connected."""

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        groups.remove(session, owner_id, groups.find(session, owner_id, name).id)

    site.write(change)
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


def _for_each(
    site: Site, owner: str, name: str, people: tuple[str, ...], act: Callable[[Session, int, int, int], None]
) -> None:
    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        group_id = groups.find(session, owner_id, name).id
        for person in people:
            act(session, owner_id, group_id, connected(session, owner, person))

    site.write(change)


def connected(session: Session, owner: str, person: str) -> int:
    """
    Return the id of a *person* whom *owner* is connected to.

    Raises:
        NotFound: There is no such person, or the two are not connected.
    """
    viewer_id = accounts.find(session, person)
    if not connections.is_connected(session, accounts.find(session, owner), viewer_id):
        raise NotFound(f"{owner} and {person} are not connected; see `evercard connect`.")
    return viewer_id


@click.group()
def grant() -> None:
    """Which group may see which fields; and exceptions for single people."""


@grant.command("list")
@click.argument("owner")
@json_option
@pass_site
def list_grants(site: Site, owner: str, *, as_json: bool) -> None:
    """List what each group may see, and the exceptions."""
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        names = {field.id: field.name for field in named_fields(session, owner_id)}
        of_person = groups.groups_of(session, owner_id)
        granted = {each.name: grants.granted(session, owner_id, each.id) for each in of_person}
        exceptions = grants.exceptions_of(session, owner_id)
        logins = accounts.logins(session, exceptions)
    by_group = {name: [names[field_id] for field_id in names if field_id in fields] for name, fields in granted.items()}
    by_person = {
        logins.get(viewer_id, ""): {names[field_id]: allowed for field_id, allowed in fields.items()}
        for viewer_id, fields in exceptions.items()
    }
    if as_json:
        print_json({"groups": by_group, "exceptions": by_person})
        return
    print_table(("Group", "May see"), [(name, ", ".join(fields)) for name, fields in by_group.items()])
    for login, fields in sorted(by_person.items()):
        words = (f"{'also' if allowed else 'not'} {name}" for name, allowed in sorted(fields.items()))
        click.echo(f"Except {login}: {', '.join(words)}")


@grant.command()
@click.argument("owner")
@click.argument("name", metavar="GROUP")
@click.argument("addresses", metavar="FIELD...", nargs=-1, required=True)
@pass_site
def give(site: Site, owner: str, name: str, addresses: tuple[str, ...]) -> None:
    """Let the members of a group see fields, from now on; `strangers` is anybody."""
    _grant(site, owner, name, addresses, grants.grant)
    click.echo(f"{name} may see {', '.join(addresses)}.")


@grant.command()
@click.argument("owner")
@click.argument("name", metavar="GROUP")
@click.argument("addresses", metavar="FIELD...", nargs=-1, required=True)
@pass_site
def take(site: Site, owner: str, name: str, addresses: tuple[str, ...]) -> None:
    """Take fields back from a group. It works at once, for everybody who asks."""
    _grant(site, owner, name, addresses, grants.take_back)
    click.echo(f"{name} no longer gives {', '.join(addresses)}.")


def _grant(
    site: Site,
    owner: str,
    name: str,
    addresses: tuple[str, ...],
    act: Callable[[Session, int, int, list[int]], None],
) -> None:
    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        fields = choose(named_fields(session, owner_id), addresses)
        act(session, owner_id, groups.find(session, owner_id, name).id, [field.id for field in fields])

    site.write(change)


@grant.command("except")
@click.argument("owner")
@click.argument("person")
@click.argument("addresses", metavar="FIELD...", nargs=-1, required=True)
@click.option("--show", "verdict", flag_value="show", help="Show the fields, whatever the person's groups say.")
@click.option("--withhold", "verdict", flag_value="withhold", help="Withhold the fields.")
@click.option("--clear", "verdict", flag_value="clear", help="Follow the groups again.")
@pass_site
def make_exception(site: Site, owner: str, person: str, addresses: tuple[str, ...], verdict: str | None) -> None:
    """Make an exception for one person."""
    if verdict is None:
        raise click.UsageError("Say --show, --withhold or --clear.")
    allowed = {"show": True, "withhold": False}.get(verdict)

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        fields = choose(named_fields(session, owner_id), addresses)
        viewer_id = connected(session, owner, person)
        grants.except_person(session, owner_id, viewer_id, [field.id for field in fields], allowed=allowed)

    site.write(change)
    words = {"show": "also sees", "withhold": "does not see", "clear": "sees by group again"}
    click.echo(f"{person} {words[verdict]} {', '.join(addresses)}.")
