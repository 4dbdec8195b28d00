"""`evercard device`: what people's phones and programs sign in with."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import id_of, of_one
from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.shared_books import access
from sync.sharing import phone_lists
from sync.sign_in import credentials

OFF = "off"

#: What can be chosen about shared address books.
_SHOWN = {"on": True, "off": False, "auto": None}


@click.group()
def device() -> None:
    """Phones and programs, each with a password of its own."""


@device.command("add")
@click.argument("login")
@click.argument("label")
@json_option
@pass_site
def add_device(site: Site, login: str, label: str, *, as_json: bool) -> None:
    """
    Let one more device in and print its password, once.

    LABEL is how the person knows the device, such as "Anna's phone".
    """
    device_id, secret = of_one(site, login, credentials.add_device, label)
    if as_json:
        print_json({"login": login.strip().lower(), "device": device_id, "password": secret})
        return
    click.echo(f"Login     {login.strip().lower()}")
    click.echo(f"Password  {secret}")
    click.echo("The password is shown only now. Hyphens and capitals make no difference.", err=True)


@device.command("list")
@click.argument("login")
@json_option
@pass_site
def list_devices(site: Site, login: str, *, as_json: bool) -> None:
    """List a person's devices."""
    with site.read() as session:
        found = credentials.devices(session, accounts.find(session, login))
    if as_json:
        print_json(
            [
                {
                    "device": each.id,
                    "label": each.label,
                    "added_at": moment(each.created_at),
                    "last_used_at": moment(each.last_used_at),
                    "synced_at": moment(each.synced_at),
                    "revoked_at": moment(each.revoked_at),
                    "lists": each.lists,
                }
                for each in found
            ]
        )
        return
    rows = [
        (
            str(each.id),
            each.label,
            day(each.created_at),
            day(each.last_used_at),
            "" if each.revoked_at is None else "revoked",
        )
        for each in found
    ]
    print_table(("Device", "Label", "Added", "Last used", ""), rows)


@device.command("lists")
@click.argument("login")
@click.argument("device_id", metavar="DEVICE")
@click.argument("choice", type=click.Choice((OFF, *phone_lists.CHOICES)))
@pass_site
def show_lists(site: Site, login: str, device_id: str, choice: str) -> None:
    """
    Choose whether a device shows the person's groups as lists.

    DEVICE is its number or its label. With "lists" they come as its program reads them, which for most is a list for
    each group; with "categories" each person's card names their groups. The device then fetches everything once.
    """

    def change(session: Session, account_id: int) -> None:
        phone_lists.choose(session, account_id, _in_use(session, account_id, device_id), _chosen(choice))

    of_one(site, login, change)
    click.echo("The device shows no lists." if choice == OFF else "The device shows the groups when it looks next.")


@device.command()
@click.argument("login")
@click.argument("device_id", metavar="DEVICE")
@pass_site
def revoke(site: Site, login: str, device_id: str) -> None:
    """
    Shut a device out, from its next request on.

    DEVICE is its number or its label.
    """

    def change(session: Session, account_id: int) -> None:
        credentials.revoke_device(session, account_id, _in_use(session, account_id, device_id))

    of_one(site, login, change)
    click.echo("The device is shut out.")


@device.command("shared")
@click.argument("login")
@click.argument("device_id", metavar="DEVICE")
@click.argument("choice", type=click.Choice(tuple(_SHOWN)))
@pass_site
def show_shared(site: Site, login: str, device_id: str, choice: str) -> None:
    """
    Choose whether a device is shown the address books that organisations share.

    DEVICE is its number or its label. With "auto" every program is but those of a Mac, which show one address book.
    """

    def change(session: Session, account_id: int) -> None:
        access.show(session, account_id, _in_use(session, account_id, device_id), choice=_SHOWN[choice])

    of_one(site, login, change)
    click.echo("The device notices when it looks for address books next.")


def _in_use(session: Session, account_id: int, wanted: str) -> int:
    """Return the id of the device of this number or label, which is not shut out."""
    in_use = [(each.id, each.label) for each in credentials.devices(session, account_id) if each.revoked_at is None]
    missing = f"There is no device {wanted!r} in use; `evercard device list` shows them."
    return id_of(in_use, wanted, "devices", missing)


def _chosen(choice: str) -> str | None:
    return None if choice == OFF else choice
