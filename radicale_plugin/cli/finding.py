"""`evercard preference`, `question`, `address` and `find`: who is found, by what, and who may connect."""

from __future__ import annotations

import dataclasses
import sys

import click

from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync import meeting
from sync.accounts import addresses, preference_changes
from sync.accounts.addresses import CHANNELS
from sync.accounts.preference_changes import CONNECTING, Preferences
from sync.database import accounts
from sync.database.engine import Session
from sync.discovery import directory
from sync.discovery.directory import Found
from sync.errors import InvalidInput
from sync.sharing import groups, search_keys

FOUND_BY = ("login", "email", "phone", "name")
_HERE = "command line"


@click.group()
def preference() -> None:
    """What a person decided about being found and connected."""


@preference.command("show")
@click.argument("login")
@json_option
@pass_site
def show_preferences(site: Site, login: str, *, as_json: bool) -> None:
    """Show what a person decided, and by what they are found."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        decided = preference_changes.preferences_of(session, owner_id)
        keys = list(search_keys.keys_of(session, owner_id))
        newcomers = _group_name(session, owner_id, decided)
    if as_json:
        values = dataclasses.asdict(decided)
        del values["newcomers_group_id"]
        print_json(values | {"newcomers": newcomers, "keys": keys})
        return
    wanted = [kind for kind in FOUND_BY if getattr(decided, f"found_by_{kind}")]
    rows = [
        ("found by", ", ".join(wanted) or "nothing"),
        ("found as", ", ".join(keys) or "nobody finds this person"),
        ("connecting", decided.connecting),
        ("question", decided.question or ""),
        ("newcomers", newcomers or ""),
        ("told of requests", "yes" if decided.told_of_requests else "no"),
        ("language", decided.language or ""),
    ]
    print_table(("Preference", "Decided"), rows)


@preference.command("set")
@click.argument("login")
@click.option("--found-by", multiple=True, type=click.Choice(FOUND_BY), help="Be found by this, too.")
@click.option("--not-found-by", multiple=True, type=click.Choice(FOUND_BY), help="Be found by this no more.")
@click.option("--connecting", type=click.Choice(CONNECTING), help="Who may connect.")
@click.option("--newcomers", metavar="GROUP", help="The group that new connections land in; empty for none.")
@click.option("--told/--not-told", default=None, help="Whether messages tell the person of requests.")
@click.option("--language", metavar="TAG", help="The language of messages; empty for that of the browser.")
@pass_site
def set_preferences(  # noqa: PLR0913 - one for each option
    site: Site,
    login: str,
    found_by: tuple[str, ...],
    not_found_by: tuple[str, ...],
    connecting: str | None,
    newcomers: str | None,
    *,
    told: bool | None,
    language: str | None,
) -> None:
    """Decide for a person what is named; the rest stays as it is."""

    def change(session: Session) -> None:
        owner_id = accounts.find(session, login)
        changes: dict[str, object] = {f"found_by_{kind}": True for kind in found_by}
        changes |= {f"found_by_{kind}": False for kind in not_found_by}
        if "phone" in (*found_by, *not_found_by):
            changes["phone_decided"] = True
        if connecting is not None:
            changes["connecting"] = connecting
        if newcomers is not None:
            changes["newcomers_group_id"] = groups.find(session, owner_id, newcomers).id if newcomers else None
        if told is not None:
            changes["told_of_requests"] = told
        if language is not None:
            changes["language"] = language or None
        before = preference_changes.preferences_of(session, owner_id)
        preference_changes.set_preferences(session, owner_id, dataclasses.replace(before, **changes))  # type: ignore[arg-type]

    site.write(change)
    click.echo("Decided.")


def _group_name(session: Session, owner_id: int, decided: Preferences) -> str | None:
    if decided.newcomers_group_id is None:
        return None
    return groups.name_of(session, owner_id, decided.newcomers_group_id)


@click.group()
def question() -> None:
    """A question by whose answer others connect at once."""


@question.command("set")
@click.argument("login")
@click.argument("text", metavar="QUESTION")
@click.option("--answer-stdin", is_flag=True, help="Read the answer from standard input.")
@pass_site
def set_question(site: Site, login: str, text: str, *, answer_stdin: bool) -> None:
    """Let whoever answers QUESTION connect at once. Capitals, spaces and punctuation make no difference."""
    said = _answer(given=answer_stdin)
    site.write(lambda session: preference_changes.set_question(session, accounts.find(session, login), text, said))
    click.echo("The question is set.")


@question.command("remove")
@click.argument("login")
@pass_site
def remove_question(site: Site, login: str) -> None:
    """Ask no question any more; the person confirms instead."""
    site.write(lambda session: preference_changes.remove_question(session, accounts.find(session, login)))
    click.echo("The question is removed.")


@question.command("answer")
@click.argument("asker")
@click.argument("login")
@click.option("--answer-stdin", is_flag=True, help="Read the answer from standard input.")
@pass_site
def answer_question(site: Site, asker: str, login: str, *, answer_stdin: bool) -> None:
    """Answer LOGIN's question for ASKER, with the few tries that they have in the portal."""
    with site.read() as session:
        asker_id, target_id = accounts.find(session, asker), accounts.find(session, login)
    if not meeting.answer(site.database, asker_id, target_id, _answer(given=answer_stdin), _HERE):
        raise InvalidInput("The answer is wrong, or nobody can connect by answering.")
    click.echo(f"{asker} and {login} are connected.")


