"""`evercard entry`: contacts that are taken over, what devices replaced or deleted, and bringing it back."""

from __future__ import annotations

import contextlib

import click

from radicale_plugin.cli import output
from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site, read_file
from sync.books import restoring
from sync.contacts.importing import Noting, import_contacts
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound
from sync.revisions import address_books, versions


@click.command("import")
@click.argument("login")
@click.argument("file")
@pass_site
def import_entries(site: Site, login: str, file: str) -> None:
    """
    Take the contacts of a vCard file over as a person's own, for them alone.

    FILE may be - for standard input. What is there already stays as it is; cards that cannot be read are named. It can
    be run while the server runs, and again when it was interrupted.
    """
    with site.read() as session:
        account_id = accounts.find(session, login)
    take_over(site, account_id, file)


def take_over(site: Site, viewer_id: int, file: str, noting: Noting = lambda _: contextlib.nullcontext()) -> None:
    """
    Take the contacts of a file over into an address book, and say what became of them; *noting* is the engine's.

    Raises:
        InvalidInput: It is no such file.
    """
    data = read_file(file)
    try:
        with output.progress("Reading contacts", data.upper().count(b"BEGIN:VCARD")) as bar:

            def update(done: int, _: int) -> None:
                bar.update(done - bar.pos)

            result = import_contacts(site.database, viewer_id, data, update, noting=noting)
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from error
    for each in result.left_out:
        click.echo(f"Left out: {each.name or f'card {each.number}'}: {each.error}", err=True)
    for each in result.flawed:
        click.echo(f"Left out of {each.name or f'card {each.number}'}: {each.error}", err=True)
    if result.without_photo:
        click.echo(f"{count(result.without_photo, 'picture')} too large and left out.", err=True)
    click.echo(f"{count(result.added, 'contact')} added, {result.known} there already.")


@click.group()
def entry() -> None:
    """What a person's devices wrote: private contacts, and additions to other people's cards."""


@entry.command("versions")
@click.argument("login")
@json_option
@pass_site
def entry_versions(site: Site, login: str, *, as_json: bool) -> None:
    """List what devices of a person replaced or deleted and what can be restored."""
    with site.read() as session:
        kept = versions.of_person(session, accounts.find(session, login))
        rows = [(f"{found.id}@{version.revision}", found, version.replaced_at) for found, version in kept]
    if as_json:
        print_json(
            [
                {"version": name, "entry": found.href, "kind": found.kind, "state": found.state, "replaced": moment(at)}
                for name, found, at in rows
            ]
        )
        return
    print_table(
        ("Version", "Entry", "Kind", "Replaced"),
        [(name, found.href, f"{found.kind}, {found.state}", day(at)) for name, found, at in rows],
    )


@entry.command("restore")
@click.argument("login")
@click.argument("version")
@pass_site
def entry_restore(site: Site, login: str, version: str) -> None:
    """Give an entry back what it had in VERSION, as `entry versions` lists it; deleted ones come back."""
    entry_id, _, revision = version.partition("@")
    if not (entry_id.isdecimal() and revision.isdecimal()):
        raise click.UsageError("A version is written as `evercard entry versions` lists it, such as 123@45.")

    def change(session: Session) -> None:
        book = address_books.find_book(session, accounts.find(session, login), address_books.CONTACTS_PATH)
        if book is None:
            raise NotFound("This person has no address book.")
        restoring.restore(session, book, int(entry_id), int(revision))

    site.write(change)
    click.echo(f"Restored; the devices of {login} fetch it with their next synchronization.")
