"""Where an entry and its card are on machines that have not come equally far, a phone is told to come again."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from sync.database import entry_cards
from sync.models import Profile
from tests.dav.asking import report, sync_body
from tests.support import factories
from tests.support.distribution import distributed
from tests.support.people import Person, register
from tests.support.site import Site


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
