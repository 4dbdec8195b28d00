"""Pictures stand in pages by an address that names them, and are given to nobody but whom the page shows them to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sync.books import edit_conflicts, roster_entries
from sync.card_links import links
from sync.contacts import own_contacts
from sync.fields import field_from_photo
from sync.merging.three_way import Clash
from sync.profiles import edits, profiles
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH
from sync.revisions.shared_states import WRITER
from sync.sharing import connections, grants
from sync.sharing.visibility import Adjustment
from tests.support import card_links, clubs, shared
from tests.support.factories import connect, connected, content, field, group, person, put, vcard
from tests.support.forms import ROOT, Page, Visitor
from tests.support.pictures import encoded, picture
from tests.support.site import Site

FOR_GOOD = "private, max-age=31536000, immutable"


def photo(site: Site, owner_id: int, number: int = 1) -> int:
    """Put a picture on somebody's card."""
    shown = field_from_photo(picture(number))
    return site.database.write(lambda session: profiles.add_field(session, owner_id, shown))


def pictures_on(page: Page) -> list[str]:
    """Return the addresses of the pictures on a page, none of which has its picture in it."""
    assert page.status == 200
    found = [str(each) for each in page.document.xpath("//img/@src")]
    assert all(each.startswith(f"{ROOT}/") for each in found)
    return [each.removeprefix(ROOT) for each in found if "digest=" in each]


