"""
Entries and their cards, where machines commit one after the other: nobody gets what is older than their sync token.

A reader is let in between the two halves of a change: what one machine has committed is there, and what the other one
will is as it was before the change.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select, update

from sync import verification
from sync.books import entries
from sync.database import entry_cards
from sync.database.engine import Database, Session
from sync.errors import NotThereYet
from sync.models import (
    AddressBook,
    Card,
    CardListKey,
    Entry,
    Field,
    FieldState,
    Profile,
    ProfileState,
    RosterEntry,
)
from sync.revisions import fan_out
from sync.sharing import groups
from sync.verification import late
from tests.support import clubs
from tests.support.distribution import distributed, together
from tests.support.factories import (
    MOBILE,
    book,
    changes,
    contents,
    crowd,
    field,
    group,
    href_of,
    person,
    seen,
    set_field,
)

NEW = "+86 139 0000 0000"


@dataclass(frozen=True, slots=True)
class Stage:
    """Somebody whose number others may see, in a database whose tables are spread."""

    database: Database
    owner: int
    phone: int
    family: int
    viewer: int


@pytest.fixture
def stage(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Nobody waits for long."""
    monkeypatch.setattr(entry_cards, "PAUSE", 0.001)
    with distributed(database):
        owner = person(database)
        phone = field(database, owner)
        family = group(database, owner, "family", granted=[phone])
        viewer, _other = crowd(database, owner, 2, [family])
        fan_out.work(database)
        yield Stage(database, owner, phone, family, viewer)


def rows(database: Database, *models: type[Any], of: int) -> list[tuple[type[Any], dict[str, Any]]]:
    """Return the rows that these tables have of a person."""
    with database.reading() as session:
        found = []
        for model in models:
            key = model.__table__.c[model.__table__.info["spread_by"]]
            chosen = select(model.__table__).where(key == of)
            found += [(model, dict(row)) for row in session.execute(chosen).mappings()]
        return found


def put_back(database: Database, kept: list[tuple[type[Any], dict[str, Any]]]) -> None:
    """Let these rows be as they were: the machine that they are on has not committed yet."""

    def change(session: Session) -> None:
        for model, row in kept:
            key = [column == row[column.name] for column in model.__table__.primary_key]
            session.execute(update(model.__table__).where(*key).values(row))

    database.write(change)


def change_and_carry(stage: Stage) -> None:
    set_field(stage.database, stage.owner, stage.phone, NEW)
    fan_out.work(stage.database)


def every_door(stage: Stage) -> list[Any]:
    """Return what asks for the viewer's entries in each way in which devices do."""
    database, viewer = stage.database, stage.viewer
    href = href_of(database, viewer, stage.owner)
    now = book(database, viewer)

    def reading(ask: Any) -> Any:
        def read() -> Any:
            with database.reading() as session:
                return ask(session)

        return read

    return [
        lambda: changes(database, viewer),
        lambda: changes(database, viewer, since=0),
        lambda: list(entries.changed_heads(database, now, 0)),
        lambda: contents(database, viewer),
        lambda: list(entries.named(database, now, "3.0", [href])),
        reading(lambda session: list(entries.texts(session, now, "4.0", hrefs=[href]))),
        reading(lambda session: entries.head(session, now, href)),
    ]


def test_what_has_arrived_everywhere_is_served_by_every_door(stage: Stage) -> None:
    change_and_carry(stage)
    assert seen(stage.database, stage.viewer, stage.owner) == {NEW}
    assert all(ask() for ask in every_door(stage))


def test_a_card_that_is_older_than_its_entry_is_served_by_no_door(stage: Stage) -> None:
    """The entry says that it changed, so whoever asked would not ask again: an update would be lost."""
    before = rows(stage.database, Profile, Card, of=stage.owner)
    change_and_carry(stage)
    put_back(stage.database, before)
    doors = every_door(stage)
    for ask in doors:
        with pytest.raises(NotThereYet):
            ask()


