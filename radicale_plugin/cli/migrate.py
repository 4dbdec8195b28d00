"""`evercard migrate`: the newest schema, and tables that are spread over machines."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import count
from radicale_plugin.cli.site import Site, pass_site


@click.command()
@click.option(
    "--distribute", is_flag=True, help="Spread the tables over the machines of a Citus cluster, while no server runs."
)
@click.option("--dry-run", is_flag=True, help="Only say what --distribute would do.")
@pass_site
def migrate(site: Site, *, distribute: bool, dry_run: bool) -> None:
    """
    Bring the database to the newest version of its schema.

    With --distribute, spread its tables over several machines instead, each by the person that its rows are of. What
    was cut off is gone on with when this is run again.
    """
    from radicale_plugin import settings

    if dry_run and not distribute:
        raise click.UsageError("--dry-run is for --distribute.")
    database = settings.database(site.configuration)
    if not distribute:
        database.migrate()
        click.echo("The database has the newest schema.")
        return
    from sync.database.migrations import spreading

    steps = spreading.plan(database)
    if not steps:
        click.echo("The tables are spread already.")
    elif dry_run:
        for step in steps:
            click.echo(step.text)
        click.echo(f"{count(len(steps), 'step')} to take; nothing was done.", err=True)
    else:
        spreading.spread(database, steps, lambda step: click.echo(step.text))
        click.echo(f"The tables are spread: {count(len(steps), 'step')} taken. Start the servers now.", err=True)
