"""What phones ask all day goes to the machines of the people it is about, where the tables are spread over several."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import bindparam, select, union_all

from sync import gauges
from sync.models import Account, Base, Card, Connection, Entry, Field
from sync.revisions import address_books
from tests.dav.asking import BOOK, NAMES, put, report, sync_body, token
from tests.support import factories
from tests.support.distribution import distributed
from tests.support.people import Person
from tests.support.site import Site
from tests.support.statements import reads, unbound_reads

PROFILE = Base.metadata.tables["profile"]
TEXTS = "<D:getetag/><C:address-data/>"
REFUSED = {
    "entry": select(Entry).where(Entry.id == 1),
    "card": select(Entry.href, Card.body_3)
    .join(Card, (Card.owner_id == Entry.id) & (Card.id == Entry.card_id))
    .where(Entry.viewer_id == 1),
    "connection": select(Connection).where((Connection.owner_id == 1) | (Connection.viewer_id == 1)),
    "field": union_all(select(Account.id).where(Account.id == 1), select(Field.id)),
    "profile": select(Field.id).where(Field.owner_id.in_([1, 2])).join_from(Field, PROFILE),
}
TAKEN = {
    "one person's": select(Entry).where(Entry.viewer_id == 1),
    "several people's": select(Entry).where(Entry.viewer_id.in_([1, 2])),
    "one person's, joined": select(Field.id).where(Field.owner_id == 1).join_from(Field, PROFILE),
    "several people's, joined from the left": select(Field.id)
    .where(Field.owner_id.in_([1, 2]))
    .join_from(Field, PROFILE, isouter=True),
}


@pytest.mark.parametrize("table", REFUSED)
def test_a_read_that_all_machines_would_be_asked_for_is_refused(table: str) -> None:
    assert unbound_reads(REFUSED[table]) == [table]


@pytest.mark.parametrize("what", TAKEN)
def test_a_read_of_named_people_is_none(what: str) -> None:
    assert unbound_reads(TAKEN[what]) == []


def test_what_is_read_is_judged_with_and_without_a_transaction(site: Site) -> None:
    database = site.database
    ways: dict[str, Callable[[], object]] = {
        "entry": lambda: database.quick_rows(select(Entry.href).where(Entry.id == bindparam("id")), {"id": 1}),
        "card": lambda: database.quick(database.placeholders("SELECT card.id FROM card WHERE card.id = ?"), (1,)),
        "message": lambda: database.write(gauges.failing),
    }
    for table, read in ways.items():
        with reads(database) as found:
            read()
        assert list(found.values()) == [[table]]


@pytest.fixture
def spread(site: Site, anna: Person) -> Iterator[Person]:
    """Yield somebody with a connection, private contacts and a further book, where the tables count as spread."""
    friends = [factories.person(site.database) for _ in range(3)]
    factories.connect(site.database, anna.id, *friends)
    site.database.write(lambda session: address_books.create(session, anna.id, "choir"))
    with distributed(site.database):
        put(site, anna, f"{BOOK}private.vcf", factories.vcard("private", "TEL:+49 170 1"))
        put(site, anna, f"/{anna.login}/choir/boss.vcf", factories.vcard("boss", "TEL:+49 170 2"))
        yield anna


def _multiget(site: Site, who: Person) -> bytes:
    hrefs = "".join(f"<D:href>{BOOK}{each.href}</D:href>" for each in factories.contents(site.database, who.id))
    body = f"<C:addressbook-multiget {NAMES}><D:prop>{TEXTS}</D:prop>{hrefs}</C:addressbook-multiget>"
    return report(site, who, body).body


def _own(site: Site, who: Person) -> bytes:
    name = factories.href_of(site.database, who.id, who.id)
    own = next(each for each in factories.contents(site.database, who.id) if each.href == name)
    return put(site, who, BOOK + name, factories.vcard(own.uid, "TEL;TYPE=CELL:+49 170 7")).body


def _unchanged(site: Site, who: Person, path: str = BOOK) -> bytes:
    return report(site, who, sync_body(token(report(site, who, sync_body(), path=path))), path=path).body


def _delta(site: Site, who: Person) -> bytes:
    before = token(report(site, who, sync_body()))
    put(site, who, f"{BOOK}private.vcf", factories.vcard("private", "TEL:+49 170 3"))
    return report(site, who, sync_body(before, TEXTS)).body


HOT: dict[str, Callable[[Site, Person], bytes]] = {
    "a poll that finds nothing new": _unchanged,
    "a poll of a further book": lambda site, who: _unchanged(site, who, f"/{who.login}/choir/"),
    "what changed": _delta,
    "the first synchronization": lambda site, who: report(site, who, sync_body("", TEXTS)).body,
    "a multiget": _multiget,
    "one's own card stored": _own,
    "a private card stored": lambda site, who: (
        put(site, who, f"{BOOK}new.vcf", factories.vcard("new", "TEL:+49 170 4")).body
    ),
}


@pytest.mark.parametrize("what", HOT)
def test_a_hot_path_asks_all_machines_for_nothing(site: Site, spread: Person, what: str) -> None:
    HOT[what](site, spread)
    with reads(site.database) as found:
        HOT[what](site, spread)
    assert found == {}
