"""`evercard people`: many people at once, from a list."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

import click

from radicale_plugin.cli import output
from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.people_lists import Line, read
from radicale_plugin.cli.site import Site, pass_site, read_file
from sync.database.engine import Session
from sync.database.pacing import HOLD
from sync.errors import EvercardError, InvalidInput, NotFound
from sync.sign_in import provisioning
from sync.sign_in.provisioning import Report, Result

T = TypeVar("T")


class _DryRun(Exception):
    """Takes back what was tried."""


@dataclass(slots=True)
class Told:
    """What became of each line, as it is printed."""

    lines: list[dict[str, object]] = field(default_factory=list)

    def add(self, number: int | None, login: str, result: str, report: Report | None = None, problem: str = "") -> None:
        """Add a line about somebody; *number* is that in the list."""
        told: dict[str, object] = {"line": number, "login": login, "result": result}
        if report is not None:
            told |= {"fields": report.changed, "kept": report.kept, "letter": report.letter}
            told |= {"invited": report.invited} if report.invited else {}
        if problem:
            told["problem"] = problem
        self.lines.append(told)


@click.group()
def people() -> None:
    """Many people at once."""


@people.command("import")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--update", is_flag=True, help="Carry what changed in the list to those who are registered already.")
@click.option(
    "--disable-missing", is_flag=True, help="Close the accounts of those who were in the list and are no more."
)
@click.option("--even-many", is_flag=True, help="With --disable-missing, close more than half of them.")
@click.option("--language", type=click.Choice(["en", "zh-Hans"]), help="Of the letters, the groups and the pages.")
@json_option
@pass_site
def import_people(site: Site, /, file: str, language: str | None, *, as_json: bool, **switches: bool) -> None:
    """
    Register everybody in FILE, a CSV list whose first line names its columns; - is standard input.

    Columns are login, name, email, number, groups, organisation, and any other kind of field, such as office-phone or
    email:Private. Whom the list has in an organisation is invited into it, once, and decides in the portal. Each new
    person gets a letter with a link by which they choose a password. Nobody but a person sees their fields until they
    grant them. The same list again changes nothing.
    """
    lines, spoken = read(read_file(file)), language or ""
    told, dry_run = Told(), switches["dry_run"]
    with output.progress("Reading the list", len(lines)) as bar:
        put = partial(_put, language=spoken, renew=switches["update"])
        _do_all(site, put, lines, told, dry_run=dry_run, progress=bar.update)
    if switches["disable_missing"]:
        _do_all(site, _close, _missing(site, lines, even_many=switches["even_many"]), told, dry_run=dry_run)
    _tell(told, dry_run=dry_run, as_json=as_json)
    if any("problem" in line for line in told.lines):
        raise click.exceptions.Exit(1)


def _do_all(
    site: Site,
    act: Callable[[Session, Told, T], object],
    items: Sequence[T],
    told: Told,
    *,
    dry_run: bool,
    progress: Callable[[int], object] = lambda _: None,
) -> None:
    """Do something with each of *items*, in transactions that end before others notice them."""
    while items:
        done = Told()

        def attempt(session: Session, items: Sequence[T] = items, done: Told = done) -> None:
            done.lines.clear()
            until = time.monotonic() + HOLD
            for item in items:
                act(session, done, item)
                if time.monotonic() > until:
                    break
            if dry_run:
                raise _DryRun

        with contextlib.suppress(_DryRun):
            site.write(attempt)
        told.lines += done.lines
        progress(len(done.lines))
        items = items[len(done.lines) :]


def _put(session: Session, told: Told, line: Line, *, language: str, renew: bool) -> None:
    try:
        report = provisioning.put(session, line.listed(language), renew=renew)
    except EvercardError as error:
        told.add(line.number, line.login, "refused", problem=str(error))
    else:
        told.add(line.number, line.login, report.result.value, report)


def _missing(site: Site, lines: Sequence[Line], *, even_many: bool) -> Sequence[tuple[int, str]]:
    with site.read() as session:
        gone, everybody = provisioning.missing(session, {line.login for line in lines})
    if 2 * len(gone) > everybody and not even_many:
        raise InvalidInput(
            f"{len(gone)} of {everybody} people are missing from this list. If that is so, say --even-many."
        )
    return gone


def _close(session: Session, told: Told, person: tuple[int, str]) -> None:
    account_id, login = person
    with contextlib.suppress(NotFound):  # whoever has left meanwhile
        provisioning.close(session, account_id)
    told.add(None, login, "disabled")


def _tell(told: Told, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(told.lines)
    else:
        for line in told.lines:
            click.echo(_sentence(line))
    totals = Counter(str(line["result"]) for line in told.lines)
    letters = sum(bool(line.get("letter")) for line in told.lines)
    said = ", ".join(f"{number} {result}" for result, number in sorted(totals.items())) or "nobody"
    click.echo(f"{'This would be done: ' if dry_run else ''}{said}; {count(letters, 'letter')}.", err=True)
    silent = totals[Result.REGISTERED.value] - letters
    if silent:
        click.echo(f"{count(silent, 'person', 'people')} got no letter; `evercard user password` sets one.", err=True)


def _sentence(line: dict[str, object]) -> str:
    where = f"line {line['line']}" if line["line"] is not None else "not in the list"
    parts = [str(line["result"])]
    if line.get("fields"):
        parts.append(f"{line['fields']} fields")
    if line.get("kept"):
        parts.append(f"{line['kept']} kept as they wrote it")
    if line.get("invited"):
        parts.append(f"invited into {count(cast('int', line['invited']), 'organisation')}")
    if line.get("letter"):
        parts.append("letter")
    return f"{where}: {line['login']}: {', '.join(parts)}" + (f": {line['problem']}" if "problem" in line else "")
