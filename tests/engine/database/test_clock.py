"""A clock that is put back: nothing waits for the time that it was, and nobody is signed out."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from sync.accounts import one_time_tokens
from sync.database.engine import Database
from sync.errors import InvalidOneTimeToken
from sync.meeting import invitation_links
from sync.models import BrowserSession, Connection, InvitationLink, Job, Message, OneTimeToken, now
from sync.notify import outbox
from sync.notify.outbox import Letter
from sync.revisions import fan_out
from sync.settings import Sending, Settings
from sync.sign_in import deletion, sessions
from tests.support.factories import connect, pending, person, revisions

HOUR, YEAR = 3600, 365 * 86_400


@pytest.fixture
def anna(database: Database) -> int:
    return person(database, "anna")


@pytest.mark.parametrize("ahead", [HOUR, YEAR])
def test_a_change_that_is_owed_arrives_at_once(database: Database, anna: int, ahead: int) -> None:
    bo = person(database, "bo")
    connect(database, anna, bo)
    with database.reading() as session:
        card = session.scalars(select(Connection.audience_id).where(Connection.owner_id == anna)).one()
    before = revisions(database, [bo])
    database.write(lambda session: fan_out.defer(session, anna, [card], now() + ahead))
    assert fan_out.work(database) == 1
    assert revisions(database, [bo]) == {bo: before[bo] + 1}


def test_a_lease_that_runs_is_kept(database: Database, anna: int) -> None:
    database.write(lambda session: fan_out.defer(session, anna, [1], now()))
    database.write(lambda session: session.execute(update(Job).values(due_at=now() + Settings().lease - 5)))
    fan_out.work(database)
    assert pending(database) == 1


def test_a_leaving_goes_on_at_once(database: Database, anna: int) -> None:
    database.write(lambda session: deletion._begin(session, anna))
    database.write(lambda session: session.execute(update(Job).values(due_at=now() + HOUR)))
    assert deletion.work(database) == 1


@pytest.mark.parametrize(("attempts", "wait", "sent"), [(0, HOUR, 1), (1, HOUR, 1), (1, 60, 0), (6, HOUR, 0)])
def test_a_message_waits_no_longer_than_it_ever_has_to(database_url: str, attempts: int, wait: int, sent: int) -> None:
    sending = Sending(smtp_host="127.0.0.1", mail_from="x@example.org")
    database = Database(database_url, Settings(base_url="https://cards.example.org", sending=sending))
    values = {"code": "123456", "link": "https://cards.example.org", "login": "anna"}
    database.write(lambda session: outbox.post(session, "email", "a@example.org", "confirm", **values))
    waiting = update(Message).values(due_at=now() + wait, attempts=attempts)
    database.write(lambda session: session.execute(waiting))
    letters: list[Letter] = []
    assert outbox.work(database, {"email": letters.append}) == sent
    database.dispose()


def test_nobody_is_signed_out(database: Database, anna: int) -> None:
    token = database.write(lambda session: sessions.start(session, anna, "Firefox"))
    _shift(database, 2 * HOUR)
    with database.reading() as session:
        visit = sessions.find(session, token)
        assert visit is not None
        assert sessions.is_worth_noting(visit)
        assert len(sessions.sessions_of(session, anna)) == 1
    database.write(lambda session: sessions.note(session, visit))
    with database.reading() as session:
        assert session.scalars(select(BrowserSession.expires_at)).one() <= now() + sessions.IDLE


def test_nothing_is_open_for_the_years_that_a_clock_was_ahead(database: Database, anna: int) -> None:
    """A visit, a ticket and a link that were made then are closed, until the clock is right about them."""
    visit = database.write(lambda session: sessions.start(session, anna, "Firefox"))
    ticket = database.write(lambda session: one_time_tokens.issue(session, "reset", anna, {}, lifetime=60))
    _shift(database, YEAR)
    with database.reading() as session:
        assert sessions.find(session, visit) is None
    with pytest.raises(InvalidOneTimeToken):
        database.write(lambda session: one_time_tokens.use(session, "reset", ticket))
    link = InvitationLink(created_at=now() + YEAR, expires_at=now() + YEAR + HOUR, uses_left=None, revoked_at=None)
    assert not invitation_links.works(link)
    _shift(database, -YEAR)
    with database.reading() as session:
        assert sessions.find(session, visit) is not None
    database.write(lambda session: one_time_tokens.use(session, "reset", ticket))


def _shift(database: Database, seconds: int) -> None:
    """Let everything have been made so much later."""
    for model in (BrowserSession, OneTimeToken):
        moved = {name: getattr(model, name) + seconds for name in ("created_at", "expires_at")}
        database.write(lambda session, model=model, moved=moved: session.execute(update(model).values(moved)))  # type: ignore[misc]
    seen = update(BrowserSession).values(last_seen_at=BrowserSession.last_seen_at + seconds)
    database.write(lambda session: session.execute(seen))
