"""However many devices store how stale cards: what one did not touch stays as it is, and the later edit wins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.books import edit_conflicts
from sync.database.engine import Database
from sync.sharing import connections
from sync.sign_in import credentials
from tests.dav.asking import put
from tests.properties.stale import SLOTS, Device, Entry, values_of
from tests.support import factories
from tests.support.people import Person, register
from tests.support.site import Site, opened

DEVICES = 3
LETTERS = st.sampled_from([None, "ape", "bee"])
DEVICE = st.integers(0, DEVICES - 1)
EDIT = st.tuples(st.sampled_from(sorted(SLOTS)[:3]), LETTERS)
#: Most devices never look, some fetch the entry again, and a few say what they knew.
STEP = st.one_of(
    *[
        st.tuples(DEVICE, st.lists(EDIT, min_size=1, max_size=2), st.just(how))
        for how in ("blindly", "blindly", "known")
    ],
    st.tuples(DEVICE, st.just([]), st.sampled_from(["get", "multiget", "report", "listing"])),
)
HISTORIES = {"thorough": 400}


@pytest.fixture(params=["self", "private", "connection"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of entry in turn."""
    return str(request.param)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server."""
    with opened(database_url) as made:
        yield made


def devices_of(database: Database, login: str) -> list[Person]:
    """Return a new person as each of their devices."""
    first = register(database, login)
    more = [
        database.write(lambda session: credentials.add_device(session, first.id, "Another"))[1]
        for _ in range(DEVICES - 1)
    ]
    return [first, *(replace(first, password=password) for password in more)]


def made(site: Site, kind: str, people: list[Person]) -> Entry:
    """Return an entry as one device wrote it, to which all others come."""
    entry = entry_of(site, kind, people)
    writer = Device(site, people[0], entry)
    writer.fetch("get")
    writer.local = dict(entry.says)
    entry.says = dict(writer.known)
    writer.store(conditionally=False)
    return entry


def entry_of(site: Site, kind: str, people: list[Person]) -> Entry:
    """Return an entry of this kind that everybody's devices have."""
    person, book = people[0], f"/{people[0].login}/contacts/"
    said: dict[str, str | None] = {slot: form.format("all") for slot, form in SLOTS.items()}
    if kind == "private":
        card = factories.vcard("one", "X-OF-NO-MEANING:a", "CATEGORIES:b")
        assert put(site, person, book + "one.vcf", card).status == 201
        return Entry(book + "one.vcf", said)
    if kind == "self":
        factories.field(site.database, person.id, "name", "Anna")
        return Entry(book + factories.href_of(site.database, person.id, person.id), said)
    other = register(site.database)
    site.database.write(lambda session: connections.connect(session, person.id, other.id))
    return Entry(book + factories.href_of(site.database, person.id, other.id), said)


@pytest.mark.timeout(1_800)
def test_nobody_undoes_what_they_did_not_know_of(site: Site, kind: str) -> None:
    numbers = itertools.count()
    few = 12 if site.database.is_sqlite else 4
    examples = HISTORIES.get(settings.get_current_profile_name(), few)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, min_size=10, max_size=20))
    def run(steps: list[tuple[int, list[tuple[str, str | None]], str]]) -> None:
        people = devices_of(site.database, f"p{kind[0]}{next(numbers)}")
        entry = made(site, kind, people)
        devices = [Device(site, person, entry) for person in people]
        for device in devices:
            device.fetch("report")
        for number, edits, how in steps:
            device = devices[number]
            for slot, letter in edits:
                # What a device knows to be deleted is not made again: it would be another field.
                if device.local[slot] is not None:
                    device.local[slot] = SLOTS[slot].format(letter) if letter else None
            if not edits:
                device.fetch(how)
            elif device.local != device.known:
                device.store(conditionally=how == "known" and bool(device.etag))
                now = factories.contents(site.database, people[0].id)
                assert [values_of(each.text) for each in now if entry.path.endswith(each.href)] == [entry.says]
        told = site.database.write(lambda session: edit_conflicts.count(session, people[0].id))
        assert told == entry.conflicts

    run()
