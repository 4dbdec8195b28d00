"""Groups as lists on devices: chosen by device, and what a device makes of them is asked about."""

from __future__ import annotations

from sync.sharing import groups, phone_lists
from sync.sign_in import credentials
from tests.support import factories
from tests.support.forms import Visitor
from tests.support.site import Site

TOLD = "Your phone moved 1 person between the lists of your groups. Shall it be so?"


def test_a_device_shows_lists_once_it_is_told_to(site: Site) -> None:
    anna, bert = factories.connected(site.database, "anna", "bert")
    device, _ = site.database.write(lambda session: credentials.add_device(session, anna, "Phone"))
    visitor = Visitor(site).signed_in(anna)

    def shown() -> str | None:
        with site.database.reading() as session:
            (found,) = credentials.devices(session, anna)
            return found.lists

    assert "Show your groups there" in visitor.get("/devices/").text
    for choice, wanted in (("lists", "lists"), ("categories", "categories"), ("off", None)):
        page = visitor.get(f"/lists/of/{device}").submit(f"/lists/of/{device}", shown=choice).followed()
        assert page.told == ["That is what the device shows when it looks next."]
        assert shown() == wanted
    assert visitor.post(f"/lists/of/{device}", {"shown": "nonsense"}).status == 400
    assert shown() is None
    assert Visitor(site).signed_in(bert).get(f"/lists/of/{device}").status == 404
    site.database.write(lambda session: credentials.revoke_device(session, anna, device))
    assert visitor.get(f"/lists/of/{device}").status == 404


def test_what_a_phone_moved_is_asked_about_and_done_or_not(site: Site) -> None:
    anna, bert, carl = factories.connected(site.database, "anna", "bert", "carl")
    friends = factories.group(site.database, anna, "Friends", [carl])
    visitor = Visitor(site).signed_in(anna)

    def move() -> None:
        site.database.write(lambda session: phone_lists.propose(session, anna, 1, friends, come=[bert], go=[]))

    def members() -> list[int]:
        with site.database.reading() as session:
            return sorted(groups.members(session, anna, friends))

    assert TOLD not in visitor.get("/").text
    move()
    assert TOLD in visitor.get("/").text
    assert "1 move to decide about." in visitor.get("/devices/").text
    asked = visitor.get("/lists/")
    assert "Put bert into “Friends”?" in asked.text
    stranger = Visitor(site).signed_in(bert)
    assert "There is no such proposal." in stranger.post(f"/lists/{friends}/{bert}/accept", {}).followed().told
    assert members() == [carl]
    assert asked.submit(f"/lists/{friends}/{bert}/dismiss").followed().told
    assert members() == [carl]
    assert TOLD not in visitor.get("/").text
    move()
    assert visitor.get("/lists/").submit(f"/lists/{friends}/{bert}/accept").followed().told
    assert members() == sorted([bert, carl])
    assert "There is nothing to decide." in visitor.get("/lists/").text
