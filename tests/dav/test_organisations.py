"""Organisations: what devices have of their members, and that nobody has more."""

from __future__ import annotations

import pytest

from sync.sharing import connections
from tests.support import clubs, dav
from tests.support.clubs import Club, Somebody, number_of, somebody
from tests.support.site import Site

STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


class Scene:
    """Anna, bert and carl, of whom the first two are members; dora is in no organisation."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.anna, self.bert, self.carl, self.dora = (somebody(site, name) for name in ("anna", "bert", "carl", "dora"))
        self.club: Club = clubs.found(site.database)
        self.club.join(self.anna.id, [self.anna.name, self.anna.mobile])
        self.club.join(self.bert.id, [self.bert.name])


@pytest.fixture
def scene(site: Site) -> Scene:
    return Scene(site)


def people(who: Somebody) -> set[str]:
    """Return whom each way of asking finds, which must be the same people."""
    found = [set(who.sync(style)) for style in STYLES]
    assert found[0] == found[1] == found[2]
    return found[0]


def test_members_have_what_the_others_let_the_organisation_see(scene: Scene) -> None:
    for style in STYLES:
        cards = scene.bert.sync(style)
        assert set(cards) == {"Anna"}
        assert number_of("anna") in (cards["Anna"].text or "").replace("\r\n ", "")
        cards = scene.anna.sync(style)
        assert set(cards) == {"Bert"}
        assert number_of("bert") not in (cards["Bert"].text or "")
    assert people(scene.carl) == people(scene.dora) == set()


def test_joining_leaving_and_grants_reach_devices_by_token(scene: Scene) -> None:
    people(scene.anna), people(scene.carl)
    scene.club.join(scene.carl.id, [scene.carl.name])
    assert people(scene.anna) == {"Bert", "Carl"}
    assert people(scene.carl) == {"Anna", "Bert"}
    scene.club.grant(scene.carl.id, scene.carl.mobile)
    assert number_of("carl") in (scene.anna.sync()["Carl"].text or "")
    scene.club.take_back(scene.carl.id, scene.carl.mobile)
    assert number_of("carl") not in (scene.anna.sync()["Carl"].text or "")
    scene.club.leave(scene.carl.id)
    assert people(scene.anna) == {"Bert"}
    assert people(scene.carl) == set()
    scene.club.join(scene.carl.id, [scene.carl.name])
    assert people(scene.anna) == {"Bert", "Carl"}
    assert people(scene.carl) == {"Anna", "Bert"}


def test_the_pair_counts_before_the_organisation(scene: Scene) -> None:
    database, anna, bert = scene.site.database, scene.anna, scene.bert
    people(anna)
    href = anna.href_of("bert")
    database.write(lambda session: connections.connect(session, anna.id, bert.id))
    assert people(anna) == {"bert"}
    assert href in anna.replicas["data"].cards
    database.write(lambda session: connections.disconnect(session, anna.id, bert.id))
    assert people(anna) == {"Bert"}
    assert href in anna.replicas["data"].cards
