"""`evercard preference`: by what somebody is found, and who may connect."""

from __future__ import annotations

import dataclasses

import click

from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.accounts import preference_changes
from sync.accounts.preference_changes import CONNECTING, Preferences
from sync.database import accounts
from sync.database.engine import Session
from sync.sharing import groups, search_keys

FOUND_BY = ("login", "email", "phone", "name")


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
        ("told of requests", _told(decided)),
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
@click.option("--by-sms/--by-email", default=None, help="Whether these come by text message, where they can.")
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
    by_sms: bool | None,
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
        if by_sms is not None:
            changes["requests_by_sms"] = by_sms
        if language is not None:
            changes["language"] = language
        before = preference_changes.preferences_of(session, owner_id)
        preference_changes.set_preferences(session, owner_id, dataclasses.replace(before, **changes))  # type: ignore[arg-type]

    site.write(change)
    click.echo("Decided.")


def _told(decided: Preferences) -> str:
    if not decided.told_of_requests:
        return "no"
    return "by text message" if decided.requests_by_sms else "yes"


def _group_name(session: Session, owner_id: int, decided: Preferences) -> str | None:
    if decided.newcomers_group_id is None:
        return None
    return groups.name_of(session, owner_id, decided.newcomers_group_id)
