"""`evercard request`: asking to be connected, and what is said to that."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import of_two
from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.database import accounts
from sync.meeting import Asked

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
    connected = of_two(site, asker, login, meeting.ask, message)
    click.echo(f"{asker} and {login} are connected." if connected else f"{login} is asked.")


@request.command()
@click.argument("login")
@click.argument("asker")
@pass_site
def confirm(site: Site, login: str, asker: str) -> None:
    """Say LOGIN's yes to ASKER, or to being introduced to them."""
    connected = of_two(site, login, asker, meeting.confirm)
    click.echo(f"{login} and {asker} are connected." if connected else f"{asker} has to confirm, too.")


@request.command()
@click.argument("login")
@click.argument("asker")
@click.option("--for-ever", is_flag=True, help="Let nothing more that ASKER asks reach LOGIN, and do not tell.")
@pass_site
def decline(site: Site, login: str, asker: str, *, for_ever: bool) -> None:
    """Say LOGIN's no to ASKER."""
    of_two(site, login, asker, meeting.refuse if for_ever else meeting.decline)
    click.echo("Declined for ever." if for_ever else "Declined.")


@request.command()
@click.argument("asker")
@click.argument("login")
@pass_site
def withdraw(site: Site, asker: str, login: str) -> None:
    """Take back what ASKER asked LOGIN."""
    of_two(site, asker, login, meeting.withdraw)
    click.echo("Taken back.")


@request.command()
@click.argument("login")
@click.argument("asker")
@pass_site
def allow(site: Site, login: str, asker: str) -> None:
    """Let ASKER ask again, whom LOGIN declined for ever."""
    of_two(site, login, asker, meeting.allow_again)
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
