"""`evercard find`: looking for somebody."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import json_option, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.discovery import directory
from sync.discovery.directory import Found


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
