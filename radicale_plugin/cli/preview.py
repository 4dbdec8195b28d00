"""`evercard preview`: a card as others get it."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import json_option, print_json
from radicale_plugin.cli.site import Site, pass_site
from sync.database import accounts
from sync.queries import previews
from sync.sharing import groups
from sync.sharing.visibility import STRANGER


@click.command()
@click.argument("owner")
@click.option("--person", metavar="LOGIN", help="What this person has, or would have as a stranger.")
@click.option("--group", "name", metavar="NAME", help="What somebody has who is in this group alone.")
@click.option("--stranger", is_flag=True, help="What anybody may see.")
@click.option("--vcard-version", type=click.Choice(["3.0", "4.0"]), default="3.0", show_default=True)
@json_option
@pass_site
def preview(
    site: Site, owner: str, person: str | None, name: str | None, vcard_version: str, *, stranger: bool, as_json: bool
) -> None:
    """Show OWNER's card as others get it."""
    if (person is not None) + (name is not None) + stranger != 1:
        raise click.UsageError("Say one of --person, --group and --stranger.")
    with site.read() as session:
        owner_id = accounts.find(session, owner)
        if person is not None:
            text = previews.for_person(session, owner_id, accounts.find(session, person), vcard_version)
        elif name is not None:
            text = previews.for_group(session, owner_id, groups.find(session, owner_id, name).id, vcard_version)
        else:
            text = previews.for_audience(session, owner_id, STRANGER, vcard_version)
    if as_json:
        print_json({"owner": owner, "person": person, "group": name, "version": vcard_version, "vcard": text})
    else:
        click.echo(text.encode(), nl=False)
