"""`evercard render`: cards written anew."""

from __future__ import annotations

import click

from radicale_plugin.cli import output
from radicale_plugin.cli.output import count
from radicale_plugin.cli.site import Site, pass_site


@click.command()
@pass_site
def render(site: Site) -> None:
    """
    Write every card anew, as this version of Evercard writes it.

    `evercard serve` does it by itself after an upgrade; this is for when `evercard verify` says that cards are not what
    they should be. Devices fetch what differs. It can be run while the server runs, and again when it was interrupted.
    """
    from sync.database import accounts
    from sync.profiles import renewing

    with site.read() as session:
        people = [account.id for account in accounts.everybody(session)]
    with output.progress("Writing cards", len(people)) as bar:
        for account_id in people:
            renewing.renew_all(site.write, account_id)
            bar.update(1)
    click.echo(f"The cards of {count(len(people), 'person', 'people')} are written anew.")
