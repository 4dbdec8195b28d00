"""Commands about two people: connecting them, and what the one has of the other."""

from __future__ import annotations

import click

from radicale_plugin.cli.addressing import named_fields
from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.database import accounts
from sync.database.engine import Session
from sync.sharing import connections, groups, previews
from sync.sharing.previews import Holder
from sync.sharing.visibility import STRANGER


@click.command()
@click.argument("one")
@click.argument("other")
@pass_site
def connect(site: Site, one: str, other: str) -> None:
    """Put two people into each other's address book."""
    site.write(lambda session: connections.connect(session, accounts.find(session, one), accounts.find(session, other)))
    click.echo(f"{one} and {other} are in each other's address book; each sees what the other shows to strangers.")


@click.command()
@click.argument("one")
@click.argument("other")
@click.option("--keep", is_flag=True, help="Let ONE keep OTHER's card, with what they added, as a private contact.")
@pass_site
def disconnect(site: Site, one: str, other: str, *, keep: bool) -> None:
    """Take two people out of each other's address book and groups."""

    def change(session: Session) -> None:
        meeting.disconnect(session, accounts.find(session, one), accounts.find(session, other), keep=keep)

    site.write(change)
    click.echo(f"{one} and {other} are no longer connected.")


@click.command()
@click.argument("viewer")
@json_option
@pass_site
def hidden(site: Site, viewer: str, *, as_json: bool) -> None:
    """List whom a person deleted on a device; they are still connected."""
    with site.read() as session:
        owners = connections.hidden_from(session, accounts.find(session, viewer))
        logins = sorted(accounts.logins(session, owners).values())
    if as_json:
        print_json(logins)
        return
    for login in logins:
        click.echo(login)


@click.command()
@click.argument("viewer")
@click.argument("owner")
@pass_site
def show(site: Site, viewer: str, owner: str) -> None:
    """Bring back to VIEWER's devices the entry of OWNER that was deleted there."""
    site.write(lambda session: connections.show(session, accounts.find(session, viewer), accounts.find(session, owner)))
    click.echo(f"{viewer} has {owner} again.")


@click.command()
@click.argument("owner")
@click.option("--person", metavar="LOGIN", help="What this person has, or would have as a stranger.")
@click.option("--group", "name", metavar="NAME", help="What somebody has who is in this group alone.")
@click.option("--stranger", is_flag=True, help="What anybody may see.")
@click.option("--vcard-version", type=click.Choice(["3.0", "4.0"]), default="3.0", show_default=True)
@json_option
@pass_site
def preview(
    site: Site, owner: str, person: str | None, name: str | None, vcard_version: str, *, stranger: bool, as_json: bool
) -> None:
    """Show OWNER's card as others get it."""
    if (person is not None) + (name is not None) + stranger != 1:
        raise click.UsageError("Say one of --person, --group and --stranger.")
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        if person is not None:
            text = previews.for_person(session, owner_id, accounts.find(session, person), vcard_version)
        elif name is not None:
            text = previews.for_group(session, owner_id, groups.find(session, owner_id, name).id, vcard_version)
        else:
            text = previews.for_audience(session, owner_id, STRANGER, vcard_version)
    if as_json:
        print_json({"owner": owner, "person": person, "group": name, "version": vcard_version, "vcard": text})
    else:
        click.echo(text.encode(), nl=False)


@click.command()
@click.argument("owner")
@json_option
@pass_site
def holders(site: Site, owner: str, *, as_json: bool) -> None:
    """List who has OWNER's card, with which fields, and whether it has reached their devices."""
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        names = {field.id: field.name for field in named_fields(session, owner_id)}
        found = previews.holders(session, owner_id)
        listed = [(holder, [names[field.id] for field in holder.fields]) for holder in found]
    if as_json:
        print_json([_as_json(holder, fields) for holder, fields in listed])
        return
    rows = [
        (holder.login, ", ".join(holder.groups), ", ".join(fields), day(holder.changed_at), _arrived(holder))
        for holder, fields in listed
    ]
    print_table(("Holder", "Groups", "Has", "Since", "Devices"), rows)


def _arrived(holder: Holder) -> str:
    if holder.hidden:
        return "deleted there"
    current = sum(device.current for device in holder.devices)
    return f"{current} of {count(len(holder.devices), 'device')} up to date" if holder.devices else "no device"


def _as_json(holder: Holder, fields: list[str]) -> dict[str, object]:
    return {
        "login": holder.login,
        "groups": holder.groups,
        "fields": fields,
        "revision": holder.revision,
        "changed_at": moment(holder.changed_at),
        "hidden": holder.hidden,
        "devices": [
            {
                "revision": device.revision,
                "synced_at": moment(device.synced_at),
                "last_used_at": moment(device.last_used_at),
                "current": device.current,
            }
            for device in holder.devices
        ],
    }
