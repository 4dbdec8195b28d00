"""`evercard book`: address books that an organisation shares, of contacts without accounts."""

from __future__ import annotations

import click

from radicale_plugin.cli import files
from radicale_plugin.cli.acting import of_one
from radicale_plugin.cli.entry import take_over
from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.contacts import own_contacts
from sync.database import accounts
from sync.database.engine import Session
from sync.export import exporting
from sync.organisations import organisations
from sync.shared_books import access, books, past

_ROLE = click.Choice(books.ROLES)
#: Changes that are listed.
_LAST = 200


@click.group()
def book() -> None:
    """
    Address books of an organisation, of contacts without accounts.

    Its members find each of them beside their own address book, as readers or writers. What a reader changes is theirs
    alone.
    """


def _find(session: Session, label: str, title: str) -> books.About:
    return books.named(session, organisations.find(session, label).id, title)


@book.command()
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.option("--everybody", type=_ROLE, default="reader", show_default=True, help="What each member may do.")
@pass_site
def create(site: Site, label: str, title: str, everybody: str) -> None:
    """Make an address book of an organisation, without contacts."""
    site.write(lambda session: books.create(session, organisations.find(session, label).id, title, everybody))
    click.echo("The address book is made. Say who may write it with `evercard book grant`.")


@book.command("list")
@click.argument("label", metavar="ORGANISATION")
@json_option
@pass_site
def list_books(site: Site, label: str, *, as_json: bool) -> None:
    """List the address books of an organisation, and what was granted to single members."""
    with site.read() as session:
        found = books.of_organisation(session, organisations.find(session, label).id)
        roles = {each.id: books.granted(session, each.id) for each in found}
        names = accounts.logins(session, {key for granted in roles.values() for key in granted})
    granted = {key: {names.get(each, ""): role for each, role in sorted(those.items())} for key, those in roles.items()}
    if as_json:
        print_json(
            [
                {
                    "title": each.title,
                    "everybody": each.everybody,
                    "contacts": each.contacts,
                    "granted": granted[each.id],
                }
                for each in found
            ]
        )
        return
    rows = [
        (
            each.title,
            str(each.contacts),
            each.everybody,
            ", ".join(f"{who}: {role}" for who, role in granted[each.id].items()),
        )
        for each in found
    ]
    print_table(("Address book", "Contacts", "Everybody", "Others"), rows)


@book.command("of")
@click.argument("login")
@json_option
@pass_site
def list_of(site: Site, login: str, *, as_json: bool) -> None:
    """List the shared address books that a person sees, and what they may do with each."""
    with site.read() as session:
        found = access.books_of(session, accounts.find(session, login))
    rows = [(each.title, each.shared.role if each.shared is not None else "", each.path) for each in found]
    if as_json:
        print_json([{"title": title, "role": role, "path": path} for title, role, path in rows])
        return
    print_table(("Address book", "May be a", "Path"), rows)


@book.command()
@click.argument("login")
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.argument("role", type=_ROLE)
@pass_site
def grant(site: Site, login: str, label: str, title: str, role: str) -> None:
    """Say what one member may do with an address book, whatever everybody may."""

    def act(session: Session, account_id: int) -> None:
        books.grant(session, _find(session, label, title).id, account_id, role)

    of_one(site, login, act)
    click.echo(f"{login} is a {role} of {title}." if role != "none" else f"{login} does not see {title}.")


@book.command("take-back")
@click.argument("login")
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@pass_site
def take_back(site: Site, login: str, label: str, title: str) -> None:
    """Let a member do again what everybody may."""
    of_one(site, login, lambda session, key: books.take_back(session, _find(session, label, title).id, key))
    click.echo(f"{login} may do with {title} what everybody may.")


@book.command()
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.argument("role", type=_ROLE)
@pass_site
def everybody(site: Site, label: str, title: str, role: str) -> None:
    """Say what every member may do with an address book who was granted nothing else."""
    site.write(lambda session: books.set_everybody(session, _find(session, label, title).id, role))
    click.echo("Said; devices notice with their next synchronization.")


