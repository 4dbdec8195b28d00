"""`evercard user`: people who have an account, moving out with all that is theirs included."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from radicale_plugin.cli import acting, files, output
from radicale_plugin.cli.output import day, json_option, moment, octets, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.accounts import acts, starter_groups, usage
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput
from sync.export import exporting
from sync.meeting.first_card import FirstCard
from sync.sharing import connections
from sync.sign_in import administrators


@click.group()
def user() -> None:
    """People who have an account here."""


@user.command("add")
@click.argument("login")
@click.option(
    "--language",
    type=click.Choice(list(starter_groups.NAMES)),
    help="Of this person: with it they get the groups family, friends and colleagues, called so in it.",
)
@pass_site
def add_user(site: Site, login: str, language: str | None) -> None:
    """Register a person."""

    def register(session: Session) -> None:
        account_id = administrators.register(session, login)
        if language is not None:
            FirstCard(language).write(session, account_id)

    site.write(register)
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
                    "administrator_since": moment(person.administrator_since),
                    "has_password": person.password_hash is not None,
                }
                for person in people
            ]
        )
        return
    rows = [
        (person.login, day(person.created_at), _state(person.disabled_at, person.administrator_since))
        for person in people
    ]
    print_table(("Login", "Registered", ""), rows)


def _state(disabled_at: int | None, administrator_since: int | None) -> str:
    states = {"disabled": disabled_at, "administrator": administrator_since}
    return ", ".join(name for name, since in states.items() if since is not None)


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
    acting.of_one(site, login, administrators.disable)
    click.echo(f"Nothing of {login}'s can be opened any more.")


@user.command()
@click.argument("login")
@pass_site
def enable(site: Site, login: str) -> None:
    """Let a disabled person in again."""
    acting.of_one(site, login, administrators.enable)
    click.echo(f"{login} is let in again.")


@user.command("administrator")
@click.argument("login")
@click.option("--dismiss", is_flag=True, help="They are one no longer.")
@pass_site
def administrator(site: Site, login: str, *, dismiss: bool) -> None:
    """
    Make a person an administrator, who looks after people, messages and health in the portal.

    An administrator sees and changes nobody's card, and everybody sees what administrators did with their account.
    """
    acting.of_one(site, login, administrators.dismiss if dismiss else administrators.appoint)
    click.echo(f"{login} is {'no administrator any more' if dismiss else 'an administrator'}.")


@user.command("acts")
@click.argument("login")
@json_option
@pass_site
def show_acts(site: Site, login: str, *, as_json: bool) -> None:
    """List what administrators and this command did with a person's account, the last first, as the person sees it."""
    with site.read() as session:
        found = acts.about(session, accounts.find(session, login)).acts
    if as_json:
        print_json([{"at": moment(each.done_at), "by": each.actor or None, "what": each.what} for each in found])
        return
    rows = [(day(each.done_at), each.actor or "the server's command line", each.what) for each in found]
    print_table(("When", "By", "What"), rows)


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
    acting.of_one(site, login, administrators.set_password, chosen)
    click.echo(f"The password of {login} is set.")


def _from_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("The password is not UTF-8 text.") from error


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
    files.write(path, archive)


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
        holders = connections.how_many(session, account_id)
    if not yes:
        click.confirm(f"Delete everything of {login}'s? It cannot be brought back", abort=True)
    with output.progress("Taking the card back", holders) as bar:
        administrators.delete(site.database, account_id, progress=bar.update)
    click.echo(f"{login} is deleted; devices lose the card at their next synchronization.")
