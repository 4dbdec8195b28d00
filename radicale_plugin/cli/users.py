"""`evercard user` and `evercard device`: people, and what they sign in with."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from radicale_plugin.cli.output import day, json_option, moment, octets, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.accounts import credentials, registration, usage
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound


@click.group()
def user() -> None:
    """People who have an account here."""


@user.command("add")
@click.argument("login")
@pass_site
def add_user(site: Site, login: str) -> None:
    """Register a person."""
    site.write(lambda session: registration.create(session, login))
    click.echo(f"{login.strip().lower()} is registered. Next: `evercard profile set {login} name …`")


@user.command("list")
@json_option
@pass_site
def list_users(site: Site, *, as_json: bool) -> None:
    """List everybody."""
    with site.read() as session:
        people = accounts.everybody(session)
    if as_json:
        print_json(
            [
                {
                    "login": person.login,
                    "registered_at": moment(person.created_at),
                    "disabled_at": moment(person.disabled_at),
                    "has_password": person.password_hash is not None,
                }
                for person in people
            ]
        )
        return
    rows = [
        (person.login, day(person.created_at), "disabled" if person.disabled_at is not None else "")
        for person in people
    ]
    print_table(("Login", "Registered", ""), rows)


@user.command("usage")
@json_option
@pass_site
def show_usage(site: Site, *, as_json: bool) -> None:
    """Show how much room everybody takes, whoever takes most first."""
    with site.read() as session:
        found = sorted(usage.of_everybody(session), key=lambda each: -each.octets)
    if as_json:
        print_json([{**asdict(each), "octets": each.octets} for each in found])
        return
    rows = [
        (each.login, *map(octets, (each.octets, each.profile, each.history, each.contacts, each.versions)))
        for each in found
    ]
    print_table(("Login", "Together", "Card", "Its past", "Contacts", "Versions"), rows)


@user.command()
@click.argument("login")
@pass_site
def disable(site: Site, login: str) -> None:
    """Shut a person's devices out. What others hold of the person stays."""
    site.write(lambda session: registration.set_disabled(session, accounts.find(session, login), disabled=True))
    click.echo(f"Nothing of {login}'s can be opened any more.")


@user.command()
@click.argument("login")
@pass_site
def enable(site: Site, login: str) -> None:
    """Let a disabled person in again."""
    site.write(lambda session: registration.set_disabled(session, accounts.find(session, login), disabled=False))
    click.echo(f"{login} is let in again.")


@user.command()
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@pass_site
def password(site: Site, login: str, *, password_stdin: bool) -> None:
    """Set a person's own password. It opens no address book; devices have passwords of their own."""
    with site.read() as session:
        accounts.find(session, login)
    if not password_stdin and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password; use --password-stdin.")
    chosen = _from_stdin() if password_stdin else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    site.write(lambda session: credentials.set_password(session, accounts.find(session, login), chosen))
    click.echo(f"The password of {login} is set.")


def _from_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("The password is not UTF-8 text.") from error


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

    def add(session: Session) -> tuple[int, str]:
        return credentials.add_device(session, accounts.find(session, login), label)

    device_id, secret = site.write(add)
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


@device.command()
@click.argument("login")
@click.argument("device_id", metavar="DEVICE")
@pass_site
def revoke(site: Site, login: str, device_id: str) -> None:
    """
    Shut a device out, from its next request on.

    DEVICE is its number or its label.
    """

    def change(session: Session) -> None:
        account_id = accounts.find(session, login)
        credentials.revoke_device(session, account_id, _device(session, account_id, device_id))

    site.write(change)
    click.echo("The device is shut out.")


def _device(session: Session, account_id: int, wanted: str) -> int:
    in_use = [each for each in credentials.devices(session, account_id) if each.revoked_at is None]
    found = [each.id for each in in_use if wanted in (str(each.id), each.label)]
    if not found:
        raise NotFound(f"There is no device {wanted!r} that could be shut out; `evercard device list` shows them.")
    if len(found) > 1:
        raise InvalidInput(f"Several devices have this label; give a number: {', '.join(map(str, found))}.")
    return found[0]
