"""`evercard profile history`, `evercard profile restore` and `evercard entry`: what was, and bringing it back."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.books import restoring
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import NotFound
from sync.fields import FieldContent
from sync.profiles import profiles
from sync.revisions import address_books, versions
from sync.sharing import history


@click.command("history")
@click.argument("login")
@click.option("--state", type=int, help="Show the fields of this state.")
@json_option
@pass_site
def profile_history(site: Site, login: str, state: int | None, *, as_json: bool) -> None:
    """List the states that a profile had, or show one of them."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        if state is not None:
            _print_state(session, owner_id, state, as_json=as_json)
            return
        states = [
            (found.version, found.changed_at, len(history.fields_at(session, owner_id, found.version)))
            for found in history.states(session, owner_id)
        ]
    if as_json:
        print_json([{"state": number, "since": moment(at), "fields": fields} for number, at, fields in states])
        return
    rows = [(str(number), day(at), count(fields, "field")) for number, at, fields in states]
    print_table(("State", "Since", "Has"), rows)


@click.command("restore")
@click.argument("login")
@click.argument("state", type=int)
@pass_site
def profile_restore(site: Site, login: str, state: int) -> None:
    """
    Give a profile the fields of an earlier state back.

    Who was granted a field that was deleted since is not granted it again.
    """
    changed = site.write(lambda session: profiles.restore(session, accounts.find(session, login), state))
    click.echo(f"{count(changed, 'field')} of {login} changed; `evercard profile history {login}` has what was before.")


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


def _print_state(session: Session, owner_id: int, state: int, *, as_json: bool) -> None:
    fields = [FieldContent.load(found.kind, found.content) for found in history.fields_at(session, owner_id, state)]
    if as_json:
        print_json([{"kind": field.kind, "label": field.label, "value": field.text()} for field in fields])
        return
    print_table(("Kind", "Label", "Value"), [(field.kind, field.label, field.text()) for field in fields])
