"""`evercard holders`: who has a card, and whether it has reached their devices."""

from __future__ import annotations

import click

from radicale_plugin.cli.addressing import named_fields
from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.queries import previews
from sync.queries.previews import Holder


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
