"""The sync-collection report (RFC 6578): what changed since a token, which never expires."""

from __future__ import annotations

import pytest

from sync import address_books, profiles
from tests.dav.asking import (
    BOOK,
    DATA,
    ETAG,
    NS,
    gone,
    multiget_body,
    present,
    propfind,
    query_body,
    report,
    responses,
    sync_body,
    texts,
    token,
)
from tests.support import factories, people
from tests.support.people import Person
from tests.support.site import Circle, Lasting, Site

DEPTHS = pytest.mark.parametrize("depth", ["0", "1", None])


def rename(site: Site, circle: Circle, name: str) -> None:
    content = factories.content("name", name)
    site.database.write(lambda session: profiles.set_field(session, circle.ben.id, circle.shown, content))


def put(site: Site, person: Person, name: str, uid: str) -> None:
    answer = site.call("PUT", BOOK + name, factories.vcard(uid), {"Content-Type": "text/vcard"}, person=person)
    assert answer.status == 201


@DEPTHS
def test_the_first_time_everything_is_there(site: Site, circle: Circle, depth: str | None) -> None:
    """Clients send Depth 0, 1 and none for the same report, and get the same."""
    answer = report(site, circle.anna, sync_body(), depth=depth)
    assert set(present(answer)) == {circle.entry, circle.own}
    assert gone(answer) == set()
    assert token(answer).startswith("urn:x-evercard:sync/")


@DEPTHS
def test_with_the_newest_token_nothing_comes(lasting: Lasting, depth: str | None) -> None:
    site, anna = lasting.site, lasting.circle.anna
    newest = token(report(site, anna, sync_body()))
    answer = report(site, anna, sync_body(newest), depth=depth)
    assert (responses(answer), token(answer)) == ({}, newest)


@DEPTHS
def test_a_change_comes_alone_and_with_its_text_where_it_is_asked_for(
    site: Site, circle: Circle, depth: str | None
) -> None:
    """A changed profile is one entry in the next report, with a new ETag; Thunderbird asks for the text in it, too."""
    first = report(site, circle.anna, sync_body())
    factories.age(site.database)
    rename(site, circle, "Ben Neumann")
    answer = report(site, circle.anna, sync_body(token(first), DATA), depth=depth)
    assert "Ben Neumann" in texts(answer)[circle.entry]
    assert list(responses(answer)) == [circle.entry]
    assert present(answer)[circle.entry] != present(first)[circle.entry]
    assert token(answer) != token(first)


def test_what_went_is_named_once_and_only_to_those_who_had_it(site: Site, circle: Circle) -> None:
    """A deleted entry is a 404 response to those with an older token, and nothing to others or on a first sync."""
    put(site, circle.anna, "x.vcf", "x")
    with_it = token(report(site, circle.anna, sync_body()))
    assert site.call("DELETE", BOOK + "x.vcf", person=circle.anna).status == 204
    answer = report(site, circle.anna, sync_body(with_it))
    assert (gone(answer), present(answer)) == ({BOOK + "x.vcf"}, {})
    assert responses(report(site, circle.anna, sync_body(token(answer)))) == {}
    first = report(site, circle.anna, sync_body())
    assert (gone(first), set(present(first))) == (set(), {circle.entry, circle.own})


def test_what_came_back_is_there_again(site: Site, circle: Circle) -> None:
    put(site, circle.anna, "x.vcf", "x")
    with_it = token(report(site, circle.anna, sync_body()))
    site.call("DELETE", BOOK + "x.vcf", person=circle.anna)
    without = token(report(site, circle.anna, sync_body()))
    put(site, circle.anna, "x.vcf", "y")
    for since in (with_it, without):
        answer = report(site, circle.anna, sync_body(since))
        assert (gone(answer), list(present(answer))) == (set(), [BOOK + "x.vcf"])


def test_no_token_expires(site: Site, circle: Circle) -> None:
    """A device that was off for any number of changes still gets just what changed, deletions included."""
    put(site, circle.anna, "x.vcf", "x")
    tokens = [token(report(site, circle.anna, sync_body()))]
    for number in range(30):
        rename(site, circle, f"Ben the {number}th")
        tokens.append(token(report(site, circle.anna, sync_body())))
    site.call("DELETE", BOOK + "x.vcf", person=circle.anna)
    for since in tokens:
        answer = report(site, circle.anna, sync_body(since))
        assert gone(answer) == {BOOK + "x.vcf"}
        assert list(present(answer)) == ([circle.entry] if since != tokens[-1] else [])


def test_the_token_moves_with_what_is_seen_and_with_nothing_else(site: Site, circle: Circle) -> None:
    """A change that anna is not shown leaves her token, ctag and ETags as they are: they tell nothing."""
    before = report(site, circle.anna, sync_body())
    factories.field(site.database, circle.ben.id, "mobile", "+49 555 0100")
    rename(site, circle, "Ben Beispiel")
    site.call("PROPFIND", BOOK, b"", {"Depth": "1"}, person=circle.anna)
    assert report(site, circle.anna, sync_body()) == before


