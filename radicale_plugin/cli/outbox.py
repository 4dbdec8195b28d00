"""`evercard outbox`: what waits to be sent and done, what fails, and what was given up."""

from __future__ import annotations

from collections.abc import Callable, Collection

import click

from radicale_plugin.cli.output import count, day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync import faults, gauges
from sync.database.engine import Session
from sync.errors import InvalidInput
from sync.faults import Failing
from sync.notify import given_up
from sync.notify.given_up import Listed

_DIGITS = 16


@click.group()
def outbox() -> None:
    """What waits to be sent and done, what fails, and what was given up (dead letters)."""


@outbox.command("status")
@json_option
@pass_site
def status(site: Site, *, as_json: bool) -> None:
    """Count what waits for the worker, and what was given up, by the reason."""
    with site.read() as session:
        waiting = {name: int(value) for name, value in gauges.waiting(session).items()}
        counts = given_up.counts(session)
    if as_json:
        names = ("source", "kind", "channel", "reason")
        lost = [dict(zip(names, of, strict=True)) | {"count": number} for of, number in counts.items()]
        print_json({"waiting": waiting, "given_up": lost})
        return
    print_table(("Waits", ""), [(name.replace("_", " "), str(number)) for name, number in waiting.items()])
    click.echo()
    if not counts:
        click.echo("Nothing was given up.")
        return
    rows = [(str(number), kind, channel, reason) for (_source, kind, channel, reason), number in counts.items()]
    print_table(("Given up", "What", "By", "Why"), rows)


@outbox.command("list")
@click.option("--most", type=click.IntRange(1), default=100, show_default=True, help="How many, the last ones first.")
@json_option
@pass_site
def list_given_up(site: Site, most: int, *, as_json: bool) -> None:
    """
    List what was given up, and why; it is kept for 30 days.

    Nobody is named: of an e-mail address only the domain is shown, of a phone number nothing.
    """
    with site.read() as session:
        found = given_up.listed(session, most)
    if as_json:
        print_json([_values(each) for each in found])
        return
    rows = [
        (_name(each), each.kind, each.channel, each.domain, day(each.created_at), day(each.failed_at), each.reason)
        for each in found
    ]
    print_table(("Id", "What", "By", "Domain", "Posted", "Given up", "Why"), rows)


@outbox.command("failing")
@click.option("--most", type=click.IntRange(1), default=100, show_default=True, help="How many, the last ones first.")
@json_option
@pass_site
def list_failing(site: Site, most: int, *, as_json: bool) -> None:
    """
    List what the worker could not do yet; it is tried for ever, later each time, up to a quarter of an hour.

    What has no id is tried again within seconds. Why is what was met and where in the program; the log says more.
    """
    with site.read() as session:
        found = faults.listed(session, most)
    if as_json:
        print_json([_failing(each) for each in found])
        return
    rows = [
        (
            "" if each.id is None else f"{each.id:0{_DIGITS}x}",
            faults.WORDS.get(each.kind, each.kind),
            each.login or each.organisation,
            str(each.times),
            "" if each.failing_since is None else day(each.failing_since),
            "" if each.next_at is None else day(each.next_at),
            each.reason or "whoever did it was stopped",
        )
        for each in found
    ]
    print_table(("Id", "Could not", "About", "Times", "Since", "Next try", "Why"), rows)


@outbox.command("now")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@pass_site
def try_now(site: Site, ids: tuple[str, ...], *, is_all: bool) -> None:
    """Let jobs that failed be tried now."""
    chosen = _chosen(ids, "failing", is_all=is_all)
    tried = site.write(lambda session: faults.try_now(session, chosen))
    if chosen is not None and not tried:
        raise InvalidInput("There is no such id; `evercard outbox failing` has them.")
    click.echo(f"Tried now: {count(tried, 'job')}.")


@outbox.command("retry")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@pass_site
def retry(site: Site, ids: tuple[str, ...], *, is_all: bool) -> None:
    """Put back what was given up: the worker tries it again, for as long as anything that is new."""
    done = _do(site, given_up.put_back, ids, is_all=is_all)
    click.echo(f"Put back: {count(done, 'message or errand', 'messages and errands')}.")


@outbox.command("drop")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@pass_site
def drop(site: Site, ids: tuple[str, ...], *, is_all: bool) -> None:
    """Forget what was given up."""
    done = _do(site, given_up.drop, ids, is_all=is_all)
    click.echo(f"Forgotten: {count(done, 'message or errand', 'messages and errands')}.")


def _do(
    site: Site, act: Callable[[Session, Collection[int] | None], int], ids: tuple[str, ...], *, is_all: bool
) -> int:
    """Do something with these, a few in each transaction, and return how many they were."""
    chosen, total = _chosen(ids, "list", is_all=is_all), 0
    while done := site.write(lambda session: act(session, chosen)):
        total += done
    if chosen is not None and not total:
        raise InvalidInput("There is no such id; `evercard outbox list` has them.")
    return total


def _chosen(ids: tuple[str, ...], command: str, *, is_all: bool) -> list[int] | None:
    """Return which are meant, of those that a *command* lists; None for all."""
    if is_all == bool(ids):
        raise InvalidInput("Name what is meant by its id, or say --all.")
    try:
        return None if is_all else [int(each, 16) for each in ids]
    except ValueError as error:
        raise InvalidInput(f"An id is written as `evercard outbox {command}` prints it.") from error


def _name(each: Listed) -> str:
    return f"{each.id:0{_DIGITS}x}"


def _failing(each: Failing) -> dict[str, object]:
    return {
        "id": None if each.id is None else f"{each.id:0{_DIGITS}x}",
        "kind": each.kind,
        "login": each.login or None,
        "organisation": each.organisation or None,
        "times": each.times,
        "failing_since": moment(each.failing_since),
        "failed_at": moment(each.failed_at),
        "next_at": moment(each.next_at),
        "reason": each.reason or None,
    }


def _values(each: Listed) -> dict[str, object]:
    return {
        "id": _name(each),
        "source": each.source,
        "kind": each.kind,
        "channel": each.channel or None,
        "domain": each.domain or None,
        "posted_at": moment(each.created_at),
        "given_up_at": moment(each.failed_at),
        "attempts": each.attempts,
        "reason": each.reason,
    }
