"""`evercard user export`, `user delete` and `entry import`: people move in with their contacts, and out again."""

from __future__ import annotations

from pathlib import Path

import click

from radicale_plugin.cli.output import count
from radicale_plugin.cli.site import Site, pass_site, read_file
from sync.accounts import deletion
from sync.books import exporting
from sync.books.importing import import_contacts
from sync.database import accounts
from sync.errors import InvalidInput


@click.command("export")
@click.argument("login")
@click.option("--output", "-o", "path", help="The file to write; standard output otherwise.")
@pass_site
def export_user(site: Site, login: str, path: str | None) -> None:
    """Write a ZIP archive of everything that is a person's: card, address book, groups, decisions."""
    with site.read() as session:
        archive = exporting.export(session, accounts.find(session, login))
    if path is None:
        click.echo(archive, nl=False)
        return
    try:
        Path(path).write_bytes(archive)
    except OSError as error:
        raise InvalidInput(f"The file {path!r} cannot be written: {error.strerror}.") from error


@click.command("delete")
@click.argument("login")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_site
def delete_user(site: Site, login: str, *, yes: bool) -> None:
    """
    Delete a person's account, with everything that is theirs.

    Everybody who has their card loses it at the next synchronization. Nobody can ever have the login again.
    """
    with site.read() as session:
        account_id = accounts.find(session, login)
    if not yes:
        click.confirm(f"Delete everything of {login}'s? It cannot be brought back", abort=True)
    deletion.leave(site.database, account_id)
    click.echo(f"{login} is deleted; devices lose the card at their next synchronization.")


@click.command("import")
@click.argument("login")
@click.argument("file")
@pass_site
def import_entries(site: Site, login: str, file: str) -> None:
    """
    Take the contacts of a vCard file over as a person's own, for them alone.

    FILE may be - for standard input. What is there already stays as it is; cards that cannot be read are named.
    """
    with site.read() as session:
        account_id = accounts.find(session, login)
    try:
        result = import_contacts(site.database, account_id, read_file(file))
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error
    for each in result.left_out:
        click.echo(f"Left out: {each.name or f'card {each.number}'}: {each.error}", err=True)
    for each in result.flawed:
        click.echo(f"Left out of {each.name or f'card {each.number}'}: {each.error}", err=True)
    if result.without_photo:
        click.echo(f"{count(result.without_photo, 'picture')} too large and left out.", err=True)
    click.echo(f"{count(result.added, 'contact')} added, {result.known} there already.")