def test_the_property_the_ctag_and_the_report_have_one_token(lasting: Lasting) -> None:
    site, anna = lasting.site, lasting.circle.anna
    answer = propfind(site, BOOK, "<D:sync-token/><S:getctag/>", person=anna)
    newest = token(report(site, anna, sync_body()))
    assert [answer.xml.findtext(f".//{name}", "", NS) for name in ("D:sync-token", "S:getctag")] == [newest] * 2


@pytest.mark.parametrize("agent", ["Mozilla/5.0 Gecko/20100101 Thunderbird/153.7.0", "DAVx5/4.5", ""])
@pytest.mark.parametrize("kind", ["uuid", "future", "book", "epoch", "letters", "long", "negative", "newline"])
def test_a_token_that_is_none_starts_a_client_again(lasting: Lasting, agent: str, kind: str) -> None:
    """Every client is told so by the precondition, and Thunderbird by 400: of a 403 it makes a book that is stuck."""
    site, circle = lasting.site, lasting.circle
    newest = token(report(site, circle.anna, sync_body()))
    head, _, revision = newest.rpartition("/")
    others = token(report(site, circle.ben, sync_body(), path="/ben/contacts/"))
    wrong = {
        "uuid": "b905a5fd-6cb3-4c50-9c14-9c0d1f6a1c59",
        "future": f"{head}/{int(revision) + 1}",
        "book": others,
        "epoch": newest.replace("sync/", "sync/1"),
        "letters": f"{head}/x",
        "long": f"{head}/{'9' * 5000}",
        "negative": f"{head}/-1",
        "newline": f"{head}/١",
    }[kind]
    answer = report(site, circle.anna, sync_body(wrong), **{"User-Agent": agent})
    assert answer.status == (400 if "Thunderbird" in agent else 403)
    assert answer.condition == "{DAV:}valid-sync-token"
    assert wrong not in answer.body.decode()


def test_after_a_backup_was_put_back_every_token_is_refused(site: Site, circle: Circle) -> None:
    old = token(report(site, circle.anna, sync_body()))
    site.database.write(address_books.begin_new_epoch)
    assert report(site, circle.anna, sync_body(old)).condition == "{DAV:}valid-sync-token"


def test_without_properties_members_still_come(lasting: Lasting) -> None:
    """An empty DAV:prop asks for hrefs only, and gets every member with a status of 200."""
    answer = report(lasting.site, lasting.circle.anna, sync_body("", ""))
    statuses = {node.findtext("D:propstat/D:status", "", NS) for node in responses(answer).values()}
    assert set(responses(answer)) == {lasting.circle.entry, lasting.circle.own}
    assert statuses == {"HTTP/1.1 200 OK"}


def test_a_private_card_between_other_changes_is_not_missed(site: Site, circle: Circle) -> None:
    start = token(report(site, circle.anna, sync_body()))
    put(site, circle.anna, "x.vcf", "x")
    rename(site, circle, "Ben Neu")
    put(site, circle.anna, "y.vcf", "y")
    answer = report(site, circle.anna, sync_body(start, ETAG))
    assert set(present(answer)) == {BOOK + "x.vcf", BOOK + "y.vcf", circle.entry}


def test_two_people_s_tokens_move_alone(site: Site, circle: Circle) -> None:
    before = token(report(site, circle.ben, sync_body(), path="/ben/contacts/"))
    put(site, circle.anna, "x.vcf", "x")
    assert token(report(site, circle.ben, sync_body(), path="/ben/contacts/")) == before


def test_listing_multiget_and_sync_show_the_same(site: Site, circle: Circle) -> None:
    """Three ways to read an address book, one content: hrefs, ETags and texts are equal to the last octet."""
    put(site, circle.anna, "ä b,c:'.vcf", "x")
    factories.connect(site.database, circle.anna.id, people.register(site.database, "carl").id)
    site.call("DELETE", circle.entry, person=circle.anna)
    synced = report(site, circle.anna, sync_body("", DATA))
    listed = propfind(site, BOOK, DATA, depth="1", person=circle.anna)
    hrefs = [href for href in present(listed) if href != BOOK]
    got = report(site, circle.anna, multiget_body(hrefs))
    found = report(site, circle.anna, query_body(""))
    for answer in (synced, got, found):
        assert sorted(texts(answer)) == sorted(hrefs)
        assert texts(answer) == texts(synced)
        assert present(answer) == present(synced)
    assert {href: etag for href, etag in present(listed).items() if href != BOOK} == present(synced)
    assert circle.entry not in hrefs
