"""`evercard verify`: whether the database keeps every promise."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from radicale_plugin.cli import output
from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.site import Site, pass_site
from sync.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from sync.verification import Checked, Finding

#: Seconds between two lines that say how far it has come, where no terminal shows a bar.
_QUIET = 60


@click.command()
@click.option(
    "--after",
    type=click.IntRange(0),
    metavar="NUMBER",
    default=0,
    help="Go on behind the people who were checked by a run that ended early, which told this number.",
)
@click.option(
    "--repair",
    "repairs",
    is_flag=True,
    help="First let go what waits for a change that one of several machines has lost.",
)
@json_option
@pass_site
def verify(site: Site, *, after: int, repairs: bool, as_json: bool) -> None:
    """
    Check that the database keeps every promise, and say what is wrong, a line for each.

    Above all: that every card holds just what the profile and the grants say now. It changes nothing, and nobody waits
    for it: people are checked some at a time. Ends with 1 when something is wrong. With --repair, entries that wait in
    vain for a change, where the tables are on several machines, are read again by devices as their owners' cards are.
    """
    if repairs:
        _repair(site)
    checking, found = Checking(site, after), list[dict[str, str | None]]()
    for finding in checking.findings():
        found.append({"login": finding.login or None, "problem": finding.problem})
        if not as_json:
            click.echo(str(finding))
    if as_json:
        print_json({"people": checking.done, "findings": found})
    click.echo(f"{count(checking.done, 'person', 'people')} checked, {count(len(found), 'problem')} found.", err=True)
    if found:
        raise click.exceptions.Exit(1)


def _repair(site: Site) -> None:
    from sync import verification

    repaired = verification.repair(site.database)
    click.echo(f"{count(repaired, 'entry', 'entries')} let go that waited for a change.", err=True)


class Checking:
    """A check of everybody in the database, which tells on standard error how far it has come."""

    def __init__(self, site: Site, after: int = 0) -> None:
        """Check everybody whose id is behind *after*."""
        self._site, self._after = site, after
        self._told_at = time.monotonic()
        #: How many people were checked so far.
        self.done = 0

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong as it is found. Whoever stops it is told how to go on."""
        from sync import verification

        with self._site.read() as session:
            self._people = verification.size(session, self._after)
        with output.progress("Checking people", self._people) as bar:
            try:
                for checked in verification.in_pages(self._site.database, self._after):
                    if checked.findings and sys.stderr.isatty():
                        click.echo("\r\x1b[2K", err=True, nl=False)
                    yield from checked.findings
                    self._note(checked)
                    bar.update(checked.count)
            except (KeyboardInterrupt, DatabaseUnavailable) as error:
                click.echo(f"\n{self._state()}", err=True)
                if isinstance(error, DatabaseUnavailable):
                    raise
                raise click.exceptions.Exit(130) from error

    def _note(self, checked: Checked) -> None:
        self.done += checked.count
        self._after = max(self._after, checked.id)
        if not sys.stderr.isatty() and time.monotonic() - self._told_at > _QUIET:
            self._told_at = time.monotonic()
            click.echo(self._state(), err=True)

    def _state(self) -> str:
        state = f"{self.done:,} of {count(self._people, 'person', 'people')} checked"
        return f"{state}; `evercard verify --after {self._after}` goes on from here." if self._after else f"{state}."
