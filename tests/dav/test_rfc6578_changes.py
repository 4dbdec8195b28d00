"""
What the sync-collection report tells of, RFC 6578, 3.4 to 3.7: every change since a token, which never expires.

What does not apply, or is done otherwise, besides what is said in `test_rfc6578`:

- 3.5.1 and 3.5.2, members that come and go by access control: what somebody may no longer see is gone as if removed.
- 3.6, a server that truncates of its own accord: it sends all that was not limited by the client.
"""

from __future__ import annotations

import pytest
from sqlalchemy import update

from sync.models import Entry
from sync.sharing import connections
from tests.dav.asking import (
    BOOK,
    DATA,
    gone,
    present,
    put,
    report,
    responses,
    since,
    sync_body,
    texts,
    token,
)
from tests.dav.test_rfc5689 import mkcol
from tests.dav.test_rfc6578 import DEPTHS, LIMIT
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site

PATH = BOOK + "x.vcf"
ONE, TWO = factories.vcard("x"), factories.vcard("x", "NOTE:two")


def fill(site: Site, person: Person, count: int) -> None:
    """Store *count* private contacts."""
    for number in range(count):
        factories.put(site.database, person.id, f"{number}.vcf", factories.vcard(f"uid-{number}", "NOTE:a"))


def page(site: Site, person: Person, old: str, count: int) -> tuple[Answer, str, bool]:
    """Ask for at most *count* changes; return the answer, its token, and whether there is more."""
    body = sync_body(old).replace("</D:sync-collection>", LIMIT.format(count) + "</D:sync-collection>")
    answer = report(site, person, body)
    more = "HTTP/1.1 507 Insufficient Storage" in answer.body.decode()
    return answer, answer.xml.findtext("{DAV:}sync-token", ""), more


def test_the_first_time_everything_is_there_and_nothing_is_gone(site: Site, circle: Circle) -> None:
    """Section 3.4: an empty token MUST get all members, and MUST NOT get removed ones."""
    put(site, circle.anna, PATH, ONE)
    put(site, circle.anna, BOOK + "y.vcf", factories.vcard("y"))
    site.call("DELETE", PATH, person=circle.anna)
    answer = since(site, circle.anna)
    assert set(present(answer)) == {circle.entry, circle.own, BOOK + "y.vcf"}
    assert gone(answer) == set()


@DEPTHS
def test_with_the_newest_token_nothing_comes(lasting: Lasting, depth: str | None) -> None:
    """Section 3.5: what did not change since is not reported, and the token stays."""
    site, anna = lasting.site, lasting.circle.anna
    newest = token(since(site, anna))
    answer = report(site, anna, sync_body(newest), depth=depth)
    assert (responses(answer), token(answer)) == ({}, newest)


@DEPTHS
def test_a_changed_etag_is_reported(site: Site, circle: Circle, depth: str | None) -> None:
    """Section 3.5.1: a change comes alone, with its new ETag, and with the text where it is asked for."""
    first = since(site, circle.anna)
    factories.age(site.database)
    factories.set_field(site.database, circle.ben.id, circle.shown, "Ben Neumann", "name")
    answer = report(site, circle.anna, sync_body(token(first), DATA), depth=depth)
    assert "Ben Neumann" in texts(answer)[circle.entry]
    assert list(responses(answer)) == [circle.entry]
    assert present(answer)[circle.entry] != present(first)[circle.entry]
    assert token(answer) != token(first)


@pytest.mark.parametrize("method", ["PUT", "COPY", "MOVE"])
def test_a_member_that_came_is_reported_however_it_came(site: Site, anna: Person, method: str) -> None:
    """Section 3.5.1: a new mapping by PUT, COPY or MOVE; 3.5.2: and by MOVE what it was mapped to before is removed."""
    mkcol(site, anna, "/anna/club/")
    put(site, anna, "/anna/club/x.vcf", ONE)
    old = token(since(site, anna))
    left = token(report(site, anna, sync_body(), path="/anna/club/"))
    if method == "PUT":
        assert put(site, anna, PATH, ONE).status == 201
    else:
        assert site.call(method, "/anna/club/x.vcf", b"", {"Destination": PATH}, person=anna).status == 201
    assert list(present(since(site, anna, old))) == [PATH]
    behind = report(site, anna, sync_body(left), path="/anna/club/")
    assert gone(behind) == ({"/anna/club/x.vcf"} if method == "MOVE" else set())


def test_what_came_back_is_changed_and_not_removed(site: Site, circle: Circle) -> None:
    """Section 3.5.1: removed and mapped again under one URL MUST be reported as changed and MUST NOT as removed."""
    put(site, circle.anna, PATH, ONE)
    with_it = token(since(site, circle.anna))
    site.call("DELETE", PATH, person=circle.anna)
    without = token(since(site, circle.anna))
    put(site, circle.anna, PATH, factories.vcard("y"))
    for old in (with_it, without):
        answer = since(site, circle.anna, old)
        assert (gone(answer), list(present(answer))) == (set(), [PATH])


