"""`evercard link`: a card for people without an account, under a secret address."""

from __future__ import annotations

import click

from radicale_plugin.cli.acting import id_of, of_one
from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from radicale_plugin.cli.until import UNTIL, Until, When
from sync.card_links import links
from sync.card_links.links import LinkSecrets
from sync.database import accounts
from sync.database.engine import Session
from sync.ends import local_time
from sync.sharing import groups


@click.group()
def link() -> None:
    """
    The card of one of a person's groups, for people without an account.

    Whoever has the address of a link sees the card as the group does, without signing in, and can follow it.
    """


@link.command("make")
@click.argument("login")
@click.argument("group")
@click.option("--label", default="", help='What the person calls it, such as "on my door".')
@click.option("--until", type=When(), default=None, help=UNTIL)
@json_option
@pass_site
def make_link(site: Site, login: str, group: str, label: str, until: Until | None, *, as_json: bool) -> None:
    """Make a link to what GROUP sees of LOGIN's card, and print what it is handed out as."""

    def make(session: Session, owner_id: int) -> tuple[int, LinkSecrets]:
        group_id = groups.find(session, owner_id, group).id
        at, utc_offset = until or (None, 0)
        made = links.create(session, owner_id, group_id, label=label, until=at, utc_offset=utc_offset)
        return made, links.secrets_of(session, owner_id, made)

    link_id, secrets = of_one(site, login, make)
    if as_json:
        print_json({"link": link_id, **secrets._asdict()})
        return
    click.echo(secrets.address)
    click.echo("Whoever has this address sees this card, and who has downloaded it keeps it.", err=True)


@link.command("list")
@click.argument("login")
@json_option
@pass_site
def list_links(site: Site, login: str, *, as_json: bool) -> None:
    """List a person's links, and how often they were used; by whom, nobody knows."""
    with site.read() as session:
        owner_id = accounts.find(session, login)
        found = links.links_of(session, owner_id)
        named = {group.id: group.name for group in groups.groups_of(session, owner_id)}
    rows = [
        {
            "link": each.id,
            "label": each.label,
            "group": named.get(each.group_id, ""),
            "made_at": moment(each.created_at),
            "until": local_time.said(each.ends_at, each.utc_offset) if each.ends_at is not None else None,
            "opened": each.opened,
            "downloaded": each.downloaded,
            "fetched": each.fetched,
        }
        for each in found
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("Link", "Label", "Group", "Made", "Until", "Opened", "Downloaded", "Fetched"),
        [
            (
                *(str(each.id), each.label, str(row["group"]), day(each.created_at), str(row["until"] or "")),
                *(str(count) for count in (each.opened, each.downloaded, each.fetched)),
            )
            for each, row in zip(found, rows, strict=True)
        ],
    )


@link.command("end")
@click.argument("login")
@click.argument("wanted", metavar="LINK")
@pass_site
def end_link(site: Site, login: str, wanted: str) -> None:
    """
    End a link: it opens nothing any more, for nobody. Who has downloaded the card keeps it.

    LINK is its number or its label.
    """

    def end(session: Session, account_id: int) -> None:
        mine = [(each.id, each.label) for each in links.links_of(session, account_id)]
        missing = f"There is no link {wanted!r}; `evercard link list` shows them."
        links.end(session, account_id, id_of(mine, wanted, "links", missing))

    of_one(site, login, end)
    click.echo("The link is ended.")
