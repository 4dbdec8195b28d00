"""Whatever programs do to cards that come back: nobody keeps what they may not see, and nobody loses anything."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from sync.database.engine import Database
from sync.fields import fields_of, head, render, same_meaning
from sync.fields.labels import is_stray
from sync.merging import matching
from sync.models import Base
from sync.vcard import parse_one
from tests.properties import programs
from tests.properties.connection_cards import ConnectionsCards
from tests.properties.own_cards import OwnCard
from tests.properties.profile_engine import CHOICE, RANDOM, VERSION, Engine, Open
from tests.properties.samples import marked, samples

HISTORIES = {"thorough": 500}


def search(machine: type[Engine], open_one: Open, steps: int, histories: int) -> None:
    """Search for a history that makes *machine* fail, on databases that *open_one* makes."""
    here = type(machine.__name__, (machine,), {"open": staticmethod(open_one)})
    count = HISTORIES.get(settings.get_current_profile_name(), histories)
    phases = [phase for phase in Phase if phase is not Phase.shrink] if os.environ.get("NOSHRINK") else list(Phase)
    how = settings(max_examples=count, stateful_step_count=steps, phases=phases)
    run_state_machine_as_test(here, settings=how)


@pytest.fixture
def on_files(migrated_sqlite_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return what opens a new SQLite database. Its schema is not looked at after each step, which no step changes."""
    monkeypatch.setattr("sync.verification.differences", lambda _: [])
    numbers = itertools.count()

    def open_one() -> Database:
        return Database(f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / f'{next(numbers)}.sqlite')}")

    return open_one


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("machine", [ConnectionsCards, OwnCard])
def test_no_program_can_break_a_promise(machine: type[Engine], on_files: Open) -> None:
    search(machine, on_files, 15, 15)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("machine", [ConnectionsCards, OwnCard])
@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_no_program_can_break_a_promise_on_postgresql(
    machine: type[Engine], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, on histories that are few because all share one database, emptied in between."""
    monkeypatch.setattr("sync.verification.differences", lambda _: [])

    def open_one() -> Database:
        database = Database(database_url)
        with database.writing() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(table.delete())
        return database

    search(machine, open_one, 8, 3)


@given(
    st.lists(CHOICE, min_size=1, max_size=8),
    st.sampled_from([*programs.SPELLING, *programs.FORGETTING]),
    VERSION,
    RANDOM,
)
def test_what_a_program_does_not_know_it_does_not_edit(
    chosen: list[int], way: programs.Way, version: str, random: Random
) -> None:
    """Of any fields, what comes back is what was there: none is gone, changed, new or moved."""
    existing = [marked(samples()[choice % len(samples())], number)[0] for number, choice in enumerate(chosen)]
    text = head(version, "u", 0) + render(existing, version, fallback_name="anna", remote_media=True)
    data = programs.written(version, way(list(parse_one(text).properties), random), random)
    named = {content.main.name for content in existing}
    unnamed = {"FN", "N", "X-MS-OL-OWN"} - named
    # No door takes the label of what a program forgot for a field.
    sent = [
        content
        for content in fields_of(parse_one(data))
        if content.main.name not in unnamed and (content.main.name in named or not is_stray(content.main.name))
    ]
    edited, matches = matching.edited(existing, sent)
    assert matching.deleted_by_client(existing, matches, sent) == []
    assert all(
        index is not None and same_meaning(existing[index], content)
        for content, index in zip(edited, matches, strict=True)
    )
    assert matching.ordered(existing, matches, []) == list(range(len(existing)))
