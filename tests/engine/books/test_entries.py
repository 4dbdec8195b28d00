"""Entries: private ones are kept byte for byte, every read agrees with every other, and what is gone is remembered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from sync.books import entries
from sync.books.entries import EntryHead, EntryText
from sync.database.engine import Database
from sync.errors import Conflict, InvalidVCard, LimitExceeded, NotFound, PreconditionFailed, UIDConflict
from sync.models import PrivateCard
from sync.settings import Limits, Settings
from sync.sharing import connections
from tests.support.factories import (
    anyway,
    book,
    book_in,
    changes,
    connected,
    contents,
    crowd,
    delete,
    field,
    group,
    href_of,
    person,
    put,
    revisions,
    served,
    set_field,
    strangers,
    vcard,
    without_rev,
)
from tests.support.statements import sent

ODD = (
    b'begin:vcard\nversion:3.0\nUID:odd\nitem1.tel;X-ODD="a;b":  1\n fold\n\n\n'
    b"X-\xc3\xa4:\xe2\x80\xa8\xf0\x9f\x98\x80\n"
    b"N:;;;;\nFN:Odd\nend:vcard\n"
)


def texts(database: Database, viewer_id: int, *hrefs: str, version: str = "3.0") -> dict[str, EntryText]:
    """Return the entries that a device gets that asks for these names."""
    with database.reading() as session:
        found = entries.texts(session, book_in(session, viewer_id), version, hrefs=hrefs)
        return {entry.href: entry for entry in found}


def head(database: Database, viewer_id: int, href: str) -> EntryHead | None:
    with database.reading() as session:
        return entries.head(session, book_in(session, viewer_id), href)


@pytest.mark.parametrize("data", [vcard("one"), vcard("one", "NOTE:" + "ä" * 1000), ODD.replace(b"X-\xc3\xa4", b"X-A")])
def test_a_private_entry_is_kept_byte_for_byte(database: Database, data: bytes) -> None:
    anna = person(database)
    written = put(database, anna, "a.vcf", data)
    entry = texts(database, anna, "a.vcf")["a.vcf"]
    assert (entry.text.encode(), entry.kind, entry.etag) == (data, "private", written.etag)


def test_what_no_xml_may_hold_is_left_out_of_what_is_served(database: Database) -> None:
    anna = person(database)
    put(database, anna, "a.vcf", vcard("one", "NOTE:a\x0bb\ufffec"))
    assert "NOTE:abc\r\n" in texts(database, anna, "a.vcf")["a.vcf"].text


def test_the_same_bytes_again_are_no_change(database: Database) -> None:
    anna = person(database)
    first = put(database, anna, "a.vcf", vcard())
    before = book(database, anna)
    assert put(database, anna, "a.vcf", vcard()) == first
    assert book(database, anna) == before


def test_other_bytes_are_one_change_of_one_entry(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    first = put(database, anna, "a.vcf", vcard())
    before = revisions(database, [anna, bert])
    second = put(database, anna, "a.vcf", vcard("one", "NOTE:new"))
    assert second.etag != first.etag
    assert changes(database, anna, before[anna]) == [second]
    assert revisions(database, before) == {anna: before[anna] + 1, bert: before[bert]}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidVCard),
        (b"no card", InvalidVCard),
        (vcard() + vcard("two"), InvalidVCard),
        (vcard().replace(b"UID:one\r\n", b"UID:one\r\nUID:two\r\n"), InvalidVCard),
        (vcard("x" * 256), InvalidVCard),
        (vcard("one", "NOTE:" + "x" * 300_000), LimitExceeded),
    ],
    ids=["nothing", "no card", "two cards", "two UIDs", "a long UID", "too large"],
)
def test_what_cannot_be_an_entry_changes_nothing(database: Database, data: bytes, error: type[Exception]) -> None:
    anna = person(database)
    put(database, anna, "a.vcf", vcard())
    before = book(database, anna), contents(database, anna)
    for href in ("a.vcf", "b.vcf"):
        with pytest.raises(error):
            put(database, anna, href, data)
    assert (book(database, anna), contents(database, anna)) == before


def test_a_uid_is_of_one_entry_of_a_book(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    put(database, anna, "a.vcf", vcard("one"))
    put(database, anna, "b.vcf", vcard("two"))
    put(database, bert, "a.vcf", vcard("one"))
    for href in ("c.vcf", "b.vcf"):
        with pytest.raises(UIDConflict) as caught:
            put(database, anna, href, vcard("one"))
        assert caught.value.href == "a.vcf"
    with pytest.raises(UIDConflict) as caught:
        put(database, anna, "a.vcf", vcard("three"))
    assert caught.value.href == "a.vcf"
    with pytest.raises(UIDConflict) as caught:
        put(database, anna, "c.vcf", vcard(served_uid(database, anna, bert)))
    assert caught.value.href == href_of(database, anna, bert)
    delete(database, anna, "a.vcf")
    put(database, anna, "c.vcf", vcard("one"))


def served_uid(database: Database, viewer_id: int, owner_id: int) -> str:
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    return entry.uid


def test_a_uid_that_is_gone_is_still_told_for_a_connection(database: Database) -> None:
    """However it is spelled; what is hidden comes back when it is stored, and what is over does not."""
    anna, bert = connected(database, "anna", "bert")
    uid = served_uid(database, anna, bert)
    delete(database, anna, href_of(database, anna, bert))
    with database.reading() as session:
        assert entries.has_uid(session, book_in(session, anna), uid)
        assert not entries.has_uid(session, book_in(session, anna), "other")
        assert entries.has_uid(session, book_in(session, anna), f"urn:uuid:{uid}")
    database.write(lambda session: connections.disconnect(session, anna, bert))
    with pytest.raises(UIDConflict):
        put(database, anna, "mine.vcf", vcard(f"urn:uuid:{uid}"))


def test_what_the_check_raises_stops_the_change(database: Database) -> None:
    """The check is told the ETag of the moment: none for no entry and for one that is gone."""
    anna, bert = connected(database, "anna", "bert")
    written = put(database, anna, "a.vcf", vcard())
    put(database, anna, "gone.vcf", vcard("two"))
    delete(database, anna, "gone.vcf")
    connection = served(database, anna, bert)
    assert connection is not None
    before = book(database, anna), contents(database, anna)
    asked: list[str | None] = []

    def refuse(etag: str | None) -> None:
        asked.append(etag)
        raise PreconditionFailed

    for href in ("a.vcf", "new.vcf", "gone.vcf", connection.href):
        with pytest.raises(PreconditionFailed):
            database.write(
                lambda session, href=href: entries.write(session, book_in(session, anna), href, vcard("n"), refuse)  # type: ignore[misc]
            )
        with pytest.raises(PreconditionFailed):
            database.write(
                lambda session, href=href: entries.remove(session, book_in(session, anna), href, refuse)  # type: ignore[misc]
            )
    assert asked[::2] == asked[1::2] == [written.etag, None, None, connection.etag]
    assert (book(database, anna), contents(database, anna)) == before


def test_a_deleted_entry_is_told_as_gone_and_can_come_back(database: Database) -> None:
    anna = person(database)
    put(database, anna, "a.vcf", vcard())
    since = revisions(database, [anna])[anna]
    delete(database, anna, "a.vcf")
    assert [(entry.href, entry.present, entry.etag) for entry in changes(database, anna, since)] == [
        ("a.vcf", False, "")
    ]
    assert head(database, anna, "a.vcf") is None
    assert texts(database, anna, "a.vcf") == {}
    with pytest.raises(NotFound):
        delete(database, anna, "a.vcf")
    since += 1
    back = put(database, anna, "a.vcf", vcard("other"))
    assert changes(database, anna, since) == [back]
    assert texts(database, anna, "a.vcf")["a.vcf"].text.encode() == vcard("other")


def test_the_bytes_of_a_deleted_entry_are_gone(database: Database) -> None:
    anna = person(database)
    put(database, anna, "a.vcf", vcard())
    delete(database, anna, "a.vcf")
    with database.reading() as session:
        assert session.scalars(select(PrivateCard.data)).all() == []


def test_there_is_no_such_entry(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    put(database, bert, "b.vcf", vcard())
    for href in ("nothing.vcf", "", "b.vcf", href_of(database, bert, anna)):
        with pytest.raises(NotFound):
            delete(database, anna, href)
        assert head(database, anna, href) is None
        assert texts(database, anna, href) == {}


def test_a_full_book_takes_no_more_by_any_way(database_url: str) -> None:
    """What is deleted makes room, and coming back needs room as coming does."""
    database = Database(database_url, Settings(limits=Limits(private_entries=2)))
    try:
        anna = person(database)
        put(database, anna, "1.vcf", vcard("1"))
        put(database, anna, "2.vcf", vcard("2"))
        with pytest.raises(LimitExceeded):
            put(database, anna, "3.vcf", vcard("3"))
        put(database, anna, "2.vcf", vcard("2", "NOTE:changed"))
        delete(database, anna, "1.vcf")
        put(database, anna, "3.vcf", vcard("3"))
        with pytest.raises(LimitExceeded):
            put(database, anna, "1.vcf", vcard("1"))
    finally:
        database.dispose()


def test_a_name_has_at_most_255_characters(database: Database) -> None:
    anna = person(database)
    put(database, anna, "x" * 251 + ".vcf", vcard())
    with pytest.raises(Conflict):
        put(database, anna, "x" * 252 + ".vcf", vcard("two"))


@pytest.mark.parametrize("href", ["", "another.vcf"])
def test_a_hidden_connection_comes_back_when_its_card_is_stored_again(database: Database, href: str) -> None:
    """It is the connection's entry and no private copy, and devices are told that there is nothing of the new name."""
    anna, bert = connected(database, "anna", "bert")
    entry = served(database, anna, bert)
    assert entry is not None
    delete(database, anna, entry.href)
    since = revisions(database, [anna])[anna]
    assert put(database, anna, href or entry.href, entry.text.encode()).href == entry.href
    again = served(database, anna, bert)
    assert again is not None
    assert without_rev(again.text) == without_rev(entry.text)
    assert [each.kind for each in contents(database, anna)].count("private") == 0
    told = {each.href: each.present for each in changes(database, anna, since)}
    assert told == {entry.href: True, **({href: False} if href else {})}