def test_what_went_is_named_once_and_only_to_those_who_had_it(site: Site, circle: Circle) -> None:
    """Section 3.5.2: a removed member is reported to those with an older token, and not again afterwards."""
    put(site, circle.anna, PATH, ONE)
    with_it = token(since(site, circle.anna))
    assert site.call("DELETE", PATH, person=circle.anna).status == 204
    answer = since(site, circle.anna, with_it)
    assert (gone(answer), present(answer)) == ({PATH}, {})
    assert responses(since(site, circle.anna, token(answer))) == {}


@ON_SQLITE
def test_what_came_and_went_in_between_is_reported_as_removed(site: Site, anna: Person) -> None:
    """Section 3.5.2: so that a client that added a member learns that somebody removed it."""
    old = token(since(site, anna))
    put(site, anna, PATH, ONE)
    put(site, anna, PATH, TWO)
    site.call("DELETE", PATH, person=anna)
    assert gone(since(site, anna, old)) == {PATH}


def test_who_disconnects_is_removed(site: Site, circle: Circle) -> None:
    """Section 3.5.2: a member that may no longer be seen is reported as removed, and named to nobody afterwards."""
    old = token(since(site, circle.anna))
    site.database.write(lambda session: connections.disconnect(session, circle.ben.id, circle.anna.id))
    answer = since(site, circle.anna, old)
    assert (gone(answer), present(answer)) == ({circle.entry}, {})
    assert circle.entry not in since(site, circle.anna).body.decode()


def test_no_token_expires(site: Site, circle: Circle) -> None:
    """Section 3.5: a device that was off for any number of changes gets just what changed, deletions included."""
    put(site, circle.anna, PATH, ONE)
    tokens = [token(since(site, circle.anna))]
    for number in range(30):
        factories.set_field(site.database, circle.ben.id, circle.shown, f"Ben the {number}th", "name")
        tokens.append(token(since(site, circle.anna)))
    site.call("DELETE", PATH, person=circle.anna)
    for old in tokens:
        answer = since(site, circle.anna, old)
        assert gone(answer) == {PATH}
        assert list(present(answer)) == ([circle.entry] if old != tokens[-1] else [])


@pytest.mark.parametrize("count", [1, 3, 100])
def test_nothing_is_lost_between_the_pages_of_a_synchronization(site: Site, anna: Person, count: int) -> None:
    """Sections 3.6 and 3.7: the token of a truncated answer MUST represent that part, and the limit MUST be kept."""
    fill(site, anna, 7)
    old, more, held, pages = "", True, dict[str, str](), 0
    while more:
        answer, old, more = page(site, anna, old, count)
        found = {href: etag for href, etag in present(answer).items() if href != BOOK}
        assert len(found) <= count
        held |= found
        pages += 1
        if pages == 2:
            factories.put(site.database, anna.id, "0.vcf", factories.vcard("uid-0", "NOTE:b"))
            factories.delete(site.database, anna.id, "1.vcf")
            held.pop(f"{BOOK}1.vcf", None)
    assert held == present(since(site, anna))
    answer, again, more = page(site, anna, old, count)
    assert (again, more) == (old, False)


@ON_SQLITE
def test_an_answer_that_ends_early_says_so_of_the_address_book(site: Site, anna: Person) -> None:
    """Section 3.6: status 207, 507 for the request URI, and that SHOULD have number-of-matches-within-limits."""
    fill(site, anna, 3)
    answer, _, more = page(site, anna, "", 2)
    assert (answer.status, more) == (207, True)
    book = responses(answer)[BOOK]
    assert book.findtext("{DAV:}status") == "HTTP/1.1 507 Insufficient Storage"
    assert book.find("{DAV:}error/{DAV:}number-of-matches-within-limits") is not None


@ON_SQLITE
def test_what_cannot_be_limited_is_refused(site: Site, anna: Person) -> None:
    """Section 3.7: where no token can name a part, the request MUST fail with number-of-matches-within-limits."""
    fill(site, anna, 3)
    newest = since(site, anna)
    revision = int(token(newest).rpartition("/")[2])
    site.database.write(
        lambda session: session.execute(update(Entry).where(Entry.viewer_id == anna.id).values(revision=revision))
    )
    body = sync_body().replace("</D:sync-collection>", LIMIT.format(2) + "</D:sync-collection>")
    answer = report(site, anna, body)
    assert (answer.status, answer.condition) == (507, "{DAV:}number-of-matches-within-limits")
    assert page(site, anna, "", 4)[2] is False