def given(visitor: Visitor, address: str, number: int = 1) -> bool:
    """Whether somebody gets the picture at an address, which a browser then keeps; nobody else gets anything of it."""
    answer = visitor.get(address).response
    if answer.status_code != 200:
        assert answer.headers["Cache-Control"] == "no-store"
        assert picture(number) not in answer.content
        return False
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("image/jpeg", FOR_GOOD)
    assert answer.content == picture(number)
    again = visitor.get(address, If_None_Match=answer.headers["ETag"]).response
    assert (again.status_code, again.content, again.headers["Cache-Control"]) == (304, b"", FOR_GOOD)
    return True


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna, and Bert and Carl, whom she knows; these two do not know each other."""
    anna, bert = connected(site.database, "anna", "bert")
    carl = person(site.database, "carl")
    connect(site.database, anna, carl)
    return [anna, bert, carl]


@pytest.fixture
def browsers(site: Site, ids: list[int]) -> list[Visitor]:
    """Return the browsers of these three, and one in which nobody is signed in."""
    return [*(Visitor(site).signed_in(each) for each in ids), Visitor(site)]


def only(browsers: list[Visitor], address: str, number: int = 1) -> Iterator[int]:
    """Yield who of them gets a picture."""
    return (place for place, each in enumerate(browsers) if given(each, address, number))


def test_ones_own_photo_has_one_address_on_all_pages_and_nobody_else_gets_it_there(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    anna, visitor = ids[0], browsers[0]
    field(site.database, anna, "name", "Anna Schmidt")
    field_id = photo(site, anna)
    group_id = group(site.database, anna, "family", ids[1:], [field_id])
    with site.database.reading() as session:
        latest = edits.latest(session, anna)
    pages = ["/card/", f"/card/?who=group-{group_id}", "/card/photo", "/card/history", f"/card/history/{latest}"]
    pages += [f"/sharing/?who=group-{group_id}", f"/sharing/people/{ids[1]}"]
    found = {address for path in pages for address in pictures_on(visitor.get(path)) or [path]}
    (address,) = found
    assert address.startswith("/card/picture?digest=")
    # The others have it on a card of theirs, and get it there.
    assert list(only(browsers, address)) == [0]
    assert browsers[3].get(address).status == 303
    site.database.write(lambda session: profiles.set_field(session, anna, field_id, field_from_photo(picture(2))))
    (before, after) = sorted(pictures_on(visitor.get("/card/history"))[:2], key=lambda each: each != address)
    assert (before, list(only(browsers, address)), list(only(browsers, after, 2))) == (address, [0], [0])
    site.database.write(lambda session: profiles.remove_field(session, anna, field_id))
    assert pictures_on(visitor.get("/card/")) == []
    assert given(visitor, after, 2)
    assert not given(visitor, f"{address[:-1]}{'0' if address[-1] != '0' else '1'}")


def test_somebody_elses_photo_is_given_while_it_is_on_the_card_that_one_holds(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    anna, bert, carl = ids
    connect(site.database, bert, carl)
    field_id = photo(site, bert)
    group_id = group(site.database, bert, "friends", [anna], [field_id])
    (address,) = pictures_on(browsers[0].get(f"/people/{bert}"))
    assert address in pictures_on(browsers[0].get("/activity/"))
    assert list(only(browsers, address)) == [0]
    # What it was is not on the card any more.
    site.database.write(lambda session: profiles.set_field(session, bert, field_id, field_from_photo(picture(2))))
    assert list(only(browsers, address)) == []
    (address,) = pictures_on(browsers[0].get(f"/people/{bert}"))
    assert list(only(browsers, address, 2)) == [0]
    taken = Adjustment(taken_back=frozenset({(group_id, field_id)}))
    site.database.write(lambda session: grants.adjust(session, bert, taken))
    assert list(only(browsers, address, 2)) == []
    site.database.write(lambda session: grants.adjust(session, bert, Adjustment(frozenset({(group_id, field_id)}))))
    assert list(only(browsers, address, 2)) == [0]
    site.database.write(lambda session: connections.disconnect(session, anna, bert))
    assert list(only(browsers, address, 2)) == []


def test_the_picture_of_a_contact_and_of_its_past_is_its_owners_alone(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    anna, visitor = ids[0], browsers[0]
    photo_line = f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(1)}"
    put(site.database, anna, "a.vcf", vcard("a", photo_line, "TEL:+15550100", name="Plumber"))
    put(site.database, anna, "b.vcf", vcard("b", "TEL:+15550100", name="Plumber"))
    with site.database.reading() as session:
        one, other = sorted(own_contacts.everybody(session, anna), key=lambda each: each.entry_id)
        has = {each.entry_id: "PHOTO" in own_contacts.text_of(session, anna, each.entry_id)[0] for each in (one, other)}
    entry_id, twin = sorted(has, key=lambda each: not has[each])
    pages = [f"/contacts/{entry_id}{more}" for more in ("", "/edit", "/photo")]
    (address,) = {each for path in pages for each in pictures_on(visitor.get(path)) or [path]}
    assert list(only(browsers, address)) == [0]
    for path in (f"/contacts/twice/{entry_id}/{twin}", f"/contacts/twice/{twin}/{entry_id}"):
        both = pictures_on(visitor.get(path))
        assert (len(both), list(only(browsers, both[0])), list(only(browsers, both[1]))) == (2, [0], [0])
    put(site.database, anna, "a.vcf", vcard("a", "TEL:+15550100", name="Plumber"))
    assert list(only(browsers, address)) == []
    (version,) = visitor.get("/activity/contacts").document.xpath("//a[contains(@href, '/activity/contacts/')]/@href")
    (past,) = pictures_on(visitor.get(str(version).removeprefix(ROOT)))
    assert list(only(browsers, past)) == [0]


def test_the_pictures_between_which_somebody_has_to_choose_are_theirs_alone(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    anna = ids[0]
    put(site.database, anna, "a.vcf", vcard("a", f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(1)}"))
    with site.database.reading() as session:
        (entry_id,) = (each.entry_id for each in own_contacts.everybody(session, anna))
    clash = Clash(field_from_photo(picture(1)), field_from_photo(picture(2)))
    site.database.write(lambda session: edit_conflicts.record(session, anna, entry_id, 0, [clash]))
    now, other = pictures_on(browsers[0].get("/activity/"))
    assert (list(only(browsers, now, 1)), list(only(browsers, other, 2))) == ([0], [0])


def test_the_picture_of_a_shared_contact_is_given_to_whom_the_book_is_shared_with(site: Site) -> None:
    shelf = shared.shelf(site)
    anna, bert, carl = shelf.member("anna", WRITER), shelf.member("bert"), shelf.stranger("carl")
    browsers = [Visitor(site).signed_in(each.id) for each in (anna, bert, carl)]
    phone = anna.device()
    phone.put(f"{phone.book}p.vcf", shared.card("Plumber", f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(1)}"))
    listed = browsers[0].get(f"/shared-books/{shelf.id}/").document
    (contact,) = listed.xpath("//h3/a/@href | //a[@class='cover']/@href")
    path = str(contact).removeprefix(ROOT)
    (address,) = {each for more in ("", "/edit", "/photo") for each in pictures_on(browsers[0].get(path + more))}
    assert list(only([*browsers, Visitor(site)], address)) == [0, 1]
    # A reader who has another picture of it gets that one alone.
    device = bert.device()
    device.put(f"{device.book}p.vcf", shared.card("Plumber", f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(2)}"))
    (own,) = pictures_on(browsers[1].get(path))
    assert list(only([*browsers, Visitor(site)], own, 2)) == [1]


def test_the_picture_of_a_fellow_member_is_given_to_members_as_long_as_both_are(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    bert, dora = ids[1], person(site.database, "dora")
    field_id = photo(site, dora)
    club = clubs.found(site.database)
    club.join(bert)
    club.join(dora, [field_id])
    (address,) = set(pictures_on(browsers[1].get(f"/members/person/{dora}")))
    assert list(only(browsers, address)) == [1]
    club.leave(bert)
    assert list(only(browsers, address)) == []


def test_the_picture_of_a_fellow_member_is_given_where_one_has_another_of_them(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    """News of them shows theirs, whatever the reader's own entry has."""
    bert, dora = ids[1], person(site.database, "dora")
    club = clubs.found(site.database)
    club.join(bert)
    club.join(dora)
    photo_id = photo(site, dora)
    club.grant(dora, photo_id)
    with site.database.reading() as session:
        book = address_books.find_book(session, bert, CONTACTS_PATH)
        assert book is not None
        found = roster_entries.of_owner(session, book, dora)
    assert found is not None
    own = re.sub("PHOTO.*?\r\n(?! )", f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded(2)}\r\n", found[0].text, flags=re.DOTALL)
    put(site.database, bert, found[0].href, own.encode())
    (mine,) = set(pictures_on(browsers[1].get(f"/members/person/{dora}")))
    (theirs,) = pictures_on(browsers[1].get("/activity/"))
    assert mine != theirs
    assert given(browsers[1], mine, 2)
    assert list(only(browsers, theirs)) == [1]


