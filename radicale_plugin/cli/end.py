"""`evercard end`: what a person gave until a certain time."""

from __future__ import annotations

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
from sync.sharing import groups

_PERSON = click.option("--person", "is_person", is_flag=True, help="WHOM is a person, not a group.")


@click.group()
def end() -> None:
    """
    What a person gave until a certain time.

    WHOM is a group or, with --person, somebody whom OWNER is connected to. With fields, these alone end for them;
    without, it is all that the group sees, or the connection.
    """


@end.command("list")
@click.argument("owner")
@json_option
@pass_site
def list_ends(site: Site, owner: str, *, as_json: bool) -> None:
    """List what ends, the soonest first."""
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        found = setting.ends_of(session, owner_id)
        fields = {field.id: field.name for field in named_fields(session, owner_id)}
        named = {group.id: group.name for group in groups.groups_of(session, owner_id)}
        people = accounts.logins(session, [each.target.viewer_id for each in found if each.target.viewer_id])
    rows = [
        {
            "group": named.get(each.target.group_id or 0),
            "person": people.get(each.target.viewer_id or 0),
            "field": fields.get(each.target.field_id or 0),
            "until": local_time.said(each.at, each.utc_offset),
        }
        for each in found
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("For", "What", "Until"),
        [(row["group"] or row["person"] or "", row["field"] or "everything", row["until"] or "") for row in rows],
    )


@end.command("set")
@click.argument("owner")
@click.argument("whom")
@click.argument("addresses", metavar="[FIELD]...", nargs=-1)
@click.option("--until", type=When(), required=True, help=UNTIL)
@_PERSON
@pass_site
def set_end(site: Site, owner: str, whom: str, addresses: tuple[str, ...], until: Until, *, is_person: bool) -> None:
    """Let something end at a time, on the minute."""

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        for target in _targets(session, owner, whom, addresses, is_person=is_person):
            setting.set_end(session, owner_id, target, *until)

    site.write(change)
    click.echo(f"It ends at {local_time.said(*until)}.")


@end.command()
@click.argument("owner")
@click.argument("whom")
@click.argument("addresses", metavar="[FIELD]...", nargs=-1)
@_PERSON
@pass_site
def keep(site: Site, owner: str, whom: str, addresses: tuple[str, ...], *, is_person: bool) -> None:
    """Let something go on for good that was to end."""

    def change(session: Session) -> None:
        owner_id = accounts.find(session, owner)
        for target in _targets(session, owner, whom, addresses, is_person=is_person):
            setting.keep(session, owner_id, target)

    site.write(change)
    click.echo("It is kept, without an end.")


def _targets(session: Session, owner: str, whom: str, addresses: tuple[str, ...], *, is_person: bool) -> list[Target]:
    owner_id = accounts.find(session, owner)
    if is_person:
        ids = {"viewer_id": connected(session, owner, whom)}
    else:
        ids = {"group_id": groups.find(session, owner_id, whom).id}
    if not addresses:
        return [Target(**ids)]
    return [Target(**ids, field_id=field.id) for field in choose(named_fields(session, owner_id), addresses)]
