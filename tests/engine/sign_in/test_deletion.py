"""Leaving: nothing of a person stays behind, and what they did not own does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import BigInteger, delete, select, update

from sync import verification
from sync.accounts import acts, one_time_tokens
from sync.database import accounts, pacing
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, InvalidOneTimeToken, NotFound
from sync.models import (
    NOBODY,
    Base,
    Block,
    Entry,
    Invitation,
    Job,
    LoginName,
    OrganisationIdentity,
    OwnSearchKey,
    PublicFriend,
    Request,
    SearchKey,
    now,
)
from sync.revisions import address_books
from sync.sharing import connections
from sync.sign_in import credentials, deletion, sessions
from sync.sign_in.credentials import Gate
from tests.support.factories import book, connect, connected, field, group, person, strangers
from tests.support.people import Person, register

#: Where the id of somebody who left may still stand: in what others own, as a number that means nothing any more, and
#: for a while where it says who deleted the account.
TOMBSTONES = {"entry.id", "disclosed_audience.viewer_id", "block.other_id", "administrator_act.owner_id"}


def rows_about(database: Database, account_id: int) -> Iterator[str]:
    """Name every column that holds this account's id anywhere."""
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if (
                    isinstance(column.type, BigInteger)
                    and session.execute(select(column).where(column == account_id)).first()
                ):
                    yield str(column)


@pytest.fixture
def anna(database: Database) -> Person:
    """Anna, who has fields, a group, connections, a device and everything else that a person can have."""
    anna = register(database, "anna")
    bo, carl, foe = person(database, "bo"), person(database, "carl"), person(database, "foe")
    connect(database, anna.id, bo, carl)
    mobile = field(database, anna.id)
    group(database, anna.id, "Friends", [bo], [mobile])

    def more(session: Session) -> None:
        at = now()
        sessions.start(session, anna.id, "Firefox")
        acts.note(session, acts.COMMAND_LINE, anna.id, acts.DISABLE)
        session.add_all(
            [
                OrganisationIdentity(digest="0", account_id=anna.id, linked_at=at, looked_at=at),
                SearchKey(key="name:anna berg", account_id=anna.id),
                OwnSearchKey(owner_id=anna.id, key="name:anna berg"),
                Block(owner_id=anna.id, other_id=foe, blocked_at=at),
                Block(owner_id=foe, other_id=anna.id, blocked_at=at),
                Request(owner_id=anna.id, direction="out", other_id=carl, state="waiting", message="", asked_at=at),
                Request(owner_id=carl, direction="in", other_id=anna.id, state="waiting", message="", asked_at=at),
                Invitation(owner_id=anna.id, channel="email", value="x@example.org", message="", invited_at=at),
                PublicFriend(owner_id=bo, friend_id=anna.id, published_at=at),
                PublicFriend(owner_id=anna.id, friend_id=bo, published_at=at),
            ]
        )

    database.write(more)
    return anna


def problems(database: Database) -> list[str]:
    with database.reading() as session:
        return [str(finding) for finding in verification.findings(session)]


def test_everything_of_a_person_goes(database: Database, anna: Person) -> None:
    deletion.leave(database, anna.id)
    assert set(rows_about(database, anna.id)) <= TOMBSTONES
    assert problems(database) == []


def test_every_holder_is_told(database: Database, anna: Person) -> None:
    with database.reading() as session:
        holders = connections.connected_to(session, anna.id)
    before = {viewer_id: book(database, viewer_id).revision for viewer_id in holders}
    deletion.leave(database, anna.id)
    for viewer_id in holders:
        assert book(database, viewer_id).revision > before[viewer_id]
        with database.reading() as session:
            entry = session.scalars(select(Entry).where(Entry.viewer_id == viewer_id, Entry.id == anna.id)).one()
            assert entry.state == address_books.REMOVED
            assert entry.card_id is None


def test_others_keep_each_other(database: Database, anna: Person) -> None:
    one, other = connected(database, "dora", "emil")
    deletion.leave(database, anna.id)
    with database.reading() as session:
        assert connections.is_connected(session, one, other)
        assert strangers(database, one)