@book.command()
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.argument("new_title")
@pass_site
def rename(site: Site, label: str, title: str, new_title: str) -> None:
    """Give an address book another title."""
    site.write(lambda session: books.rename(session, _find(session, label, title).id, new_title))
    click.echo(f"It is called {new_title} now.")


@book.command()
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_site
def delete(site: Site, label: str, title: str, *, yes: bool) -> None:
    """Delete an address book with everything in it."""
    if not yes:
        click.confirm(f"Delete {title} with all its contacts?", abort=True)
    site.write(lambda session: books.remove(session, _find(session, label, title).id))
    click.echo(f"{title} is deleted.")


@book.command("contacts")
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@json_option
@pass_site
def list_contacts(site: Site, label: str, title: str, *, as_json: bool) -> None:
    """List the contacts of an address book by name."""
    with site.read() as session:
        key = _find(session, label, title).id
        rows = [(str(each.entry_id), each.name, each.reach) for each in own_contacts.everybody(session, key)]
    if as_json:
        print_json([{"contact": entry_id, "name": name, "reach": reach} for entry_id, name, reach in rows])
        return
    print_table(("Contact", "Name", "Number or address"), rows)


@book.command("import")
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.argument("file")
@pass_site
def import_file(site: Site, label: str, title: str, file: str) -> None:
    """
    Take the contacts of a vCard file over into an address book, for everybody who sees it.

    FILE may be - for standard input. What is there already stays as it is.
    """
    with site.read() as session:
        key = _find(session, label, title).id
    take_over(site, key, file, lambda session: past.noted(session, access.base(session, key), past.ADMINISTRATOR))


@book.command("export")
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.option("--output", "-o", "path", help="The file to write; standard output otherwise.")
@pass_site
def export_file(site: Site, label: str, title: str, path: str | None) -> None:
    """Write the contacts of an address book as one vCard file, as everybody has them."""
    with site.read() as session:
        data = exporting.everybodys(session, _find(session, label, title).id)
    if path is None:
        click.echo(data, nl=False)
        return
    files.write(path, data)


@book.command()
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@json_option
@pass_site
def history(site: Site, label: str, title: str, *, as_json: bool) -> None:
    """List who changed what in an address book, the last first."""
    with site.read() as session:
        found = past.changes(session, _find(session, label, title).id, count=_LAST)
        names = accounts.logins(session, {each.account_id for each in found})
    rows = [
        (
            f"{each.entry_id}@{each.before}" if each.is_kept else "",
            each.name,
            each.what,
            names.get(
                each.account_id, "command line" if each.account_id == past.ADMINISTRATOR else "somebody who left"
            ),
            each.changed_at,
        )
        for each in found
    ]
    if as_json:
        print_json(
            [
                {"version": version, "name": name, "what": what, "by": by, "changed": moment(at)}
                for version, name, what, by, at in rows
            ]
        )
        return
    shown = [(version, name, what, by, day(at)) for version, name, what, by, at in rows]
    print_table(("Before", "Name", "What", "By", "When"), shown)


@book.command()
@click.argument("label", metavar="ORGANISATION")
@click.argument("title")
@click.argument("version")
@pass_site
def restore(site: Site, label: str, title: str, version: str) -> None:
    """Give a contact back what it was before a change, as `book history` lists it; deleted ones come back."""
    entry_id, _, revision = version.partition("@")
    if not (entry_id.isdecimal() and revision.isdecimal()):
        raise click.UsageError("A version is written as `evercard book history` lists it, such as 123@45.")

    def change(session: Session) -> None:
        base = access.base(session, _find(session, label, title).id)
        past.restore(session, base, past.ADMINISTRATOR, int(entry_id), int(revision))

    site.write(change)
    click.echo("Restored; everybody's devices fetch it with their next synchronization.")
