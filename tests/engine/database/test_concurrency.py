"""Many at once: no card is made of stale rows, no change is missed by a token, and of two writers one wins."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from sync.books import entries
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, NotFound, PreconditionFailed
from sync.models import Account, Audience, Card, Connection
from sync.profiles import profiles
from sync.revisions import entry_writes, fan_out
from sync.revisions.address_books import PRESENT
from sync.sharing import cards, connections, grants, groups, visibility
from tests.support.factories import (
    book_in,
    changes,
    connect,
    connected,
    content,
    contents,
    field,
    group,
    href_of,
    people,
    person,
    put,
    revisions,
    seen,
    set_field,
    vcard,
)


def at_once(*tasks: Callable[[], object]) -> list[object]:
    """Run all tasks from the same moment on, and return what each returned or raised."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return task()
        except (AlreadyExists, NotFound, PreconditionFailed) as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def stale(database: Database, owner_id: int) -> list[int]:
    """Return the ids of the owner's cards whose text is not that of the profile and the grants."""
    with database.reading() as session:
        login = session.scalars(select(Account.login).where(Account.id == owner_id)).one()
        rights = visibility.grants_of(session, owner_id)
        fields = [(item.id, cards.content_of(item)) for item in visibility.fields_of(session, owner_id)]
        found = []
        stored = select(Audience.id, Audience.kind, Audience.composition, Card.digest).outerjoin(
            Card, (Card.owner_id == Audience.owner_id) & (Card.id == Audience.id)
        )
        for card_id, kind, text, digest in session.execute(stored.where(Audience.owner_id == owner_id)):
            own = kind == cards.SELF
            visible = rights.visible(cards.composition_in(kind, text))
            chosen = [made for field_id, made in fields if own or field_id in visible]
            if cards.render(chosen, login, own=own).digest != digest:
                found.append(card_id)
    return found


def test_two_writers_on_one_profile_leave_no_card_of_stale_rows(database: Database) -> None:
    """One edits, one grants and takes back, one sorts people: what is served is what is stored, at every pause."""
    anna, bert = connected(database, "anna", "bert")
    phone, mail = field(database, anna), field(database, anna, "email", "a@example.org")
    family = group(database, anna, "family", [bert], [phone])
    chess = group(database, anna, "chess", [], [mail])
    numbers = itertools.count()

    def edit() -> None:
        for _ in range(6):
            set_field(database, anna, phone, f"+1 555 {next(numbers):04}")

    def grant() -> None:
        for _ in range(3):
            database.write(lambda session: grants.take_back(session, anna, family, [phone]))
            database.write(lambda session: grants.grant(session, anna, family, [phone, mail]))

    def sort() -> None:
        for _ in range(3):
            database.write(lambda session: groups.add_member(session, anna, chess, bert))
            database.write(lambda session: groups.remove_member(session, anna, chess, bert))

    for _ in range(2):
        at_once(edit, grant, sort)
        assert stale(database, anna) == []
    with database.reading() as session:
        told = [cards.content_of(item).text() for item in visibility.fields_of(session, anna)]
    assert seen(database, bert, anna) == set(told)


def test_no_reader_by_token_misses_a_change_of_many_owners_in_one_book(database: Database) -> None:
    """Each keeps what it was told, and at the end has the whole book; revisions only ever rise."""
    viewer, *owners = connected(database, "viewer", "o1", "o2", "o3", "o4")
    phones = {}
    for owner in owners:
        phones[owner] = field(database, owner)
        group(database, owner, "family", [viewer], [phones[owner]])
    done = threading.Event()
    missed: list[str] = []

    def write(owner: int) -> None:
        for number in range(8):
            set_field(database, owner, phones[owner], f"+1 555 {number:04}")

    def follow() -> dict[str, str]:
        known: dict[str, str] = {}
        revision, last = 0, False
        while not last:
            last = done.is_set()
            with database.reading() as session:
                book = book_in(session, viewer)
                told = list(entries.heads(session, book, revision))
                whole = {head.href: head.etag for head in entries.heads(session, book)}
            if book.revision < revision or (told and book.revision == revision):
                missed.append(f"{revision} became {book.revision}")
            known |= {head.href: head.etag for head in told if head.present}
            if known != whole:
                missed.append(f"at {book.revision}")
            revision = book.revision
        return known

    before = revisions(database, [viewer])[viewer]
    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(follow) for _ in range(2)]
        for writer in [pool.submit(write, owner) for owner in owners]:
            writer.result()
        done.set()
        ends = [reader.result() for reader in readers]
    assert missed == []
    assert ends == [{head.href: head.etag for head in changes(database, viewer)}] * 2
    assert revisions(database, [viewer])[viewer] == before + 4 * 8


# SQLite has one writer at a time.
@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_revisions_of_one_book_are_committed_in_their_order(database: Database) -> None:
    """A transaction that raised a book and lingers lets nobody else raise it before it has committed."""
    anna = person(database)
    before = revisions(database, [anna])[anna]
    raised = threading.Event()

    def linger(session: Session) -> None:
        entries.write(session, book_in(session, anna), "slow.vcf", vcard("slow"), lambda _: None)
        raised.set()
        time.sleep(0.5)

    def hurry() -> None:
        raised.wait()
        put(database, anna, "quick.vcf", vcard("quick"))

    at_once(lambda: database.write(linger), hurry)
    assert [head.href for head in changes(database, anna, before + 1)] == ["quick.vcf"]
    assert {head.href for head in changes(database, anna, before)} == {"slow.vcf", "quick.vcf"}