def test_without_the_check_the_old_card_is_served_under_the_new_token(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the check is there for does happen without it."""
    before = rows(stage.database, Profile, Card, of=stage.owner)
    change_and_carry(stage)
    put_back(stage.database, before)
    monkeypatch.setattr(entry_cards._Found, "fits", lambda *_: True)
    assert seen(stage.database, stage.viewer, stage.owner) == {MOBILE}


def test_a_reader_waits_for_a_card_that_comes_in_a_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(stage.database, Profile, Card, of=stage.owner)
    change_and_carry(stage)
    after = rows(stage.database, Profile, Card, of=stage.owner)
    now = book(stage.database, stage.viewer)
    put_back(stage.database, before)
    waited = list[float]()

    def arrive(seconds: float) -> None:
        waited.append(seconds)
        put_back(stage.database, after)

    monkeypatch.setattr(time, "sleep", arrive)
    href = href_of(stage.database, stage.viewer, stage.owner)
    [text] = entries.named(stage.database, now, "3.0", [href])
    assert NEW in text.text
    assert len(waited) == 1


def test_what_was_taken_back_is_gone_as_soon_as_the_owners_machine_says_so(stage: Stage) -> None:
    """The reader's machine, which names the card that they had, may commit later."""
    before = rows(stage.database, AddressBook, Entry, of=stage.viewer)
    stage.database.write(lambda session: groups.remove_member(session, stage.owner, stage.family, stage.viewer))
    put_back(stage.database, before)
    for ask in every_door(stage):
        with pytest.raises(NotThereYet):
            ask()


def test_an_entry_that_is_behind_its_card_is_served(stage: Stage) -> None:
    """Its reader has the old token, and asks again."""
    set_field(stage.database, stage.owner, stage.phone, NEW)
    assert seen(stage.database, stage.viewer, stage.owner) == {NEW}


def test_news_of_an_older_change_does_not_make_an_entry_older(stage: Stage) -> None:
    change_and_carry(stage)

    def raised_for() -> int | None:
        with stage.database.reading() as session:
            mine = (Entry.viewer_id == stage.viewer, Entry.id == stage.owner)
            return session.scalars(select(Entry.raised_for).where(*mine)).one()

    version = raised_for()
    assert version is not None
    stage.database.write(lambda session: fan_out.reach(session, stage.owner, [stage.viewer], 1, version - 1))
    assert raised_for() == version
    stage.database.write(lambda session: fan_out.reach(session, stage.owner, [stage.viewer], 1))
    assert raised_for() == version


def test_on_one_machine_nobody_ever_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_cards, "of", None)
    with together(stage.database):
        change_and_carry(stage)
        assert all(ask() for ask in every_door(stage))


def problems(stage: Stage) -> list[str]:
    """Return what is wrong with the database."""
    with stage.database.reading() as session:
        return [each.problem for each in verification.findings(session)]


def test_what_waits_for_a_change_that_was_lost_is_named_after_a_while_and_let_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's machine was put back to an older state; the reader's was not."""
    database = stage.database
    kept = rows(database, Profile, Card, Field, FieldState, ProfileState, CardListKey, of=stage.owner)
    change_and_carry(stage)
    put_back(database, kept)
    with pytest.raises(NotThereYet):
        contents(database, stage.viewer)
    assert not [each for each in problems(stage) if "waits for a change" in each]
    assert verification.repair(database) == 0
    monkeypatch.setattr(late, "LONG", -10)
    said = [each for each in problems(stage) if "waits for a change" in each]
    # The owner's own is one of them.
    assert len(said) == 3
    assert all(each.endswith("run `evercard verify --repair`.") for each in said)
    before = book(database, stage.viewer).revision
    assert verification.repair(database) == 3
    assert [href for href, *_ in changes(database, stage.viewer, since=before)] == [
        href_of(database, stage.viewer, stage.owner)
    ]
    assert seen(database, stage.viewer, stage.owner) == {MOBILE}
    assert not [each for each in problems(stage) if "waits for a change" in each]
    assert verification.repair(database) == 0


def test_what_waits_of_a_roster_is_named_after_a_while_and_let_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    club = clubs.found(stage.database)
    for each in (person(stage.database), stage.owner):
        club.join(each)
    monkeypatch.setattr(late, "LONG", -10)
    theirs = (RosterEntry.organisation_id == club.id, RosterEntry.owner_id == stage.owner)
    ahead = update(RosterEntry).where(*theirs).values(raised_for=10**6)
    stage.database.write(lambda session: session.execute(ahead))
    assert [each for each in problems(stage) if "wait for a change" in each] == [
        "1 rows of rosters wait for a change that has not come; run `evercard verify --repair`."
    ]
    assert verification.repair(stage.database) == 1
    assert not [each for each in problems(stage) if "wait for a change" in each]
