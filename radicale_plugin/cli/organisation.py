"""`evercard organisation`: households, clubs and companies, whose members have each other's cards."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_one
from radicale_plugin.cli.addressing import choose, named_fields
from radicale_plugin.cli.output import json_option, print_json, print_names, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.database.engine import Session
from sync.organisations import members, organisations
from sync.organisations.organisations import INVITED
from sync.queries import told_members
from sync.queries.told_members import Telling
from sync.revisions.address_books import PRESENT

#: People that are read at a time.
_CHUNK = 1_000


@click.group()
def organisation() -> None:
    """
    Households, clubs and companies.

    The members of an organisation have each other's cards, as far as each lets the organisation see them, without being
    connected.
    """


@organisation.command("list")
@json_option
@pass_site
def list_organisations(site: Site, *, as_json: bool) -> None:
    """List the organisations, and how many people are in each."""
    with site.read() as session:
        found = organisations.everything(session)
    if as_json:
        print_json(
            [
                {"name": each.name, "minimum": list(each.minimum), "members": each.members, "invited": each.invited}
                for each in found
            ]
        )
        return
    rows = [(each.name, str(each.members), str(each.invited), ", ".join(each.minimum)) for each in found]
    print_table(("Organisation", "Members", "Invited", "Asks for"), rows)


@organisation.command()
@click.argument("label", metavar="NAME")
@click.option("--minimum", multiple=True, metavar="KIND", help="Ask whoever joins to show a field of this kind.")
@pass_site
def create(site: Site, label: str, minimum: tuple[str, ...]) -> None:
    """Make an organisation without members."""
    site.write(lambda session: organisations.create(session, label, minimum))
    click.echo("The organisation is made. Invite people with `evercard organisation invite`.")


@organisation.command()
@click.argument("label", metavar="NAME")
@click.option("--name", default="", help="What it is called from now on.")
@click.option("--minimum", multiple=True, metavar="KIND", help="Ask whoever joins from now on for this kind of field.")
@click.option("--no-minimum", is_flag=True, help="Ask for nothing any more.")
@pass_site
def change(site: Site, label: str, name: str, minimum: tuple[str, ...], *, no_minimum: bool) -> None:
    """Rename an organisation, or ask for another minimum. Members stay as they are."""

    def act(session: Session) -> None:
        found = organisations.find(session, label)
        asked = minimum if minimum or no_minimum else found.minimum
        organisations.change(session, found.id, name or found.name, asked)

    site.write(act)
    click.echo("It is changed.")


@organisation.command()
@click.argument("login")
@click.argument("label", metavar="NAME")
@click.option("--dismiss", is_flag=True, help="Not any more.")
@pass_site
def administrator(site: Site, login: str, label: str, *, dismiss: bool) -> None:
    """Let a member look after their organisation: invite people whom they can find, and remove members."""

    def act(session: Session, owner_id: int) -> None:
        found = organisations.find(session, label)
        members.set_administrator(session, found.id, owner_id, is_one=not dismiss)

    of_one(site, login, act)
    click.echo(f"{login} looks after {label}{' no more' if dismiss else ''}.")


@organisation.command()
@click.argument("label", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_site
def delete(site: Site, label: str, *, yes: bool) -> None:
    """Delete an organisation. From that moment on its members have nobody's card by it."""
    if not yes:
        click.confirm(f"Delete {label}?", abort=True)
    site.write(lambda session: organisations.remove(session, organisations.find(session, label).id))
    members.tidy(site.database)
    click.echo(f"{label} is deleted.")


@organisation.command("people")
@click.argument("label", metavar="NAME")
@click.option("--invited", is_flag=True, help="Those who were invited and have not joined.")
@json_option
@pass_site
def list_people(site: Site, label: str, *, invited: bool, as_json: bool) -> None:
    """List the members of an organisation."""
    with site.read() as session:
        logins = _people(session, organisations.find(session, label).id, INVITED if invited else PRESENT)
    print_names(sorted(logins), as_json=as_json)


def _people(session: Session, organisation_id: int, state: str) -> list[str]:
    logins, after = list[str](), 0
    while some := members.people(session, organisation_id, state, after=after, count=_CHUNK):
        logins += accounts.logins(session, some).values()
        after = some[-1]
    return logins


@organisation.command()
@click.argument("login")
@click.argument("label", metavar="NAME")
@pass_site
def invite(site: Site, login: str, label: str) -> None:
    """Invite somebody. They decide in the portal whether they join, and what they show."""

    def act(session: Session, owner_id: int) -> bool:
        return members.invite(session, organisations.find(session, label).id, owner_id)

    is_new = of_one(site, login, act)
    click.echo(f"{login} is invited into {label}." if is_new else f"{login} is in {label}, or invited, already.")


@organisation.command()
@click.argument("login")
@click.argument("label", metavar="NAME")
@click.argument("addresses", metavar="FIELD...", nargs=-1)
@pass_site
def join(site: Site, login: str, label: str, addresses: tuple[str, ...]) -> None:
    """Let somebody join who is invited, and let the members see these fields."""

    def act(session: Session, owner_id: int) -> None:
        chosen = [each.id for each in choose(named_fields(session, owner_id), addresses)]
        members.join(session, organisations.find(session, label).id, owner_id, chosen)

    of_one(site, login, act)
    click.echo(f"{login} is a member of {label}.")


@organisation.command()
@click.argument("login")
@click.argument("label", metavar="NAME")
@pass_site
def leave(site: Site, login: str, label: str) -> None:
    """Take somebody out of an organisation: they are gone from the address books of all members."""
    of_one(site, login, lambda session, key: members.leave(session, organisations.find(session, label).id, key))
    click.echo(f"{login} is in {label} no more.")


@organisation.command()
@click.argument("login")
@click.argument("label", metavar="NAME")
@click.option("--digest/--no-digest", default=None, help="Whether the daily e-mail tells of members.")
@click.option("--browsers/--no-browsers", default=None, help="Whether notifications in browsers tell of members.")
@json_option
@pass_site
def news(site: Site, login: str, label: str, *, digest: bool | None, browsers: bool | None, as_json: bool) -> None:
    """
    Tell a member when the others changed their cards, or show whether they are told.

    It is off until it is chosen, and begins with what changes then.
    """

    def act(session: Session, owner_id: int) -> Telling:
        key = organisations.find(session, label).id
        told_members.choose(session, owner_id, key, by_digest=digest, in_browsers=browsers)
        return told_members.choice_of(session, owner_id, key)

    told = of_one(site, login, act)
    if as_json:
        print_json({"digest": told.by_digest, "browsers": told.in_browsers})
        return
    ways = [way for way, chosen in (("the daily e-mail", told.by_digest), ("browsers", told.in_browsers)) if chosen]
    click.echo(f"{login} is told of members of {label} by {' and '.join(ways) or 'nothing'}.")


@organisation.command("of")
@click.argument("login")
@json_option
@pass_site
def list_of(site: Site, login: str, *, as_json: bool) -> None:
    """List the organisations of a person, and those that they are invited into."""
    with site.read() as session:
        found = members.belongings(session, accounts.find(session, login))
    if as_json:
        print_json([{"name": each.organisation.name, "member": each.joined_at is not None} for each in found])
        return
    print_table(
        ("Organisation", ""), [(each.organisation.name, "member" if each.joined_at else "invited") for each in found]
    )
