"""`evercard calendar`: birthdays as a calendar, under a secret address."""

from __future__ import annotations

from functools import partial

import click

from radicale_plugin.cli.acting import id_of, of_one
from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.calendars import feeds
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import InvalidInput


@click.group()
def calendar() -> None:
    """Birthdays as a calendar, each under a secret address of its own."""


@calendar.command("add")
@click.argument("login")
@click.argument("label")
@click.option("--language", default="en", show_default=True, help="Language of what it says, such as zh-Hans.")
@click.option("--with-private", is_flag=True, help="With the days of the person's own contacts.")
@click.option("--with-members", is_flag=True, help="With the days of the members of the person's organisations.")
@json_option
@pass_site
def add_calendar(
    site: Site, login: str, label: str, language: str, *, with_private: bool, with_members: bool, as_json: bool
) -> None:
    """
    Make a calendar of the days that LOGIN may see, and print its address, once.

    LABEL is how the person knows it, such as "Anna's phone".
    """
    # The portal's, which is not read for any other command.
    from radicale_plugin.web.base_url import Place
    from radicale_plugin.web.language import LANGUAGES

    if language not in LANGUAGES:
        raise InvalidInput(f"There is no language {language!r}; there are {' and '.join(LANGUAGES)}.")

    create = partial(feeds.create, with_private=with_private, with_members=with_members)
    feed_id, secret = of_one(site, login, create, label, language)
    place = Place.of(site.configuration, site.database.settings.base_url)
    address = f"{place.base_url}/.web/calendars/{secret}.ics"
    if as_json:
        print_json({"login": login.strip().lower(), "calendar": feed_id, "address": address})
        return
    click.echo(address)
    click.echo("The address is shown only now. Whoever has it sees these days.", err=True)


@calendar.command("list")
@click.argument("login")
@json_option
@pass_site
def list_calendars(site: Site, login: str, *, as_json: bool) -> None:
    """List a person's calendars."""
    with site.read() as session:
        found = feeds.feeds(session, accounts.find(session, login))
    if as_json:
        print_json(
            [
                {
                    "calendar": each.id,
                    "label": each.label,
                    "language": each.language,
                    "with_private": each.with_private,
                    "with_members": bool(each.with_members),
                    "made_at": moment(each.created_at),
                }
                for each in found
            ]
        )
        return
    print_table(
        ("Calendar", "Label", "Made", ""),
        [
            (
                str(each.id),
                each.label,
                day(each.created_at),
                ", ".join(
                    word
                    for word, is_in in (("with own contacts", each.with_private), ("with members", each.with_members))
                    if is_in
                ),
            )
            for each in found
        ],
    )


@calendar.command("end")
@click.argument("login")
@click.argument("wanted", metavar="CALENDAR")
@pass_site
def end_calendar(site: Site, login: str, wanted: str) -> None:
    """
    End a calendar: its address opens nothing any more.

    CALENDAR is its number or its label.
    """

    def end(session: Session, account_id: int) -> None:
        mine = [(each.id, each.label) for each in feeds.feeds(session, account_id)]
        missing = f"There is no calendar {wanted!r}; `evercard calendar list` shows them."
        feeds.end(session, account_id, id_of(mine, wanted, "calendars", missing))

    of_one(site, login, end)
    click.echo("The calendar is ended.")