def test_every_way_to_read_a_book_agrees_with_the_others(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone = field(database, bert)
    group(database, bert, "family", [anna], [phone])
    put(database, anna, "a.vcf", vcard("a"))
    put(database, anna, "b.vcf", vcard("b"))
    delete(database, anna, "b.vcf")
    delete(database, anna, href_of(database, anna, carl))
    listed = {entry.href: entry for entry in changes(database, anna) if entry.present}
    assert len(listed) == 3
    for version in ("3.0", "4.0"):
        everything = {entry.href: entry for entry in contents(database, anna, version)}
        assert texts(database, anna, *listed, "missing.vcf", version=version) == everything
        assert {href: (entry.etag, entry.kind, entry.changed_at) for href, entry in everything.items()} == {
            href: (entry.etag, entry.kind, entry.changed_at) for href, entry in listed.items()
        }
    for since in range(revisions(database, [anna])[anna] + 1):
        with database.reading() as session:
            at = book_in(session, anna)
            changed = {entry.href for entry in entries.heads(session, at, since) if entry.present}
            assert {entry.href for entry in entries.texts(session, at, since=since)} == changed
    assert {href: head(database, anna, href) for href in listed} == listed


def test_an_etag_changes_with_the_text_alone(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, bert)
    group(database, bert, "family", [anna], [phone])
    seen: dict[str, str] = {}
    changing: list[Callable[[], object]] = [
        lambda: set_field(database, bert, phone, "+1 555 0101"),
        lambda: set_field(database, bert, field(database, bert, "qq", "10001234"), "10001235", "qq"),
        lambda: set_field(database, bert, phone, "+1 555 0102"),
        lambda: strangers(database, bert),
    ]
    for change in changing:
        change()
        entry = served(database, anna, bert)
        assert entry is not None
        assert seen.setdefault(entry.etag, entry.text) == entry.text
    assert len(seen) == 2


def test_many_names_are_read_in_few_statements(database: Database) -> None:
    anna = person(database)
    for owner in crowd(database, anna, 600):
        assert owner
    names = [f"missing{number}.vcf" for number in range(700)]
    for number in (1, 2):
        put(database, anna, f"{number}.vcf", vcard(str(number)))
    with sent(database.engine) as statements:
        assert set(texts(database, anna, "1.vcf", *names, "2.vcf")) == {"1.vcf", "2.vcf"}
    assert len(statements) < 10


def test_a_name_that_is_asked_for_twice_is_answered_once(database: Database) -> None:
    anna = person(database)
    put(database, anna, "1.vcf", vcard())
    names = ["1.vcf", *(f"missing{number}.vcf" for number in range(700)), "1.vcf"]
    with database.reading() as session:
        found = [entry.href for entry in entries.texts(session, book_in(session, anna), hrefs=names)]
    assert found == ["1.vcf"]


def test_an_entry_can_be_offered_again(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    href = href_of(database, anna, bert)
    before = revisions(database, [anna, bert])
    database.write(lambda session: entries.offer_again(session, book_in(session, anna), href))
    assert [entry.href for entry in changes(database, anna, before[anna])] == [href]
    assert revisions(database, [bert]) == {bert: before[bert]}
    delete(database, anna, href)
    before = revisions(database, [anna])
    database.write(lambda session: entries.offer_again(session, book_in(session, anna), href))
    database.write(lambda session: entries.offer_again(session, book_in(session, anna), "missing.vcf"))
    assert revisions(database, [anna]) == before


def test_deleting_the_own_card_on_a_device_brings_it_back(database: Database) -> None:
    anna = person(database)
    href = href_of(database, anna, anna)
    since = revisions(database, [anna])[anna]
    database.write(lambda session: entries.remove(session, book_in(session, anna), href, anyway))
    assert [(entry.href, entry.present) for entry in changes(database, anna, since)] == [(href, True)]