def test_nobody_comes_back_under_the_login(database: Database, anna: Person) -> None:
    deletion.leave(database, anna.id)
    with pytest.raises(AlreadyExists):
        person(database, "anna")


def test_the_login_is_nobody_s_afterwards(database: Database, anna: Person) -> None:
    deletion.leave(database, anna.id)
    with database.reading() as session, pytest.raises(NotFound, match="nobody with the login 'anna'"):
        accounts.find(session, "anna")


def test_nothing_opens_from_the_first_moment_on(database: Database, anna: Person) -> None:
    gate = Gate(database)
    assert gate.admit(anna.login, anna.password) is not None
    token = database.write(lambda session: one_time_tokens.issue(session, "reset", anna.id, {}, lifetime=60))
    visit = database.write(lambda session: sessions.start(session, anna.id, "Firefox"))
    database.write(lambda session: deletion._begin(session, anna.id))
    assert gate.admit(anna.login, anna.password) is None
    with pytest.raises(InvalidOneTimeToken):
        database.write(lambda session: one_time_tokens.use(session, "reset", token))
    with database.reading() as session:
        assert sessions.find(session, visit) is None
        assert credentials.check_password(session, anna.login, "whatever it was") is None


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_what_was_stopped_on_the_way_is_finished(
    database: Database, anna: Person, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(deletion, "CHUNK", chunk)
    database.write(lambda session: deletion._begin(session, anna.id))
    database.write(lambda session: deletion._part(session, anna.id))
    (problem,) = problems(database)
    assert "anna is being deleted, which is not finished" in problem
    assert deletion.finish_all(database) == 1
    assert deletion.finish_all(database) == 0
    assert set(rows_about(database, anna.id)) <= TOMBSTONES


def test_who_is_listed_on_the_way_is_found_by_nobody(database: Database, anna: Person) -> None:
    database.write(lambda session: deletion._begin(session, anna.id))

    def list_again(session: Session) -> None:
        session.add_all(
            [OwnSearchKey(owner_id=anna.id, key="name:annaberg"), SearchKey(key="name:annaberg", account_id=anna.id)]
        )

    database.write(list_again)
    deletion.finish_all(database)
    assert set(rows_about(database, anna.id)) <= TOMBSTONES
    assert problems(database) == []


def test_who_is_not_there_cannot_leave(database: Database, anna: Person) -> None:
    deletion.leave(database, anna.id)
    with pytest.raises(NotFound):
        deletion.leave(database, anna.id)
    with database.reading() as session:
        assert session.get_one(LoginName, "anna").account_id == NOBODY


def test_a_worker_goes_on_within_seconds_with_what_was_stopped(database: Database, anna: Person) -> None:
    """Once whoever began it is silent for longer than the lease, and not before."""
    database.write(lambda session: deletion._begin(session, anna.id))
    assert deletion.work(database) == 0
    database.write(lambda session: session.execute(update(Job).values(due_at=Job.due_at - deletion.LEASE)))
    assert deletion.work(database) == 1
    assert deletion.work(database) == 0
    assert set(rows_about(database, anna.id)) <= TOMBSTONES
    assert problems(database) == []


def test_who_was_stopped_by_an_older_version_leaves_as_well(database: Database, anna: Person) -> None:
    """It wrote no job."""
    database.write(lambda session: deletion._begin(session, anna.id))
    database.write(lambda session: session.execute(delete(Job)))
    assert deletion.finish_all(database) == 1
    assert problems(database) == []


def test_two_who_work_on_one_leaving_do_not_hinder_each_other(database: Database, anna: Person) -> None:
    database.write(lambda session: deletion._begin(session, anna.id))
    threads = [threading.Thread(target=deletion.finish_all, args=(database,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems(database) == []
    assert set(rows_about(database, anna.id)) <= TOMBSTONES


def test_a_leaving_lets_others_in_between(database: Database, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long one parting takes, no transaction takes many times as long."""
    monkeypatch.setattr(pacing, "HOLD", 0)
    parted: list[int] = []
    deletion.leave(database, anna.id, parted.append)
    assert parted == [1, 1]
