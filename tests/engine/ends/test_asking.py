"""A day before something ends, its owner is asked: once, and without a word of what it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.accounts import addresses
from sync.database.engine import Database
from sync.ends import asking, setting
from sync.ends.targets import Target
from sync.models import Message
from sync.settings import Sending, Settings
from tests.support.clock import DAY, HOUR, Clock
from tests.support.databases import opened
from tests.support.factories import MOBILE, field, group, person
from tests.support.meeting import messages, prefer

SETTINGS = Settings(
    base_url="https://cards.example",
    sending=Sending(smtp_host="127.0.0.1", mail_from="cards@cards.example"),
)


class Stage:
    """Anna, whose trip ends, on a server that sends e-mail."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.anna = person(database, "anna")
        phone = field(database, self.anna)
        self.trip = group(database, self.anna, "secret trip", [], [phone])
        database.write(lambda session: addresses.add(session, self.anna, "email", "anna@example.org"))

    def end(self, seconds: int) -> None:
        """Let the trip end."""
        at = self.clock.soon(seconds)
        target = Target(group_id=self.trip)
        self.database.write(lambda session: setting.set_end(session, self.anna, target, at, 480))

    def asked(self) -> int:
        """Do what the worker does, and count the messages there are."""
        asking.work(self.database)
        return len([each for each in messages(self.database) if each[2] == "ending"])


@pytest.fixture
def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Set the stage."""
    with opened(database_url, SETTINGS) as database:
        yield Stage(database, Clock(monkeypatch))


def test_the_owner_is_asked_a_day_before_and_once(stage: Stage) -> None:
    stage.end(3 * DAY)
    assert stage.asked() == 0
    stage.clock.put(stage.clock.now() + 2 * DAY + HOUR)
    assert stage.asked() == 1
    assert stage.asked() == 1
    with stage.database.reading() as session:
        said = session.query(Message).one().values
    assert "https://cards.example/.web/ends/" in said
    assert "UTC+08:00" in said
    assert MOBILE not in said
    assert "secret" not in said


def test_who_said_so_just_now_or_wants_no_messages_is_not_asked(stage: Stage) -> None:
    stage.end(DAY // 2)
    assert stage.asked() == 0
    stage.end(3 * DAY)
    prefer(stage.database, stage.anna, told_of_requests=False)
    stage.clock.put(stage.clock.now() + 2 * DAY + HOUR)
    assert stage.asked() == 0


def test_whoever_changes_the_end_is_asked_of_the_new_one(stage: Stage) -> None:
    stage.end(3 * DAY)
    stage.clock.put(stage.clock.now() + 2 * DAY + HOUR)
    assert stage.asked() == 1
    stage.end(5 * DAY)
    assert stage.asked() == 1
    stage.clock.put(stage.clock.now() + 4 * DAY + HOUR)
    assert stage.asked() == 2
