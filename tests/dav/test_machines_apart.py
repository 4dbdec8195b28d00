"""Where tables are spread over machines: one that has not come as far as another, and one that is out of reach."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from sync.database import entry_cards
from sync.models import BUCKETS, Profile
from tests.dav.asking import present, report, responses, since, sync_body, token
from tests.support import factories
from tests.support.distribution import distributed
from tests.support.out_of_reach import out_of_reach
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
    with out_of_reach(site.database, circle.ben.id, circle.ben.id % BUCKETS):
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
