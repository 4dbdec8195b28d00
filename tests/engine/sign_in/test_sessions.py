"""Browsers that are signed in: who they speak for, and when that is over."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import select, update

from sync import worker
from sync.accounts import rate_limits, registration
from sync.accounts.rate_limits import Limit
from sync.database.engine import Database
from sync.errors import NotFound
from sync.models import BrowserSession, RateLimit
from sync.sign_in import sessions
from sync.sign_in.sessions import SignedIn
from tests.support import factories


@pytest.fixture
def anna(database: Database) -> int:
    """Return a registered person."""
    return factories.person(database, "anna")


def start(database: Database, account_id: int, browser: str = "Firefox") -> str:
    return database.write(lambda session: sessions.start(session, account_id, browser))


def find(database: Database, token: str) -> SignedIn | None:
    with database.reading() as session:
        return sessions.find(session, token)


def test_a_token_tells_whose_visit_it_is(database: Database, anna: int) -> None:
    visit = find(database, start(database, anna))
    assert visit is not None
    assert (visit.account_id, visit.login, visit.language) == (anna, "anna", None)


def test_no_token_is_stored(database: Database, anna: int) -> None:
    secret = start(database, anna).split("-", 2)[2]
    with database.reading() as session:
        row = session.scalars(select(BrowserSession)).one()
        assert secret.encode() not in row.secret_hash
        assert len(row.secret_hash) == 32


@pytest.mark.parametrize(
    "token",
    ["", "-", "--", "1-1-" + "a" * 32, "0-0-" + "a" * 32, "f" * 16 + "-1-" + "a" * 32, "1-1-" + "\0" * 32, "é" * 40],
)
def test_what_was_made_up_is_nobody_s(database: Database, anna: int, token: str) -> None:
    start(database, anna)
    assert find(database, token) is None


def test_a_changed_token_is_nobody_s(database: Database, anna: int) -> None:
    """Neither another secret nor another person's id or visit opens anything."""
    token = start(database, anna)
    owner, session_id, secret = token.split("-", 2)
    ben = factories.person(database, "ben")
    bens = start(database, ben).split("-", 2)
    wrong = [
        f"{owner}-{session_id}-{'A' * 32}",
        f"{ben:x}-{session_id}-{secret}",
        f"{owner}-{bens[1]}-{secret}",
        f"{owner}-{session_id}-{bens[2]}",
        token + "x",
        token.upper(),
    ]
    assert [find(database, text) for text in wrong] == [None] * len(wrong)


def test_an_ended_visit_is_over_at_once(database: Database, anna: int) -> None:
    first, second = start(database, anna), start(database, anna)
    visit = find(database, first)
    assert visit is not None
    database.write(lambda session: sessions.end(session, anna, visit.id))
    assert find(database, first) is None
    assert find(database, second) is not None


def test_nobody_ends_another_person_s_visit(database: Database, anna: int) -> None:
    token = start(database, anna)
    visit = find(database, token)
    ben = factories.person(database, "ben")
    assert visit is not None
    with pytest.raises(NotFound):
        database.write(lambda session: sessions.end(session, ben, visit.id))
    database.write(lambda session: sessions.end_all(session, ben))
    assert find(database, token) is not None


def test_all_visits_end_but_the_one_that_is_kept(database: Database, anna: int) -> None:
    tokens = [start(database, anna) for _ in range(3)]
    kept = find(database, tokens[1])
    assert kept is not None
    database.write(lambda session: sessions.end_all(session, anna, but=kept.id))
    assert [find(database, token) is not None for token in tokens] == [False, True, False]
    database.write(lambda session: sessions.end_all(session, anna))
    assert find(database, tokens[1]) is None


def test_a_closed_account_has_no_visit(database: Database, anna: int) -> None:
    token = start(database, anna)
    database.write(lambda session: registration.set_disabled(session, anna, disabled=True))
    assert find(database, token) is None
    with pytest.raises(NotFound):
        start(database, anna)


def test_nobody_who_does_not_exist_visits(database: Database) -> None:
    with pytest.raises(NotFound):
        start(database, 17)


def test_a_visit_ends_by_itself_and_is_dropped(database: Database, anna: int) -> None:
    token = start(database, anna)
    database.write(lambda session: session.execute(update(BrowserSession).values(expires_at=BrowserSession.created_at)))
    assert find(database, token) is None
    with database.reading() as session:
        assert sessions.sessions_of(session, anna) == []
    assert database.write(sessions.purge) == 1


def test_being_seen_lets_a_visit_go_on_though_not_for_ever(database: Database, anna: int) -> None:
    token = start(database, anna)
    visit = find(database, token)
    assert visit is not None
    assert not sessions.is_worth_noting(visit)
    for age, lasts in ((sessions.DAY, sessions.IDLE), (sessions.LONGEST - sessions.DAY, sessions.DAY)):
        older = {"created_at": visit.last_seen_at - age, "last_seen_at": visit.last_seen_at - sessions.DAY}
        database.write(lambda session, older=older: session.execute(update(BrowserSession).values(**older)))  # type: ignore[misc]
        seen = find(database, token)
        assert seen is not None
        assert sessions.is_worth_noting(seen)
        database.write(lambda session, seen=seen: sessions.note(session, seen))  # type: ignore[misc]
        with database.reading() as session:
            row = session.scalars(select(BrowserSession)).one()
            assert row.last_seen_at >= visit.last_seen_at
            assert abs(row.expires_at - row.last_seen_at - lasts) < 60


def test_a_person_has_only_so_many_visits(database: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was not seen for longest makes room."""
    monkeypatch.setattr(sessions, "MOST", 3)
    first = start(database, anna)
    database.write(lambda session: session.execute(update(BrowserSession).values(last_seen_at=1)))
    others = [start(database, anna) for _ in range(3)]
    assert find(database, first) is None
    assert all(find(database, token) for token in others)


def test_what_a_browser_says_of_itself_is_cut_and_cleaned(database: Database, anna: int) -> None:
    start(database, anna, "Evil\x1b[31m\r\nBrowser " + "x" * 500)
    with database.reading() as session:
        said = sessions.sessions_of(session, anna)[0].browser
    assert len(said) == 200
    assert said.startswith("Evil")
    assert not set("\r\n\x1b") & set(said)


def test_the_worker_drops_what_is_over(database: Database, anna: int) -> None:
    """Visits that ended by themselves, and counts of tries that have all come back."""
    start(database, anna)
    database.write(lambda session: rate_limits.take(session, Limit("x", 1, 1), "anna"))
    database.write(lambda session: session.execute(update(BrowserSession).values(expires_at=1)))
    database.write(lambda session: session.execute(update(RateLimit).values(full_at=1)))
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(database, stop))
    thread.start()
    try:
        for model in (BrowserSession, RateLimit):
            for _ in range(600):
                with database.reading() as session:
                    if session.scalars(select(model)).first() is None:
                        break
                time.sleep(0.05)
            else:
                pytest.fail(f"{model.__tablename__} is kept")
    finally:
        stop.set()
        thread.join()
