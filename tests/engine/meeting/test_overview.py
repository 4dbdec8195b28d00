"""The overview: what a person has done, and who waits for them."""

from __future__ import annotations

from sqlalchemy import update

from sync import meeting
from sync.database.engine import Database
from sync.meeting import overview
from sync.meeting.overview import Greeting, Overview
from sync.models import Device
from sync.sharing import grants
from sync.sign_in import credentials
from tests.support.factories import connect, field, people, person, strangers


def of(database: Database, account_id: int) -> Overview:
    with database.reading() as session:
        return overview.of(session, account_id)


def greeting(database: Database, account_id: int) -> Greeting:
    with database.reading() as session:
        return overview.greeting(session, account_id)


def test_somebody_new_has_done_nothing(database: Database) -> None:
    anna = person(database, "anna")
    assert of(database, anna) == Overview(0, 0, 0, 0)
    assert greeting(database, anna) == ("anna", 0, False)


def test_everything_is_counted_once_it_is_done(database: Database) -> None:
    anna, bo, carl = people(database, "anna", "bo", "carl")
    name = field(database, anna, "name", "Anna Berg")
    everybody = strangers(database, anna)
    database.write(lambda session: grants.grant(session, anna, everybody, [name]))
    connect(database, anna, bo)
    database.write(lambda session: credentials.add_device(session, anna, "Phone"))
    assert of(database, anna) == Overview(1, 1, 1, 0)
    assert greeting(database, anna)[:2] == ("Anna Berg", 0)
    assert not of(database, anna).is_begun
    database.write(
        lambda session: session.execute(update(Device).where(Device.viewer_id == anna).values(last_used_at=1))
    )
    database.write(lambda session: meeting.ask(session, carl, anna))
    assert of(database, anna) == Overview(1, 1, 1, 1)
    assert greeting(database, anna)[:2] == ("Anna Berg", 1)
    assert of(database, anna).is_begun


def test_who_is_blocked_is_not_counted(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    database.write(lambda session: meeting.ask(session, bo, anna))
    database.write(lambda session: meeting.block(session, anna, bo))
    assert greeting(database, anna)[:2] == ("anna", 0)
