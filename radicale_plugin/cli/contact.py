"""`evercard contact`: a person's own contacts, and those of them that are there twice."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.contacts import apart, duplicates, own_contacts, proposing
from sync.database import accounts


@click.group()
def contact() -> None:
    """A person's own contacts: listed, and those that are one person made one by choice."""


@contact.command("list")
@click.argument("login")
@json_option
@pass_site
def list_contacts(site: Site, login: str, *, as_json: bool) -> None:
    """List a person's own contacts by name."""
    with site.read() as session:
        account_id = accounts.find(session, login)
        rows = [(str(each.entry_id), each.name, each.reach) for each in own_contacts.everybody(session, account_id)]
    if as_json:
        print_json([{"contact": entry_id, "name": name, "reach": reach} for entry_id, name, reach in rows])
        return
    print_table(("Contact", "Name", "Number or address"), rows)


@contact.command("duplicates")
@click.argument("login")
@json_option
@pass_site
def list_duplicates(site: Site, login: str, *, as_json: bool) -> None:
    """List pairs of a person's own contacts that may be one person, by numbers, addresses and names."""
    with site.read() as session:
        found = proposing.proposals(session, accounts.find(session, login))
    if as_json:
        print_json(
            [
                {
                    "contacts": [str(each.one_id), str(each.other_id)],
                    "names": [each.one, each.other],
                    "because": list(each.because),
                }
                for each in found
            ]
        )
        return
    print_table(
        ("Contact", "Name", "Contact", "Name", "Both have"),
        [
            (str(each.one_id), each.one, str(each.other_id), each.other, ", ".join(each.because) or "the name")
            for each in found
        ],
    )


@contact.command("merge")
@click.argument("login")
@click.argument("kept", type=int)
@click.argument("other", type=int)
@pass_site
def merge(site: Site, login: str, kept: int, other: int) -> None:
    """Make the contact KEPT say what OTHER says as well, and take OTHER off all devices."""
    site.write(lambda session: duplicates.merge(session, accounts.find(session, login), kept, other))
    click.echo(f"Merged; for 30 days `evercard contact undo {login} {other}` takes them apart again.")


@contact.command("merged")
@click.argument("login")
@json_option
@pass_site
def list_merged(site: Site, login: str, *, as_json: bool) -> None:
    """List what was merged and can be taken apart again, the last first."""
    with site.read() as session:
        found = duplicates.merges_of(session, accounts.find(session, login))
    if as_json:
        print_json(
            [
                {
                    "contact": str(each.gone_id),
                    "kept": str(each.kept_id),
                    "names": [each.gone, each.kept],
                    "merged": moment(each.merged_at),
                }
                for each in found
            ]
        )
        return
    print_table(
        ("Contact", "Name", "Merged into", "Name", "When"),
        [(str(each.gone_id), each.gone, str(each.kept_id), each.kept, day(each.merged_at)) for each in found],
    )


@contact.command("undo")
@click.argument("login")
@click.argument("other", type=int)
@pass_site
def undo(site: Site, login: str, other: int) -> None:
    """Take OTHER and what it was merged into apart again; what was changed since stays."""
    site.write(lambda session: duplicates.undo(session, accounts.find(session, login), other))
    click.echo(f"They are two again; the devices of {login} fetch them with their next synchronization.")


@contact.command("apart")
@click.argument("login")
@click.argument("one", type=int)
@click.argument("other", type=int)
@pass_site
def keep_apart(site: Site, login: str, one: int, other: int) -> None:
    """Remember that ONE and OTHER are two people, so that nobody asks again."""
    site.write(lambda session: apart.keep(session, accounts.find(session, login), one, other))
    click.echo("They will not be proposed again.")


@contact.command("ask-again")
@click.argument("login")
@pass_site
def ask_again(site: Site, login: str) -> None:
    """Propose everything again that was said to be two people."""
    forgotten = site.write(lambda session: apart.forget(session, accounts.find(session, login)))
    click.echo(f"{count(forgotten, 'pair')} will be proposed again.")
