"""Profiles are locked before books, and these in the order of ids (Rule 4 of `sync.revisions.address_books`)."""

from __future__ import annotations

import random
import threading
import time

import psycopg
import pytest
from sqlalchemy import insert, text

from sync.books.entries import hold
from sync.database.engine import Database
from sync.models import CONTACTS, Account, AddressBook
from sync.revisions.address_books import raise_revisions
from tests.support.databases import plain
from tests.support.factories import book, connected, href_of

BOOKS = 400


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_books_are_locked_in_the_order_of_ids(database: Database) -> None:
    ids = list(range(1, BOOKS + 1))
    _make_books(database, random.Random(1).sample(ids, BOOKS))
    middle = BOOKS // 2
    locking = "SELECT viewer_id FROM address_book"
    with psycopg.connect(plain(database.url)) as holder, psycopg.connect(plain(database.url)) as observer:
        holder.execute(f"{locking} WHERE viewer_id = {middle} FOR UPDATE")
        raiser = threading.Thread(target=database.write, args=(lambda session: raise_revisions(session, ids, 1),))
        raiser.start()
        _await_blocked(observer)
        free = observer.execute(f"{locking} FOR UPDATE SKIP LOCKED").fetchall()
    raiser.join()
    assert sorted(free) == [(id_,) for id_ in ids[middle:]]


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize("changed", ["anna", "bert"])
def test_a_profile_is_locked_before_the_books_in_which_it_is_shown(database: Database, changed: str) -> None:
    """Or whoever holds a book for a change, and whoever changes the profile, would wait for each other."""
    people = dict(zip(("anna", "bert"), connected(database, "anna", "bert"), strict=True))
    viewer_id, owner_id = people["anna"], people[changed]
    path, href = book(database, viewer_id).path, href_of(database, viewer_id, owner_id)
    locking = "SELECT owner_id FROM profile"
    with psycopg.connect(plain(database.url)) as holder, psycopg.connect(plain(database.url)) as observer:
        holder.execute("SELECT 1 FROM address_book WHERE viewer_id = %s FOR UPDATE", [viewer_id])
        change = threading.Thread(target=database.write, args=(lambda session: hold(session, viewer_id, path, href),))
        change.start()
        _await_blocked(observer)
        free = {id_ for (id_,) in observer.execute(f"{locking} FOR UPDATE SKIP LOCKED")}
    change.join()
    assert free == {*people.values()} - {owner_id}


def _make_books(database: Database, ids: list[int]) -> None:
    books = [
        {"viewer_id": id_, "id": CONTACTS, "path": "contacts", "title": "", "epoch": 1, "revision": 0, "changed_at": 0}
        for id_ in ids
    ]
    with database.writing() as session:
        session.execute(insert(Account), [{"id": id_, "login": f"p{id_}", "created_at": 0} for id_ in ids])
        session.execute(insert(AddressBook), books)
        session.execute(text("ANALYZE"))


def _await_blocked(observer: psycopg.Connection) -> None:
    blocked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if observer.execute(blocked).fetchone():
            return
        observer.rollback()
        time.sleep(0.02)
    pytest.fail("nobody waits for the book that is held")
