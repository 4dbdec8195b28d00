"""What ends by itself, on the pages: set, seen, kept, let end, and gone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sync.calendars import feeds
from sync.ends import local_time, setting
from sync.ends.targets import Target
from sync.sharing import grants
from tests.support.clock import DAY, HOUR, Clock
from tests.support.factories import connected, field, group, person, seen
from tests.support.forms import Visitor
from tests.support.site import Site


class Stage:
    """Anna, whose trip sees her phone and birthday, and with it her friend Bert."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site, self.database, self.clock = site, site.database, clock
        self.anna, self.bert = connected(site.database, "anna", "bert")
        self.phone = field(site.database, self.anna)
        self.birthday = field(site.database, self.anna, "birthday", "1980-03-22")
        self.trip = group(site.database, self.anna, "trip", [self.bert], [self.phone, self.birthday])
        self.visitor = Visitor(site).signed_in(self.anna)

    def ends(self) -> list[tuple[Target, int]]:
        """Return what of Anna's ends, and when."""
        with self.database.reading() as session:
            return [(end.target, end.at) for end in setting.ends_of(session, self.anna)]

    def set(self, seconds: int, **target: int) -> int:
        """Let something of Anna's end."""
        at = self.clock.soon(seconds)
        self.database.write(lambda session: setting.set_end(session, self.anna, Target(**target), at))
        return at


