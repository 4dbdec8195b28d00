"""The property by which Apple's programs know which card is the person's own (`CS:me-card`)."""

from __future__ import annotations

from tests.dav.asking import NAMES, present, propfind, report, responses, statuses, sync_body
from tests.support import factories
from tests.support.people import Person
from tests.support.site import Answer, Circle, Site

NAME = "{http://calendarserver.org/ns/}me-card"


def me_card(site: Site, person: Person) -> str:
    """Return the href that the principal names."""
    answer = propfind(site, "/anna/", "<S:me-card/>", person=person)
    return responses(answer)["/anna/"].findtext(f".//{NAME}/{{DAV:}}href", "")


def choose(site: Site, person: Person, href: str) -> Answer:
    """Declare a card to be the person's own, as Contacts on a Mac does."""
    prop = f"<S:me-card><D:href>{href}</D:href></S:me-card>"
    body = f"<D:propertyupdate {NAMES}><D:set><D:prop>{prop}</D:prop></D:set></D:propertyupdate>"
    return site.call("PROPPATCH", "/anna/", body, {"Content-Type": "text/xml"}, person=person)


def test_the_own_card_is_the_profile_until_a_device_says_otherwise(site: Site, anna: Person, circle: Circle) -> None:
    """Whatever card of the own address book a device declares is accepted, and told to the other devices."""
    own = f"/anna/contacts/{factories.href_of(site.database, anna.id, anna.id)}"
    assert me_card(site, anna) == own
    cards = present(report(site, circle.anna, sync_body()))
    (other,) = set(cards) - {own}
    answer = choose(site, anna, other)
    assert responses(answer)["/anna/"].findtext("{DAV:}propstat/{DAV:}status") == "HTTP/1.1 200 OK"
    assert me_card(site, anna) == other


def test_nothing_but_an_own_entry_can_be_the_own_card(site: Site, anna: Person) -> None:
    """Another person's card, a collection and a place elsewhere are refused and change nothing."""
    before = me_card(site, anna)
    for href in ("/ben/contacts/x.vcf", "/anna/contacts/", "https://example.org/card.vcf", ""):
        assert choose(site, anna, href).status == 409
    assert me_card(site, anna) == before


def test_the_own_card_may_be_named_by_a_whole_url(site: Site, circle: Circle) -> None:
    """An old Mac crashes where it cannot say which card is its user's, and says it in either way."""
    for path in (circle.own, "http://evercard.test" + circle.entry):
        assert statuses(choose(site, circle.anna, path)) == {"me-card": "HTTP/1.1 200 OK"}
        assert path.endswith(me_card(site, circle.anna))
