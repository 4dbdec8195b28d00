"""Connections: two entries that come and go, and keep their names for ever."""

from __future__ import annotations

import pytest

from sync.books.entries import EntryText
from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.sharing import connections
from tests.support.factories import (
    MOBILE,
    age,
    book,
    changes,
    connect,
    connected,
    field,
    group,
    href_of,
    people,
    person,
    revisions,
    seen,
    served,
    set_field,
    values_in,
)


def disconnect(database: Database, one: int, other: int) -> None:
    database.write(lambda session: connections.disconnect(session, one, other))


def hide(database: Database, viewer_id: int, owner_id: int) -> None:
    database.write(lambda session: connections.hide(session, viewer_id, owner_id))


def show(database: Database, viewer_id: int, owner_id: int) -> None:
    database.write(lambda session: connections.show(session, viewer_id, owner_id))


def shown(database: Database, viewer_id: int, owner_id: int) -> EntryText:
    """Return an entry that is there."""
    entry = served(database, viewer_id, owner_id)
    assert entry is not None
    return entry


def identity(database: Database, viewer_id: int, owner_id: int) -> tuple[str, list[str]]:
    """Return the name and the UID of an entry."""
    entry = shown(database, viewer_id, owner_id)
    return entry.href, values_in(entry.text, "UID")


def test_a_connection_puts_each_into_the_others_book(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    before = revisions(database, [anna, bert])
    connect(database, anna, bert)
    for viewer, owner, name in ((anna, bert, "bert"), (bert, anna, "anna")):
        entry = served(database, viewer, owner)
        assert entry is not None
        assert (entry.kind, values_in(entry.text, "FN")) == ("connection", [name])
        assert book(database, viewer).revision == before[viewer] + 1
        assert [head.href for head in changes(database, viewer, before[viewer])] == [entry.href]
    with database.reading() as session:
        assert connections.connected_to(session, anna) == [bert]
        assert connections.is_connected(session, bert, anna)


def test_nobody_can_tell_by_an_entry_that_they_know_the_same_person(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    one, other = identity(database, bert, anna), identity(database, carl, anna)
    assert one[0] != other[0]
    assert one[1] != other[1]
    assert not {f"{anna:x}", str(anna)} & set("-".join([one[0], *one[1]]).replace(".", "-").split("-"))


def test_people_connect_once_with_others_who_exist(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    for one, other in ((anna, bert), (bert, anna)):
        with pytest.raises(AlreadyExists):
            connect(database, one, other)
    with pytest.raises(InvalidInput):
        connect(database, anna, anna)
    for one, other in ((anna, 1), (1, anna)):
        with pytest.raises(NotFound):
            connect(database, one, other)


def test_who_disconnects_is_gone_from_the_others_book(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    before = revisions(database, [anna, bert, carl])
    disconnect(database, bert, anna)
    assert served(database, bert, anna) is None
    assert served(database, anna, bert) is None
    assert served(database, carl, anna) is not None
    for viewer, owner in ((anna, bert), (bert, anna)):
        (gone,) = changes(database, viewer, before[viewer])
        assert (gone.href, gone.present, gone.etag) == (href_of(database, viewer, owner), False, "")
    assert revisions(database, [carl]) == {carl: before[carl]}
    with pytest.raises(NotFound):
        disconnect(database, anna, bert)


def test_an_entry_keeps_its_name_and_uid_over_connecting_again(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    before = identity(database, bert, anna), identity(database, anna, bert)
    disconnect(database, anna, bert)
    since = revisions(database, [bert])[bert]
    connect(database, bert, anna)
    assert (identity(database, bert, anna), identity(database, anna, bert)) == before
    assert [head.present for head in changes(database, bert, since)] == [True]
    with database.reading() as session:
        assert connections.connected_to(session, anna) == [bert]


def test_an_entry_that_came_and_went_unseen_is_reported_as_gone(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    since = revisions(database, [bert])[bert]
    connect(database, anna, bert)
    disconnect(database, anna, bert)
    assert [head.present for head in changes(database, bert, since)] == [False]


def test_a_change_of_somebody_one_was_connected_to_is_nobodys_business(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    group(database, anna, "family", [bert], [phone])
    disconnect(database, anna, bert)
    before = revisions(database, [bert])
    set_field(database, anna, phone, "+1 555 0199")
    assert revisions(database, [bert]) == before
    assert served(database, bert, anna) is None


def test_a_hidden_entry_is_gone_from_the_devices_and_the_two_stay_connected(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    family = group(database, anna, "family", [bert], [phone])
    before, was = revisions(database, [anna, bert]), identity(database, bert, anna)
    hide(database, bert, anna)
    assert served(database, bert, anna) is None
    assert [head.present for head in changes(database, bert, before[bert])] == [False]
    assert revisions(database, [anna]) == {anna: before[anna]}
    with database.reading() as session:
        assert connections.is_connected(session, anna, bert)
    set_field(database, anna, phone, "+1 555 0199")
    assert revisions(database, [bert]) == {bert: before[bert] + 1}
    show(database, bert, anna)
    assert identity(database, bert, anna) == was
    assert seen(database, bert, anna) == {"+1 555 0199"}
    assert [head.present for head in changes(database, bert, before[bert])] == [True]
    assert family


def test_what_happens_to_the_rights_of_a_hidden_entry_counts_when_it_is_shown(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    hide(database, bert, anna)
    before = revisions(database, [bert])
    group(database, anna, "family", [bert], [phone])
    assert revisions(database, [bert]) == before
    show(database, bert, anna)
    assert seen(database, bert, anna) == {MOBILE}


def test_hiding_and_showing_are_of_what_is_there(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    with pytest.raises(NotFound):
        show(database, bert, anna)
    hide(database, bert, anna)
    with pytest.raises(NotFound):
        hide(database, bert, anna)
    with pytest.raises(NotFound):
        hide(database, person(database), anna)
    with pytest.raises(NotFound):
        hide(database, bert, 1)


def test_who_disconnects_while_hidden_starts_anew_and_visible(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    hide(database, bert, anna)
    before = revisions(database, [bert])
    disconnect(database, anna, bert)
    assert revisions(database, [bert]) == before
    with pytest.raises(NotFound):
        show(database, bert, anna)
    connect(database, anna, bert)
    assert served(database, bert, anna) is not None


def test_rev_is_the_last_change_of_what_this_viewer_sees(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone = field(database, anna)
    group(database, anna, "family", [bert], [phone])
    age(database)
    before, others = shown(database, bert, anna), shown(database, carl, anna)
    set_field(database, anna, phone, "+1 555 0199")
    after = shown(database, bert, anna)
    assert shown(database, carl, anna) == others
    assert values_in(after.text, "REV") > values_in(before.text, "REV")
    assert after.changed_at >= before.changed_at + 100
