"""`evercard profile`: what a person keeps about themselves, and every state that it had."""

from __future__ import annotations

import click

from radicale_plugin.cli import files
from radicale_plugin.cli.acting import of_one
from radicale_plugin.cli.addressing import NamedField, choose, named_fields
from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site, read_file
from radicale_plugin.cli.values import Value, add, change, value_options
from sync import vcard
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput, InvalidVCard
from sync.fields import CATALOGUE, FieldContent, without_broken_photos
from sync.fields.labels import is_default
from sync.merging import intake
from sync.profiles import profiles
from sync.sharing import grants, groups, history


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
    changed = of_one(site, login, profiles.restore, state)
    click.echo(f"{count(changed, 'field')} of {login} changed; `evercard profile history {login}` has what was before.")


def _print_state(session: Session, owner_id: int, state: int, *, as_json: bool) -> None:
    fields = [FieldContent.load(found.kind, found.content) for found in history.fields_at(session, owner_id, state)]
    if as_json:
        print_json([{"kind": field.kind, "label": field.label, "value": field.text()} for field in fields])
        return
    print_table(("Kind", "Label", "Value"), [(field.kind, field.label, field.text()) for field in fields])


#: A value may begin with a hyphen: a birthday without a year, a latitude in the south.
_HYPHENS = {"ignore_unknown_options": True}


@click.group()
def profile() -> None:
    """
    What a person keeps about themselves.

    A FIELD is named by its kind, such as mobile; where there are several, by its place or its label as well: mobile:2,
    "mobile:Hong Kong". `profile show` prints the names, `profile kinds` the kinds.
    """


