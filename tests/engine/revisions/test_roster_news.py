"""The devices of all members are told that something changed in their organisation, but not the one who changed it."""

from __future__ import annotations

from sqlalchemy import func, select

from sync import verification
from sync.database.engine import Database
from sync.models import CONTACTS, Job, PushSubscription
from sync.push import keys, subscriptions
from sync.revisions import roster_news
from sync.sign_in import credentials
from tests.support import clubs, factories
from tests.support.push_service import PushService
from tests.support.subscribing import wanted

SERVICE = PushService("https://push.example.org")


def listening(database: Database, viewer_id: int) -> None:
    """Let a device of somebody's be told of changes."""
    device, _ = database.write(lambda session: credentials.add_device(session, viewer_id, "Phone"))
    database.write(
        lambda session: subscriptions.register(session, viewer_id, device, CONTACTS, wanted(SERVICE.subscribe()))
    )


def told(database: Database) -> dict[int, int]:
    """Return how often each person's device was to be told."""
    with database.reading() as session:
        return dict(session.execute(select(PushSubscription.viewer_id, PushSubscription.news)).all())


def test_every_member_is_told_once_of_what_changed_meanwhile(database: Database) -> None:
    database.write(keys.ensure)
    anna, bert, carl, dora = factories.people(database, "anna", "bert", "carl", "dora")
    club = clubs.found(database)
    mobile = factories.field(database, anna)
    club.join(anna, [mobile])
    for each in (bert, carl):
        club.join(each)
    roster_news.work(database)
    for each in (anna, bert, carl, dora):
        listening(database, each)
    before = told(database)
    for number in ("+49 170 5550101", "+49 170 5550102"):
        factories.set_field(database, anna, mobile, number)
    assert roster_news.work(database) == 3
    news = {each: count - before[each] for each, count in told(database).items()}
    assert (news[bert], news[carl], news[dora]) == (1, 1, 0)
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Job)).one() == 0
        assert [str(each) for each in verification.findings(session)] == []


def test_whoever_cannot_see_the_field_is_told_nothing(database: Database) -> None:
    anna, bert = factories.people(database, "anna", "bert")
    club, mobile = clubs.found(database), factories.field(database, anna)
    for each in (anna, bert):
        club.join(each)
    roster_news.work(database)
    factories.set_field(database, anna, mobile, "+49 170 5550101")
    assert roster_news.work(database) == 0
