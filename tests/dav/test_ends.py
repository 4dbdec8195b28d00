"""What ends is gone from every answer on the minute, without a worker, and from a phone by its token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from radicale import config

from radicale_plugin.plugins.storage import Storage
from sync.ends import setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.errors import DatabaseReadOnly
from sync.models.buckets import BY_RANGE
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from tests.dav.asking import BOOK, DATA, multiget_body, propfind, query_body, report, since
from tests.support.clock import MINUTE, Clock, StoppedClock
from tests.support.distribution import distributed
from tests.support.factories import field, group
from tests.support.meeting import prefer
from tests.support.out_of_reach import out_of_reach
from tests.support.people import Person, register
from tests.support.site import PLUGINS, Answer, Circle, Site

NUMBER = "+49 555 0177 0177"
SEARCHED = '<C:prop-filter name="TEL"><C:text-match>0177 0177</C:text-match></C:prop-filter>'
Ask = Callable[[Site, Circle], Answer]
DOORS: dict[str, Ask] = {
    "GET": lambda site, circle: site.call("GET", circle.entry, person=circle.anna),
    "PROPFIND of the entry": lambda site, circle: propfind(site, circle.entry, DATA, person=circle.anna),
    "PROPFIND of all": lambda site, circle: propfind(site, BOOK, DATA, depth="1", person=circle.anna),
    "multiget": lambda site, circle: report(site, circle.anna, multiget_body([circle.entry])),
    "query": lambda site, circle: report(site, circle.anna, query_body(SEARCHED), depth="1"),
    "sync-collection": lambda site, circle: since(site, circle.anna, names=DATA),
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that can be put forward and back; nobody does more than was asked for."""
    monkeypatch.setattr(Watch, "_help", lambda _: None)
    return StoppedClock(monkeypatch)


@pytest.fixture
def at(site: Site, circle: Circle, clock: Clock) -> int:
    """When anna no longer sees a number of ben's, which she does until then."""
    number = field(site.database, circle.ben.id, "mobile", NUMBER)
    trip = group(site.database, circle.ben.id, "trip", [circle.anna.id], [number])
    ends_at = clock.soon()
    site.database.write(
        lambda session: setting.set_end(session, circle.ben.id, Target(group_id=trip, field_id=number), ends_at)
    )
    return ends_at


@pytest.mark.parametrize("ask", DOORS.values(), ids=DOORS)
def test_no_door_has_it_any_more(site: Site, circle: Circle, clock: Clock, at: int, ask: Ask) -> None:
    clock.put(at - 1)
    assert b"0177 0177" in ask(site, circle).body
    clock.put(at)
    answer = ask(site, circle)
    assert answer.status in (200, 207)
    assert b"0177 0177" not in answer.body
    clock.put(at - 10 * MINUTE)
    assert b"0177 0177" not in ask(site, circle).body


def test_the_poll_that_meets_the_end_has_another_token_and_the_change(
    site: Site, circle: Circle, clock: Clock, at: int
) -> None:
    before = since(site, circle.anna, names=DATA).xml.findtext("{DAV:}sync-token")
    assert before is not None
    assert before.encode() in propfind(site, BOOK, "<D:sync-token/>", person=circle.anna).body
    clock.put(at)
    assert before.encode() not in propfind(site, BOOK, "<D:sync-token/>", person=circle.anna).body
    answer = since(site, circle.anna, before, DATA)
    assert circle.entry.encode() in answer.body
    assert b"0177 0177" not in answer.body


def test_the_owner_sees_it_on_their_own_card_still(site: Site, circle: Circle, clock: Clock, at: int) -> None:
    clock.put(at)
    assert b"0177 0177" in since(site, circle.ben, names=DATA).body


@pytest.mark.parametrize("ask", DOORS.values(), ids=DOORS)
def test_where_it_cannot_be_taken_back_the_answer_is_withheld(
    site: Site, circle: Circle, clock: Clock, at: int, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.put(at)

    def refuse(*_args: object, **_named: object) -> None:
        raise DatabaseReadOnly

    with monkeypatch.context() as patch:
        patch.setattr(site.database, "write", refuse)
        answer = ask(site, circle)
    assert answer.status == 503
    assert b"0177 0177" not in answer.body
    assert ask(site, circle).status in (200, 207)


@pytest.mark.parametrize("ask", DOORS.values(), ids=DOORS)
def test_where_the_machine_that_knows_of_it_is_out_of_reach_the_answer_is_withheld(
    site: Site, circle: Circle, clock: Clock, at: int, ask: Ask
) -> None:
    """And it is taken back by whoever asks first once that is there again."""
    clock.put(at)
    with out_of_reach(site.database, BY_RANGE.of(circle.ben.id)):
        answer = ask(site, circle)
    assert (answer.status, answer.header("Retry-After")) == (503, "5")
    assert b"0177 0177" not in answer.body
    with distributed(site.database):
        answer = ask(site, circle)
    assert answer.status in (200, 207)
    assert b"0177 0177" not in answer.body


def test_nobody_is_found_by_a_name_that_is_over(site: Site, anna: Person, clock: Clock) -> None:
    dora = register(site.database, "dora").id
    name = field(site.database, dora, "name", "Dora Weiss")
    prefer(site.database, dora, found_by_name=True)
    at = clock.soon()

    def show(session: object) -> None:
        strangers = groups.find(session, dora, STRANGERS).id  # type: ignore[arg-type]
        grants.grant(session, dora, strangers, [name])  # type: ignore[arg-type]
        setting.set_end(session, dora, Target(group_id=strangers, field_id=name), at)  # type: ignore[arg-type]

    site.database.write(show)
    wanted = query_body('<C:prop-filter name="FN"><C:text-match>Dora Weiss</C:text-match></C:prop-filter>')

    def look() -> bytes:
        answer = report(site, anna, wanted, path="/anna/directory/", depth="1")
        assert answer.status == 207
        return answer.body

    assert b"Weiss" in look()
    clock.put(at)
    assert b"Weiss" not in look()


def test_radicale_by_itself_does_not_serve_it(
    site: Site, circle: Circle, clock: Clock, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERCARD_DATABASE_URL", site.database.url.render_as_string(hide_password=False))
    configuration = config.load()
    for section, options in PLUGINS.items():
        configuration.update({section: dict(options)}, "tests")
    storage = Storage(configuration)

    def served() -> str:
        with storage.acquire_lock("r", "anna"):
            return "".join(item.serialize() for item in storage.discover(circle.entry))

    assert "0177 0177" in served()
    clock.put(at)
    assert served()
    assert "0177 0177" not in served()