@profile.command()
@click.argument("login")
@json_option
@pass_site
def show(site: Site, login: str, *, as_json: bool) -> None:
    """Show a profile, and who may see what of it."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        fields = named_fields(session, owner_id)
        seen = _Seen(session, owner_id)
    if as_json:
        print_json([_as_json(field, seen) for field in fields])
        return
    rows = [(field.name, _own_label(field), field.content.text(), seen.words(field.id)) for field in fields]
    print_table(("Field", "Label", "Value", "Seen by"), rows)


def _own_label(field: NamedField) -> str:
    return "" if is_default(field.content.kind, field.content.label) else field.content.label


class _Seen:
    """Who may see each field of a profile: groups, and single people as exceptions."""

    def __init__(self, session: Session, owner_id: int) -> None:
        of_groups = groups.groups_of(session, owner_id)
        self._groups = [(group.name, grants.granted(session, owner_id, group.id)) for group in of_groups]
        self._exceptions = grants.exceptions_of(session, owner_id)
        self._logins = accounts.logins(session, self._exceptions)

    def groups(self, field_id: int) -> list[str]:
        return [name for name, granted in self._groups if field_id in granted]

    def people(self, field_id: int, *, allowed: bool) -> list[str]:
        return sorted(
            self._logins.get(viewer_id, "")
            for viewer_id, fields in self._exceptions.items()
            if fields.get(field_id) is allowed
        )

    def words(self, field_id: int) -> str:
        shown, withheld = self.people(field_id, allowed=True), self.people(field_id, allowed=False)
        text = ", ".join([*self.groups(field_id), *shown])
        return f"{text} but not {', '.join(withheld)}" if withheld else text


def _as_json(field: NamedField, seen: _Seen) -> dict[str, object]:
    return {
        "field": field.name,
        "id": str(field.id),
        "kind": field.content.kind,
        "label": field.content.label,
        "value": field.content.text(),
        "groups": seen.groups(field.id),
        "shown_to": seen.people(field.id, allowed=True),
        "withheld_from": seen.people(field.id, allowed=False),
    }


@profile.command()
def kinds() -> None:
    """List the kinds of fields, each with an example."""
    print_table(("Kind", "", "Example"), [(kind.key, kind.title, kind.example) for kind in CATALOGUE.values()])
    click.echo("x:NAME is any other property of a vCard, such as x:logo.")


@profile.command("set", context_settings=_HYPHENS)
@click.argument("login")
@click.argument("address", metavar="[FIELD]", required=False)
@click.argument("text", metavar="[VALUE]", required=False)
@value_options
@pass_site
def set_field(site: Site, login: str, address: str | None, text: str | None, value: Value) -> None:
    """
    Give a field another value; whoever was granted it sees the new one.

    Where the profile has no field of this kind yet, it is added.
    """
    given = value.read(address, text)
    name, added = of_one(site, login, change, given)
    click.echo(f"{name} is {'added; nobody but the owner sees it yet' if added else 'changed'}.")


@profile.command("add", context_settings=_HYPHENS)
@click.argument("login")
@click.argument("kind", required=False)
@click.argument("text", metavar="[VALUE]", required=False)
@value_options
@pass_site
def add_field(site: Site, login: str, kind: str | None, text: str | None, value: Value) -> None:
    """Add another field; nobody but the owner sees it until it is granted."""
    given = value.read(kind, text)
    name = of_one(site, login, add, given)
    click.echo(f"{name} is added; nobody but the owner sees it yet.")


@profile.command()
@click.argument("login")
@click.argument("addresses", metavar="FIELD...", nargs=-1, required=True)
@pass_site
def unset(site: Site, login: str, addresses: tuple[str, ...]) -> None:
    """Delete fields, with everything that was granted of them."""

    def remove(session: Session) -> list[NamedField]:
        owner_id = accounts.find(session, login)
        chosen = choose(named_fields(session, owner_id), addresses)
        for field in chosen:
            profiles.remove_field(session, owner_id, field.id)
        return chosen

    click.echo(f"{', '.join(field.name for field in site.write(remove))} deleted.")


@profile.command("import")
@click.argument("login")
@click.argument("file")
@click.option("--card", "number", type=click.IntRange(min=1), help="Which card of a file with several, counted from 1.")
@click.option("--replace", "replace_all", is_flag=True, help="Delete what the card does not have.")
@pass_site
def import_card(site: Site, login: str, file: str, number: int | None, *, replace_all: bool) -> None:
    """
    Take a vCard into a profile.

    FILE may be - for standard input. What the profile has already stays as it is, with everything that was granted. A
    photo, or a line, that cannot be read is left out.
    """
    data = read_file(file)
    try:
        card, broken = without_broken_photos(_card(data, number))
        for error in (*card.flaws, *broken):
            click.echo(f"Left out: {error}", err=True)
        changed = of_one(site, login, profiles.import_card, card, replace=replace_all)
    except InvalidVCard as error:
        raise InvalidInput(f"{file}: {error}") from error
    click.echo(f"{count(changed, 'field')} added, changed or deleted.")


def _card(data: bytes, number: int | None) -> vcard.VCard:
    cards = list(vcard.split(data))
    if not cards:
        raise InvalidVCard("There is no vCard in this file.")
    if number is None and len(cards) > 1:
        raise InvalidVCard(f"There are {len(cards)} cards in this file; choose one with --card.")
    if number is not None and number > len(cards):
        raise InvalidVCard(f"There is no card {number} in this file; it has {len(cards)}.")
    return intake.read(cards[(number or 1) - 1])


@profile.command()
@click.argument("login")
@click.option("--vcard-version", type=click.Choice(["3.0", "4.0"]), default="3.0", show_default=True)
@click.option("--output", "-o", "path", help="The file to write; standard output otherwise.")
@pass_site
def export(site: Site, login: str, vcard_version: str, path: str | None) -> None:
    """Write a profile as a vCard, with everything in it."""
    with site.read() as session:
        data = profiles.export(session, accounts.find(session, login), vcard_version).encode()
    if path is None:
        click.echo(data, nl=False)
        return
    files.write(path, data)
