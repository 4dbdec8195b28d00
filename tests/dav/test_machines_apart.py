"""Where tables are spread over machines: one that has not come as far as another, and one that is out of reach."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import update

from sync.database import entry_cards
from sync.models import Profile
from sync.models.buckets import BY_RANGE, range_of
from tests.dav.asking import present, put, report, responses, since, sync_body, token
from tests.support import factories
from tests.support.distribution import distributed
from tests.support.out_of_reach import lost, out_of_reach
from tests.support.people import Person, register
from tests.support.site import Circle, Site


def test_a_phone_is_told_to_come_again_and_then_gets_the_card(
    site: Site, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_cards, "LOOKS", 0)
    ben = register(site.database, "ben")
    with distributed(site.database):
        factories.connect(site.database, anna.id, ben.id)
        behind = update(Profile).where(Profile.owner_id == ben.id)
        site.database.write(lambda session: session.execute(behind.values(version=Profile.version - 1)))
        answer = report(site, anna, sync_body())
        assert (answer.status, answer.header("Retry-After")) == (503, "5")
        site.database.write(lambda session: session.execute(behind.values(version=Profile.version + 1)))
        answer = report(site, anna, sync_body())
        assert answer.status == 207
        assert answer.body.count(b".vcf") == 2


def test_a_machine_out_of_reach_stops_its_own_people_and_nobody_elses_poll(site: Site, circle: Circle) -> None:
    """Whoever has a card of theirs is told that nothing is new, and waits for the card."""
    carl = register(site.database, "carl")
    known = {each: token(since(site, each)) for each in (circle.anna, carl)}
    with out_of_reach(site.database, circle.ben.id, BY_RANGE.of(circle.ben.id)):
        for each in (circle.anna, carl):
            assert responses(since(site, each, known[each])) == {}
        assert len(present(since(site, carl))) == 1
        for answer in (
            since(site, circle.ben),
            since(site, circle.anna),
            site.call("GET", circle.entry, person=circle.anna),
        ):
            assert (answer.status, answer.header("Retry-After")) == (503, "5")
    assert circle.entry in present(since(site, circle.anna))


def test_a_machine_out_of_reach_stops_changes_of_its_own_people_and_nobody_elses(site: Site, circle: Circle) -> None:
    while range_of((carl := register(site.database, f"carl{secrets.token_hex(4)}")).id) == range_of(circle.anna.id):
        pass
    [own] = present(since(site, carl))
    cards = {circle.anna: circle.own, carl: own}
    texts = {each: site.call("GET", path, person=each).body for each, path in cards.items()}
    answers = {}
    with lost(site.database, lambda key: range_of(key) == range_of(circle.anna.id)):
        for each, path in cards.items():
            changed = texts[each].replace(b"END:VCARD", b"TEL:+49 30 555 0199\r\nEND:VCARD")
            answers[each] = put(site, each, path, changed)
    assert (answers[circle.anna].status, answers[circle.anna].header("Retry-After")) == (503, "5")
    assert answers[carl].status in (201, 204)
    assert b"555 0199" not in site.call("GET", circle.own, person=circle.anna).body
    assert b"555 0199" in site.call("GET", own, person=carl).body
