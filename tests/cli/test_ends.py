"""`evercard end`, and ``--until``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Command
from tests.support.clock import DAY, Clock


@pytest.fixture
def trip(anna: Command, evercard: Command) -> Command:
    """Anna, whose trip sees her phone, and with it Bert."""
    evercard("user", "add", "bert")
    evercard("connect", "anna", "bert")
    evercard("profile", "add", "anna", "mobile", "+1 555 0100")
    evercard("group", "create", "anna", "trip")
    evercard("group", "add", "anna", "trip", "bert")
    return anna


def in_hours(hours: int) -> str:
    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M}+00:00"


def test_what_is_given_until_a_time_is_gone_then(trip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    told = trip("grant", "give", "anna", "trip", "mobile", "--until", in_hours(3))
    assert told.startswith("trip may see mobile until ")
    assert "555 0100" in trip("preview", "anna", "--person", "bert")
    assert [each["group"] for each in trip.json("end", "list", "anna")] == ["trip"]
    clock.put(clock.now() + 3 * 3600)
    assert "555 0100" not in trip("preview", "anna", "--person", "bert")
    assert trip.json("end", "list", "anna") == []


def test_a_group_a_person_and_what_they_see_alone_can_end_and_be_kept(trip: Command) -> None:
    trip("grant", "except", "anna", "bert", "mobile", "--show")
    trip("end", "set", "anna", "trip", "--until", in_hours(5))
    trip("end", "set", "anna", "bert", "--person", "--until", in_hours(4))
    trip("end", "set", "anna", "bert", "mobile", "--person", "--until", in_hours(3))
    said = [(each["group"], each["person"], each["field"]) for each in trip.json("end", "list", "anna")]
    assert said == [(None, "bert", "mobile"), (None, "bert", None), ("trip", None, None)]
    trip("end", "keep", "anna", "trip")
    trip("end", "keep", "anna", "bert", "--person")
    assert "mobile" in trip("end", "list", "anna")
    assert "no end" in trip.error("end", "keep", "anna", "trip")


def test_a_day_ends_by_the_clock_of_this_computer(trip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        day = f"{datetime.now(UTC) + timedelta(seconds=3 * DAY):%Y-%m-%d}"
        trip("end", "set", "anna", "trip", "--until", day)
        assert trip.json("end", "list", "anna")[0]["until"] == f"{day} 23:59 (UTC+08:00)"
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_what_cannot_be_is_refused_with_a_sentence(trip: Command) -> None:
    assert trip.run("end", "set", "anna", "trip", "--until", "sunday").exit_code == 2
    assert "at least a minute" in trip.error("end", "set", "anna", "trip", "--until", "2020-01-01")
    assert "built-in" in trip.error("end", "set", "anna", "strangers", "--until", in_hours(1))
    assert "could end" in trip.error("end", "set", "anna", "trip", "mobile", "--until", in_hours(1))


def test_a_holder_says_that_something_is_not_right_any_more(trip: Command) -> None:
    trip("grant", "give", "anna", "trip", "mobile")
    assert trip("doubt", "say", "bert", "anna", "mobile") == "anna is told.\n"
    assert trip.json("doubt", "list", "anna") == [{"field": "mobile", "holder": "bert"}]
    trip("doubt", "dismiss", "anna", "mobile")
    assert trip.json("doubt", "list", "anna") == []
    assert "doubts" in trip.error("doubt", "dismiss", "anna", "mobile")
    assert "connected" in trip.error("doubt", "say", "bert", "bo", "mobile")
