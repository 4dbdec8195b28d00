"""`evercard check`: what is doubtful about an installation."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.site import Site, pass_site


@click.command()
@click.option("--mail-to", metavar="ADDRESS", default="", help="Send a test letter to this e-mail address.")
@json_option
@pass_site
def check(site: Site, mail_to: str, *, as_json: bool) -> None:
    """
    Name what is doubtful about this installation, and try what it needs.

    Reads the configuration, and tries the database, the mail server, the disk and the clock. Ends with 1 when something
    does not work; what is only doubtful is for you to decide.
    """
    from radicale_plugin.server import checking

    found = list(checking.findings(site.path, mail_to=mail_to))
    if as_json:
        print_json([{"level": one.level.value, "about": one.about, "text": one.text} for one in found])
    else:
        for one in found:
            click.echo(f"{one.level.value:<9} {one.about}: {one.text}")
    levels = [one.level for one in found]
    broken, doubts = levels.count(checking.Level.WRONG), levels.count(checking.Level.DOUBTFUL)
    click.echo(f"{count(broken, 'thing')} wrong, {count(doubts, 'thing')} doubtful.", err=True)
    if broken:
        raise click.exceptions.Exit(1)