def test_the_picture_on_a_card_link_needs_the_link_and_goes_with_it(site: Site, ids: list[int]) -> None:
    anna, stranger = ids[0], Visitor(site)
    field_id = photo(site, anna)
    clients, others = group(site.database, anna, "clients", [], [field_id]), group(site.database, anna, "others")
    link, other = (card_links.made(site.database, anna, each) for each in (clients, others))
    found = pictures_on(stranger.get(f"/cards?token={link.token}"))
    address = next(iter(set(found)))
    assert address.startswith(f"/cards/photo?token={link.token}&digest=")
    assert given(stranger, address)
    digest = address.rpartition("=")[2]
    for token in (other.token, "", "nonsense"):
        assert not given(stranger, f"/cards/photo?token={token}&digest={digest}")
    site.database.write(lambda session: links.end(session, anna, link.id))
    assert not given(stranger, address)


def test_where_a_field_was_never_granted_its_digest_opens_nothing(
    site: Site, ids: list[int], browsers: list[Visitor]
) -> None:
    anna, bert, _carl = ids
    photo(site, anna)
    site.database.write(lambda session: profiles.add_field(session, bert, content()))
    digest = pictures_on(browsers[0].get("/card/"))[0].rpartition("=")[2]
    for path in (f"/people/{anna}/photo", "/card/picture", f"/members/person/{anna}/picture", f"/find/portrait/{anna}"):
        for each in browsers[1:]:
            assert not given(each, f"{path}?digest={digest}")
