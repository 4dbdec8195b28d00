"""`evercard request`, `block`, `unblock`, `blocked` and `friend`: how people come together, and keep apart."""

from __future__ import annotations

from collections.abc import Callable

import click

from radicale_plugin.cli.finding import print_found
from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.database import accounts
from sync.database.engine import Session
from sync.meeting import Asked, introductions

_WORDS = {"in": "asks", "out": "was asked"}


@click.group()
def request() -> None:
    """Requests to be connected."""


@request.command()
@click.argument("asker")
@click.argument("login")
@click.option("--message", default="", help="What the other reads.")
@pass_site
def ask(site: Site, asker: str, login: str, message: str) -> None:
    """Ask LOGIN to be connected with ASKER."""

    def change(session: Session) -> bool:
        return meeting.ask(session, accounts.find(session, asker), accounts.find(session, login), message)

    click.echo(f"{asker} and {login} are connected." if site.write(change) else f"{login} is asked.")


@request.command()
@click.argument("login")
@click.argument("asker")
@pass_site
def confirm(site: Site, login: str, asker: str) -> None:
    """Say LOGIN's yes to ASKER, or to being introduced to them."""
    connected = _of_two(site, login, asker, meeting.confirm)
    click.echo(f"{login} and {asker} are connected." if connected else f"{asker} has to confirm, too.")


@request.command()
@click.argument("login")
@click.argument("asker")
@click.option("--for-ever", is_flag=True, help="Let nothing more that ASKER asks reach LOGIN, and do not tell.")
@pass_site
def decline(site: Site, login: str, asker: str, *, for_ever: bool) -> None:
    """Say LOGIN's no to ASKER."""
    _of_two(site, login, asker, meeting.refuse if for_ever else meeting.decline)
    click.echo("Declined for ever." if for_ever else "Declined.")


@request.command()
@click.argument("asker")
@click.argument("login")
@pass_site
def withdraw(site: Site, asker: str, login: str) -> None:
    """Take back what ASKER asked LOGIN."""
    _of_two(site, asker, login, meeting.withdraw)
    click.echo("Taken back.")


@request.command()
@click.argument("login")
@click.argument("asker")
@pass_site
def allow(site: Site, login: str, asker: str) -> None:
    """Let ASKER ask again, whom LOGIN declined for ever."""
    _of_two(site, login, asker, meeting.allow_again)
    click.echo(f"{asker} may ask again.")


@request.command("list")
@click.argument("login")
@json_option
@pass_site
def list_requests(site: Site, login: str, *, as_json: bool) -> None:
    """List what a person was asked and asks, newest first, and whom they declined for ever."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        asked = meeting.requests_of(session, owner_id)
        refused = [name for _, name in meeting.refused(session, owner_id)]
    if as_json:
        print_json({"requests": [_as_json(each) for each in asked], "declined_for_ever": refused})
        return
    rows = [
        (
            f"{each.login} {_WORDS[each.direction]}",
            each.state if each.introducer is None else f"{each.state}, introduced by {each.introducer}",
            day(each.asked_at),
            ", ".join(each.would_share),
            each.message,
        )
        for each in asked
    ]
    print_table(("Request", "State", "Since", "Would share", "Message"), rows)
    if refused:
        click.echo(f"Declined for ever: {', '.join(refused)}")


def _as_json(each: Asked) -> dict[str, object]:
    return {
        "login": each.login,
        "direction": each.direction,
        "state": each.state,
        "message": each.message,
        "asked_at": moment(each.asked_at),
        "introducer": each.introducer,
        "name": each.name,
        "fields": [{"kind": field.kind, "text": field.text()} for field in each.fields],
        "would_share": list(each.would_share),
    }


@click.command()
@click.argument("login")
@click.argument("other")
@pass_site
def block(site: Site, login: str, other: str) -> None:
    """Let LOGIN have nothing to do with OTHER, who is not told."""
    _of_two(site, login, other, meeting.block)
    click.echo(f"{login} has blocked {other}.")


@click.command()
@click.argument("login")
@click.argument("other")
@pass_site
def unblock(site: Site, login: str, other: str) -> None:
    """Take a block back. It connects nobody."""
    _of_two(site, login, other, meeting.unblock)
    click.echo(f"{login} has blocked {other} no more.")


@click.command()
@click.argument("login")
@json_option
@pass_site
def blocked(site: Site, login: str, *, as_json: bool) -> None:
    """List whom a person has blocked."""
    with site.read() as session:
        names = [name for _, name in meeting.blocked(session, accounts.find(session, login))]
    if as_json:
        print_json(names)
        return
    for name in names:
        click.echo(name)


@click.group()
def friend() -> None:
    """Connections that a person lets their other connections see."""


@friend.command()
@click.argument("login")
@click.argument("other", metavar="FRIEND")
@pass_site
def publish(site: Site, login: str, other: str) -> None:
    """Let LOGIN's connections see that LOGIN knows FRIEND, and what FRIEND shows to strangers."""
    _of_two(site, login, other, introductions.publish)
    click.echo(f"{other} is a public friend of {login}'s.")


@friend.command()
@click.argument("login")
@click.argument("other", metavar="FRIEND")
@pass_site
def unpublish(site: Site, login: str, other: str) -> None:
    """Let nobody see any more that LOGIN knows FRIEND."""
    _of_two(site, login, other, introductions.unpublish)
    click.echo(f"{other} is no public friend of {login}'s any more.")


@friend.command("list")
@click.argument("login")
@click.option("--seen-by", metavar="VIEWER", help="As this connection sees them; else all, by login.")
@json_option
@pass_site
def list_friends(site: Site, login: str, seen_by: str | None, *, as_json: bool) -> None:
    """List LOGIN's public friends."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        if seen_by is not None:
            found = introductions.public_friends(session, accounts.find(session, seen_by), owner_id)
            print_found(found, as_json=as_json)
            return
        names = sorted(accounts.logins(session, introductions.published(session, owner_id)).values())
    if as_json:
        print_json(names)
        return
    for name in names:
        click.echo(name)


@friend.command()
@click.argument("login")
@click.argument("one")
@click.argument("other")
@click.option("--message", default="", help="What both read.")
@pass_site
def introduce(site: Site, login: str, one: str, other: str, message: str) -> None:
    """Bring two of LOGIN's connections together; both have to confirm."""

    def change(session: Session) -> None:
        ids = [accounts.find(session, name) for name in (login, one, other)]
        introductions.introduce(session, ids[0], ids[1], ids[2], message)

    site.write(change)
    click.echo(f"{one} and {other} are asked, where they can be.")


def _of_two(site: Site, one: str, other: str, act: Callable[[Session, int, int], object]) -> object:
    return site.write(lambda session: act(session, accounts.find(session, one), accounts.find(session, other)))
