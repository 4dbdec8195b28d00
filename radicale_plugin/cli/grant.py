"""`evercard grant`: who may see what."""

from __future__ import annotations

from collections.abc import Callable

import click

from radicale_plugin.cli.acting import connected
from radicale_plugin.cli.addressing import choose, named_fields
from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from radicale_plugin.cli.until import UNTIL, Until, When
from sync.database import accounts
from sync.database.engine import Session
from sync.ends import local_time, setting
from sync.ends.targets import Target
from sync.sharing import grants, groups


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
@click.option("--until", type=When(), help=UNTIL)
@pass_site
def give(site: Site, owner: str, name: str, addresses: tuple[str, ...], until: Until | None) -> None:
    """Let the members of a group see fields, from now on; `strangers` is anybody."""

    def act(session: Session, owner_id: int, group_id: int, field_ids: list[int]) -> None:
        grants.grant(session, owner_id, group_id, field_ids)
        if until is not None:
            for field_id in field_ids:
                setting.set_end(session, owner_id, Target(group_id=group_id, field_id=field_id), *until)

    _grant(site, owner, name, addresses, act)
    click.echo(f"{name} may see {', '.join(addresses)}{f' until {local_time.said(*until)}' if until else ''}.")


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
@click.option("--show", is_flag=True, help="Show the fields, whatever the person's groups say.")
@click.option("--withhold", is_flag=True, help="Withhold the fields.")
@click.option("--clear", is_flag=True, help="Follow the groups again.")
@pass_site
def make_exception(
    site: Site, owner: str, person: str, addresses: tuple[str, ...], *, show: bool, withhold: bool, clear: bool
) -> None:
    """Make an exception for one person."""
    verdicts = {"show": show, "withhold": withhold, "clear": clear}
    said = [verdict for verdict, is_said in verdicts.items() if is_said]
    if len(said) != 1:
        raise click.UsageError("Say one of --show, --withhold and --clear.")
    verdict = said[0]
    allowed = {"show": True, "withhold": False}.get(verdict)

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        fields = choose(named_fields(session, owner_id), addresses)
        viewer_id = connected(session, owner, person)
        grants.except_person(session, owner_id, viewer_id, [field.id for field in fields], allowed=allowed)

    site.write(change)
    words = {"show": "also sees", "withhold": "does not see", "clear": "sees by group again"}
    click.echo(f"{person} {words[verdict]} {', '.join(addresses)}.")
