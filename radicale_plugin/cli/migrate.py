"""`evercard migrate`: the newest schema."""

from __future__ import annotations

import click

from radicale_plugin.cli.site import Site, pass_site


@click.command()
@pass_site
def migrate(site: Site) -> None:
    """Bring the database to the newest version of its schema."""
    from radicale_plugin import settings

    settings.database(site.configuration).migrate()
    click.echo("The database has the newest schema.")