@pytest.fixture
def stage(site: Site, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Set the stage, with a clock."""
    return Stage(site, Clock(monkeypatch))


def tomorrow() -> date:
    return datetime.now(UTC).date() + timedelta(days=3)


@pytest.mark.parametrize(("time", "offset"), [("", 0), ("18:30", 480), ("", -300)])
def test_a_group_ends_on_a_day_by_the_clock_of_the_browser(stage: Stage, time: str, offset: int) -> None:
    page = stage.visitor.get(f"/ends/?group={stage.trip}")
    values = {"what": f"group-{stage.trip}", "day": tomorrow().isoformat(), "time": time, "offset": str(offset)}
    page = page.submit("/ends/", **values).followed()
    assert page.told == ["Saved. It ends by itself; a day before, you are asked once."]
    at = datetime.fromisoformat(f"{tomorrow()}T{time or '23:59'}+00:00") - timedelta(minutes=offset)
    assert stage.ends() == [(Target(group_id=stage.trip), int(at.timestamp()))]
    assert "until" in stage.visitor.get(f"/groups/{stage.trip}").text
    assert "All that trip sees" in stage.visitor.get("/ends/").text


def test_what_one_person_sees_and_the_connection_can_end(stage: Stage) -> None:
    stage.database.write(
        lambda session: grants.except_person(session, stage.anna, stage.bert, [stage.phone], allowed=True)
    )
    for key in (f"connection-{stage.bert}", f"exception-{stage.bert}-{stage.phone}"):
        page = stage.visitor.get(f"/ends/?person={stage.bert}")
        page.submit("/ends/", what=key, day=tomorrow().isoformat())
    targets = {Target(viewer_id=stage.bert), Target(viewer_id=stage.bert, field_id=stage.phone)}
    assert {target for target, _ in stage.ends()} == targets
    assert "until" in stage.visitor.get(f"/people/{stage.bert}").text
    assert "until" in stage.visitor.get(f"/sharing/people/{stage.bert}").text


def test_the_matrix_says_what_ends(stage: Stage) -> None:
    assert "until" not in stage.visitor.get("/sharing/").document.xpath("string(//form[@id='matrix'])")
    stage.set(DAY * 3, group_id=stage.trip, field_id=stage.phone)
    (cell,) = stage.visitor.get("/sharing/").document.xpath(
        f"//label[.//input[@value='{stage.trip}-{stage.phone}']]//time"
    )
    assert cell.text.startswith("until ")


def test_saving_the_matrix_or_the_exceptions_unchanged_leaves_the_ends(stage: Stage) -> None:
    stage.database.write(
        lambda session: grants.except_person(session, stage.anna, stage.bert, [stage.phone], allowed=True)
    )
    stage.set(DAY * 3, group_id=stage.trip, field_id=stage.phone)
    stage.set(DAY * 3, viewer_id=stage.bert, field_id=stage.phone)
    before = stage.ends()
    stage.visitor.get("/sharing/").submit("/sharing/")
    stage.visitor.get(f"/sharing/people/{stage.bert}").submit(
        f"/sharing/people/{stage.bert}", **{f"now-{stage.birthday}": "never"}
    )
    assert stage.ends() == before


@pytest.mark.parametrize("answer", ["keep", "let"])
def test_a_day_before_the_owner_is_asked_until_they_answer(stage: Stage, answer: str) -> None:
    stage.set(3 * DAY, group_id=stage.trip)
    asked = "ends within a day"
    assert asked not in stage.visitor.get("/").text
    stage.clock.put(stage.clock.now() + 2 * DAY + HOUR)
    assert asked in stage.visitor.get("/").text
    page = stage.visitor.get("/ends/")
    page.submit(f"/ends/{answer}")
    assert asked not in stage.visitor.get("/").text
    assert len(stage.ends()) == (0 if answer == "keep" else 1)


def test_a_birthday_is_gone_from_the_calendar_at_the_next_fetch(stage: Stage) -> None:
    _, secret = stage.database.write(lambda session: feeds.create(session, stage.bert, "phone", "en"))
    at = stage.set(HOUR, group_id=stage.trip, field_id=stage.birthday)
    program = Visitor(stage.site)
    before = program.get(f"/calendars/{secret}.ics").response
    assert "19800322" in before.text
    stage.clock.put(at)
    after = program.get(f"/calendars/{secret}.ics", **{"If-None-Match": before.headers["ETag"]}).response
    assert after.status_code == 200
    assert "19800322" not in after.text


def test_nobody_sets_or_keeps_an_end_of_somebody_elses(stage: Stage) -> None:
    stage.set(HOUR, group_id=stage.trip)
    before = stage.ends()
    other = Visitor(stage.site).signed_in(person(stage.database, "carl"))
    field(stage.database, stage.bert)
    for path in ("/ends/keep", "/ends/let"):
        assert other.post(path, {"what": f"group-{stage.trip}"}).followed().told == ["This has no end."]
    day = tomorrow().isoformat()
    for what in (f"group-{stage.trip}", f"connection-{stage.bert}", "nonsense", "group-x"):
        assert other.post("/ends/", {"what": what, "day": day, "offset": "0"}).status == 400
    assert stage.ends() == before


def test_a_time_that_cannot_be_is_refused_on_the_page(stage: Stage) -> None:
    for day, offset in (("2020-01-01", "0"), ("9999-12-31", "-840"), ("0001-01-01", "840"), ("x", "0"), ("", "0")):
        page = stage.visitor.get("/ends/").submit("/ends/", what=f"group-{stage.trip}", day=day, offset=offset)
        assert page.status == 400
    assert stage.ends() == []


def test_what_ends_is_said_by_the_clock_of_who_set_it() -> None:
    at = local_time.moment(date(2026, 11, 29), None, 480)
    assert local_time.said(at, 480) == "2026-11-29 23:59 (UTC+08:00)"
    assert local_time.said(at, 0) == "2026-11-29 15:59 (UTC)"
    assert local_time.said(at, -210) == "2026-11-29 12:29 (UTC-03:30)"


def test_bert_sees_it_until_then(stage: Stage) -> None:
    at = stage.set(HOUR, group_id=stage.trip)
    visitor = Visitor(stage.site).signed_in(stage.bert)
    assert "138 0013 8000" in visitor.get(f"/people/{stage.anna}").text
    stage.clock.put(at)
    assert "138 0013 8000" not in visitor.get(f"/people/{stage.anna}").text
    assert seen(stage.database, stage.bert, stage.anna) == set()