def test_of_two_devices_that_replace_the_same_state_one_wins(database: Database) -> None:
    anna = person(database)
    etag: str | None = None
    for turn in range(5):

        def write(device: int, expected: str | None = etag, turn: int = turn) -> str:
            def check(found: str | None) -> None:
                if found != expected:
                    raise PreconditionFailed

            data = vcard("one", f"NOTE:{turn} {device}")
            return database.write(
                lambda session: entries.write(session, book_in(session, anna), "a.vcf", data, check)
            ).etag

        results = at_once(lambda: write(1), lambda: write(2), lambda: write(3))
        won = [result for result in results if isinstance(result, str)]
        assert len(won) == 1
        (etag,) = won
        (stored,) = [entry for entry in contents(database, anna) if entry.href == "a.vcf"]
        assert stored.etag == etag
        assert f"NOTE:{turn} {results.index(etag) + 1}" in stored.text


def test_of_two_who_register_the_same_login_one_gets_it(database: Database) -> None:
    results = at_once(*[lambda: person(database, "anna")] * 3)
    assert sorted(isinstance(result, int) for result in results) == [False, False, True]
    with database.reading() as session:
        assert session.scalars(select(Account.login)).all() == ["anna"]


def test_people_who_connect_with_each_other_at_once_are_connected_once(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    results = at_once(lambda: connect(database, anna, bert), lambda: connect(database, bert, anna))
    assert [type(result) for result in results if result is not None] == [AlreadyExists]
    with database.reading() as session:
        assert len(session.scalars(select(Connection.owner_id)).all()) == 2


def test_connecting_and_disconnecting_at_once_end_in_one_of_both(database: Database) -> None:
    """Whatever the order, both directions and both entries agree."""
    anna, bert = connected(database, "anna", "bert")
    for _ in range(3):
        at_once(
            lambda: database.write(lambda session: connections.disconnect(session, anna, bert)),
            lambda: connect(database, bert, anna),
            lambda: database.write(lambda session: connections.hide(session, anna, bert)),
        )
        with database.reading() as session:
            states = {connections._state(session, one, other) for one, other in ((anna, bert), (bert, anna))}
            both = {connections.is_connected(session, one, other) for one, other in ((anna, bert), (bert, anna))}
        assert len(both) == 1
        assert (PRESENT in states) == both.pop()


# SQLite has no deadlocks.
@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_a_deadlock_ends_with_both_done(database: Database) -> None:
    anna, bert = people(database, "anna", "bert")
    phones = {owner: field(database, owner) for owner in (anna, bert)}
    attempts: list[int] = []
    both_started = threading.Barrier(2)

    def change(first: int, second: int) -> Callable[[], object]:
        tries = itertools.count()

        def in_this_order(session: Session) -> None:
            attempts.append(first)
            profiles.set_field(session, first, phones[first], content(text="+1 555 0101"))
            if next(tries) == 0:
                both_started.wait(10)
            profiles.set_field(session, second, phones[second], content(text="+1 555 0102"))

        return lambda: database.write(in_this_order)

    at_once(change(anna, bert), change(bert, anna))
    assert len(attempts) == 3
    assert stale(database, anna) == stale(database, bert) == []


def test_mutual_changes_of_connected_people_all_arrive(database: Database) -> None:
    """Each holds the others' cards, so every change locks the books of all of them."""
    everybody = people(database, "a", "b", "c", "d")
    phones = {}
    for at, one in enumerate(everybody):
        phones[one] = field(database, one)
        connect(database, one, *everybody[:at])
    for one in everybody:
        group(database, one, "all", [other for other in everybody if other != one], [phones[one]])
    before = revisions(database, everybody)

    def change(owner: int) -> None:
        for number in range(4):
            set_field(database, owner, phones[owner], f"+1 555 {number:04}")

    at_once(*(functools.partial(change, owner) for owner in everybody))
    assert {who: after - before[who] for who, after in revisions(database, everybody).items()} == dict.fromkeys(
        everybody, 16
    )
    assert [stale(database, owner) for owner in everybody] == [[]] * 4
    assert fan_out.work(database) == 0


@pytest.mark.parametrize("database_engine", ["postgresql"], indirect=True)
def test_whoever_stores_their_own_card_sees_what_somebody_changed_before_the_lock_came(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before the lock counts only where nobody came between."""
    anna = person(database, "anna")
    phone = field(database, anna, "mobile", "+49 1")
    href = href_of(database, anna, anna)
    (before,) = contents(database, anna)
    look, came = entry_writes.look, list[str | None]()

    def look_and_let_somebody_come(*arguments: Any) -> entry_writes.Seen:
        found = look(*arguments)
        if not came:
            came.append(None)
            set_field(database, anna, phone, "+49 2")
        return found

    def check(etag: str | None) -> None:
        came.append(etag)
        if etag != before.etag:
            raise PreconditionFailed("It is another by now.")

    def store(session: Session) -> None:
        entries.write(session, book_in(session, anna), href, vcard(before.uid, "TEL;TYPE=CELL:+49 3"), check)

    monkeypatch.setattr(entry_writes, "look", look_and_let_somebody_come)
    with pytest.raises(PreconditionFailed):
        database.write(store)
    with database.reading() as session:
        now = entries.head(session, book_in(session, anna), href)
        assert now is not None
        assert came == [None, now.etag]
        assert [each.content for each in visibility.fields_of(session, anna)] == [content("mobile", "+49 2").dump()]
