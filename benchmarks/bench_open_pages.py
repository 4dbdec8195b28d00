"""
What pages of the portal cost that stay open: each looks again and again whether anything on it is another by now.

CPU time of such a look where nothing changed, beside a request of the bare application, and what follows from it for
1,000 open pages at each pace of ``static/live.js``. Beside it is what they would cost as streams of events, of which
each keeps a thread: so many threads, and their memory.
"""

from __future__ import annotations

import argparse
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from radicale import config

from benchmarks import bare, cases, databases, load, measure, people, servers
from benchmarks.people import Hub
from benchmarks.requests import PROPFIND, Client
from radicale_plugin import settings
from radicale_plugin.web import application
from radicale_plugin.web.base_url import Place
from sync.database.engine import Database
from sync.meeting import open_pages
from sync.sign_in import sessions

OPEN, SIZE, REQUESTS, ROUNDS = 1_000, 1_000, 2_000, 5
#: Seconds between two looks: of a page in use, of one that was used a while ago, and of one that is only open.
PACES = (5, 15, 60)
LOOK, PAGE = "look, nothing new", "page of requests"


def main(*, quick: bool) -> None:
    """Measure and print."""
    size, requests, rounds = (20, 40, 1) if quick else (SIZE, REQUESTS, ROUNDS)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        measured: list[cases.Case] = []
        for database in (
            stack.enter_context(databases.sqlite(directory)),
            stack.enter_context(databases.on_postgresql()),
        ):
            if database is None:
                continue
            (hub,) = people.build(database, [size], with_cards=True)
            server = stack.enter_context(servers.evercard(directory, database))
            if not measured:
                measured.append(_reference(stack, directory, server, hub, requests))
            measured.append(_look(database, server, hub, requests))
        cases.measure_all(measured, rounds)
    _show(measured)
    _show_streams(100 if quick else OPEN)


def _reference(stack: ExitStack, directory: Path, server: servers.Server, hub: Hub, count: int) -> cases.Case:
    client = Client.of(hub)
    answers = {PROPFIND: bare.Answer.read(load.fetch(server.port, client.propfind()))}
    least = stack.enter_context(servers.bare_wsgi(directory, hub.login, hub.password, answers))
    return cases.Case(least, "PROPFIND", "", [client.propfind()], count, count)


def _look(database: Database, server: servers.Server, hub: Hub, count: int) -> cases.Case:
    token = database.write(lambda session: sessions.start(session, hub.id, "Benchmark"))
    portal = application.create(database, Place("http", "localhost", server.port, ""), settings.load(None))
    serializer = portal.session_interface.get_signing_serializer(portal)  # type: ignore[attr-defined]
    found = open_pages.read(database, token)
    if found is None:
        raise SystemExit("Nobody is signed in.")
    headers = (("Cookie", f"evercard={serializer.dumps({'visit': token})}"), ("If-None-Match", f'"{found.version}"'))
    return cases.Case(server, LOOK, "", [load.Request("GET", "/.web/live/", "", headers)], count, count)


def _show(measured: list[cases.Case]) -> None:
    (_, least), *looks = [(case, case.cost()) for case in measured]
    rows = []
    for case, cost in looks:
        everything = cost.server + cost.backends
        ratio = everything / least.server
        of_a_second = (f"{OPEN / pace * ratio:,.0f}; {OPEN / pace * everything * 100:.1f} %" for pace in PACES)
        rows.append(
            (case.server.name, f"{everything * 1e3:.3f}", measure.ratio(everything, least.server), *of_a_second)
        )
    paces = (f"{OPEN:,} pages, every {pace} s" for pace in PACES)
    measure.show(
        "An open page looks; a second of 1,000 of them as so many bare requests, and in percent of a core",
        ("server", "CPU ms, database included", "to bare", *paces),
        rows,
    )


def _show_streams(count: int) -> None:
    serving = settings.serving(config.load())
    ended, before = threading.Event(), _resident()
    threads = [threading.Thread(target=ended.wait) for _ in range(count)]
    for thread in threads:
        thread.start()
    held = _resident() - before
    ended.set()
    for thread in threads:
        thread.join()
    rows = [(f"{count:,}", f"{serving.workers * serving.threads}", f"{held / 1024:.0f}")]
    heads = ("streams, a thread each", "threads that serve", "memory of threads that only wait, MB")
    measure.show("The same as streams of events", heads, rows)


def _resident() -> int:
    """Return the resident memory of this process in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    main(quick=parser.parse_args().quick)
