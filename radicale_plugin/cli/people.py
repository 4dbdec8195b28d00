"""`evercard people`: many people at once, from a list."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import click

from radicale_plugin.cli import output
from radicale_plugin.cli.output import count, json_option, print_json
from radicale_plugin.cli.people_lists import Line, read
from radicale_plugin.cli.site import Site, pass_site, read_file
from sync.accounts import provisioning
from sync.accounts.provisioning import Report, Result
from sync.database.engine import Session
from sync.errors import EvercardError, InvalidInput

#: People in one transaction: few enough that nobody else waits, and many enough that the disk does not.
_BATCH = 25


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

    Columns are login, name, email, number, groups, and any other kind of field, such as office-phone or email:Private.
    Each new person gets a letter with a link by which they choose a password. Nobody but a person sees their fields
    until they grant them. The same list again changes nothing.
    """
    lines, spoken = read(read_file(file)), language or ""
    told, dry_run = Told(), switches["dry_run"]
    with output.progress("Reading the list", len(lines)) as bar:
        for start in range(0, len(lines), _BATCH):
            put = partial(_put_all, batch=lines[start : start + _BATCH], language=spoken, renew=switches["update"])
            _do(site, put, told, dry_run=dry_run)
            bar.update(len(lines[start : start + _BATCH]))
    if switches["disable_missing"]:
        close = partial(_close_missing, lines=lines, even_many=switches["even_many"])
        _do(site, close, told, dry_run=dry_run)
    _tell(told, dry_run=dry_run, as_json=as_json)
    if any("problem" in line for line in told.lines):
        raise click.exceptions.Exit(1)


def _do(site: Site, change: Callable[[Session], Told], told: Told, *, dry_run: bool) -> None:
    done = Told()

    def attempt(session: Session) -> None:
        done.lines[:] = change(session).lines
        if dry_run:
            raise _DryRun

    with contextlib.suppress(_DryRun):
        site.write(attempt)
    told.lines += done.lines


def _put_all(session: Session, batch: Sequence[Line], language: str, *, renew: bool) -> Told:
    told = Told()
    for line in batch:
        try:
            report = provisioning.put(session, line.listed(language), renew=renew)
        except EvercardError as error:
            told.add(line.number, line.login, "refused", problem=str(error))
        else:
            told.add(line.number, line.login, report.result.value, report)
    return told


def _close_missing(session: Session, lines: Sequence[Line], *, even_many: bool) -> Told:
    gone, everybody = provisioning.missing(session, {line.login for line in lines})
    if 2 * len(gone) > everybody and not even_many:
        raise InvalidInput(
            f"{len(gone)} of {everybody} people are missing from this list. If that is so, say --even-many."
        )
    told = Told()
    for account_id, login in gone:
        provisioning.close(session, account_id)
        told.add(None, login, "disabled")
    return told


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
    if line.get("letter"):
        parts.append("letter")
    return f"{where}: {line['login']}: {', '.join(parts)}" + (f": {line['problem']}" if "problem" in line else "")
