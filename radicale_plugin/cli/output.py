"""What commands print: tables for people, JSON for scripts, and how far long work has come."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Give *command* the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def print_json(value: object) -> None:
    """Print *value* as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_names(names: Sequence[str], *, as_json: bool) -> None:
    """Print *names*, one a line or as JSON."""
    if as_json:
        print_json(names)
        return
    for name in names:
        click.echo(name)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print *rows* under *header* in columns that stand straight in every script."""
    widths = [max(map(_width, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def moment(seconds: int | None) -> str | None:
    """Write a time as ISO 8601 in UTC, for scripts."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(seconds: int | None) -> str:
    """Write a time to the minute, in the time of this machine, for people."""
    return "never" if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def count(number: int, thing: str, things: str = "") -> str:
    """Say how many there are of a *thing*."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def octets(number: int) -> str:
    """Say how much room something takes."""
    size = float(number)
    for unit in ("octets", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 100 or unit == "octets" else f"{size:.1f} {unit}"


def progress(label: str, length: int) -> AbstractContextManager[Any]:
    """Show on a terminal how far some work has come; the object's `update` takes how much was done."""
    stream = sys.stderr
    return click.progressbar(length=length, label=label, file=stream, hidden=not stream.isatty(), show_pos=True)


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)
