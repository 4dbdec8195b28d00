"""CPU time of processes, and tables of ratios."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


Usage = dict[int, float]


def usage(pids: Iterable[int]) -> Usage:
    """Return the CPU seconds, user and system, that each of these processes has used so far."""
    return {pid: _cpu_seconds(pid) for pid in pids}


def used(before: Usage, after: Usage) -> float:
    """Return the CPU seconds that were used in between, by processes that are still there."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def tree(pid: int) -> list[int]:
    """Return the ids of a process and of everything below it."""
    children: dict[int, list[int]] = {}
    for directory in _PROC.glob("[0-9]*"):
        if (fields := _stat(int(directory.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(directory.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def named(title: str) -> list[int]:
    """Return the ids of the processes whose command line contains *title*, such as PostgreSQL's for one database."""
    found = []
    for directory in _PROC.glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if command.startswith(b"postgres:") and title.encode() in command:
            found.append(int(directory.name))
    return found


def ratio(value: float, reference: float) -> str:
    """Write how many times *reference* a value is."""
    return f"{value / max(reference, 1e-9):.2f} x"


def median(values: Iterable[float]) -> float:
    """Return the median, which one disturbed round does not move."""
    return statistics.median(values)


def show(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    table = [list(heads), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    print(f"\n{title}")
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip(), flush=True)


def _cpu_seconds(pid: int) -> float:
    # The scheduler tells nanoseconds, but only of threads that are still there; the process knows all, in ticks.
    fields = _stat(pid)
    ticks = int(fields[11]) + int(fields[12]) if fields is not None else 0
    return max(ticks * _TICK, sum(map(_thread_seconds, _PROC.glob(f"{pid}/task/*/schedstat"))))


def _thread_seconds(file: Path) -> float:
    try:
        return int(file.read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _stat(pid: int) -> list[str] | None:
    # What follows the name in parentheses, which may contain anything: state, parent, …
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
