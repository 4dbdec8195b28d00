"""`evercard push`: devices that are told of changes at once, and the key by which push services know this server."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.errors import InvalidInput
from sync.push import keys, subscriptions
from sync.push.subscriptions import Listed


@click.group()
def push() -> None:
    """Devices that are told of changes at once."""


@push.command("list")
@click.argument("login", required=False)
@json_option
@pass_site
def list_subscriptions(site: Site, login: str | None, *, as_json: bool) -> None:
    """
    List which devices are registered for which address book, of everybody or of LOGIN alone.

    Of a push resource only the host is shown, because whoever knows more of it can call the device.
    """
    with site.read() as session:
        found = subscriptions.listed(session, accounts.find(session, login) if login else None)
    if as_json:
        print_json([_values(each) for each in found])
        return
    rows = [
        (
            each.login,
            each.device,
            each.collection or "(home)",
            each.host,
            day(each.expires_at),
            day(each.told_at),
            "" if each.failing_since is None else f"fails since {day(each.failing_since)}",
        )
        for each in found
    ]
    print_table(("Login", "Device", "Address book", "Push service", "Expires", "Last told", ""), rows)


@push.command("rotate-key")
@pass_site
def rotate_key(site: Site) -> None:
    """
    Make another key by which push services know this server.

    Every device is told, once, and registers anew when it next looks; until then it is called with the key that it
    knows.
    """
    if not site.database.settings.can_push:
        raise InvalidInput("This server tells no devices of changes; set base_url, and leave push on.")
    told = site.write(keys.rotate)
    click.echo(f"There is another key. {count(told, 'registration is', 'registrations are')} told by the worker.")


def _values(each: Listed) -> dict[str, object]:
    return {
        "login": each.login,
        "device": each.device,
        "address_book": each.collection or None,
        "push_service": each.host,
        "content": each.content,
        "properties": each.properties,
        "registered_at": moment(each.created_at),
        "expires_at": moment(each.expires_at),
        "told_at": moment(each.told_at),
        "waiting_since": moment(each.waiting_since),
        "failing_since": moment(each.failing_since),
    }