def _answer(*, given: bool) -> str:
    if not given and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the answer; use --answer-stdin.")
    if not given:
        return str(click.prompt("Answer", hide_input=True))
    try:
        return sys.stdin.buffer.read().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("The answer is not UTF-8 text.") from error


@click.group()
def address() -> None:
    """E-mail addresses and phone numbers that are known to be a person's."""


@address.command("list")
@click.argument("login")
@json_option
@pass_site
def list_addresses(site: Site, login: str, *, as_json: bool) -> None:
    """List them."""
    with site.read() as session:
        known = addresses.addresses_of(session, accounts.find(session, login))
    if as_json:
        print_json([{"channel": channel, "address": value} for channel, value in known])
    else:
        print_table(("Channel", "Address"), known)


@address.command("add")
@click.argument("login")
@click.argument("channel", type=click.Choice(CHANNELS))
@click.argument("text", metavar="ADDRESS")
@pass_site
def add_address(site: Site, login: str, channel: str, text: str) -> None:
    """Vouch for an address; people themselves prove theirs in the portal."""
    value = site.write(lambda session: addresses.add(session, accounts.find(session, login), channel, text))
    click.echo(f"{value} is {login}'s.")


@address.command("remove")
@click.argument("login")
@click.argument("channel", type=click.Choice(CHANNELS))
@click.argument("text", metavar="ADDRESS")
@pass_site
def remove_address(site: Site, login: str, channel: str, text: str) -> None:
    """Forget an address."""
    site.write(lambda session: addresses.remove(session, accounts.find(session, login), channel, text))
    click.echo("The address is forgotten.")


@click.command()
@click.argument("searcher")
@click.argument("text")
@json_option
@pass_site
def find(site: Site, searcher: str, text: str, *, as_json: bool) -> None:
    """Look for somebody as SEARCHER does, by exact login, e-mail address, phone number or name."""
    with site.read() as session:
        found = directory.find(session, accounts.find(session, searcher), text)
    print_found(found, as_json=as_json)


def print_found(found: list[Found], *, as_json: bool) -> None:
    """Print people as strangers see them."""
    if as_json:
        print_json(
            [
                {
                    "login": each.login,
                    "name": each.name,
                    "fields": [{"kind": field.kind, "text": field.text()} for field in each.fields],
                    "connecting": each.connecting,
                    "question": each.question,
                    "connected": each.connected,
                    "asked": each.asked,
                }
                for each in found
            ]
        )
        return
    rows = [(each.login, each.name, "connected" if each.connected else each.connecting) for each in found]
    print_table(("Login", "Name", "Connecting"), rows)
