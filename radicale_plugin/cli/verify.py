"""`evercard verify`: whether the database keeps every promise."""

from __future__ import annotations

import sys

import click

from radicale_plugin.cli import output
from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.site import Site, pass_site


@click.command()
@json_option
@pass_site
def verify(site: Site, *, as_json: bool) -> None:
    """
    Check that the database keeps every promise, and say what is wrong, a line for each.

    Above all: that every card holds just what the profile and the grants say now. Ends with 1 when something is wrong.
    """
    from sync import verification

    found = []
    # Nothing is changed here, not even what is over.
    with site.database.reading() as session:
        people = verification.size(session)
        with output.progress("Checking people", people) as bar:
            for finding in verification.findings(session, bar.update):
                found.append({"login": finding.login or None, "problem": finding.problem})
                if not as_json:
                    if sys.stderr.isatty():
                        click.echo("\r\x1b[2K", err=True, nl=False)
                    click.echo(str(finding))
    if as_json:
        print_json({"people": people, "findings": found})
    click.echo(f"{count(people, 'person', 'people')} checked, {count(len(found), 'problem')} found.", err=True)
    if found:
        raise click.exceptions.Exit(1)
