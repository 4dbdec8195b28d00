"""What was disclosed fills no disk, however often it is turned over, and still tells whose a value is."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select, update

from sync import verification
from sync.database.engine import Database
from sync.disclosure import disclosure_thinning
from sync.disclosure.disclosure_thinning import KEPT, THINNING
from sync.models import DisclosedAudience, DisclosedField, Job, Profile
from sync.queries import activity
from sync.sharing import grants, groups
from tests.support import factories
from tests.support.factories import field, set_field

OFTEN = 60


def rows(database: Database, owner_id: int) -> tuple[int, int]:
    """Count the times at which fields were shown, and at which people were in audiences."""
    with database.reading() as session:
        shown, stays = (
            session.scalars(select(func.count()).where(model.owner_id == owner_id)).one()
            for model in (DisclosedField, DisclosedAudience)
        )
    return shown, stays


def asked(database: Database) -> list[int]:
    """Return whom the outbox has a job about."""
    with database.reading() as session:
        return list(session.scalars(select(Job.owner_id).where(Job.kind == THINNING)))


def turned_over(database: Database) -> tuple[int, int, Callable[[], object]]:
    """Let an owner show a number and take it back, and sort a viewer in and out, again and again."""
    anna, bao = factories.connected(database, "anna", "bao")
    mobile = field(database, anna, "mobile", "+86 138 0000 0001")
    mail = field(database, anna, "email", "anna@example.org")
    family = factories.group(database, anna, "family", [bao], [mobile])
    for _ in range(OFTEN):
        database.write(lambda session: grants.take_back(session, anna, family, [mobile]))
        database.write(lambda session: grants.grant(session, anna, family, [mobile, mail]))
        database.write(lambda session: groups.remove_member(session, anna, family, bao))
        database.write(lambda session: groups.add_member(session, anna, family, bao))
    return anna, bao, lambda: database.write(lambda session: grants.take_back(session, anna, family, [mobile, mail]))


def test_who_turns_things_over_and_over_fills_no_disk(database: Database) -> None:
    anna, bao, _ = turned_over(database)
    before = rows(database, anna)
    assert min(before) > OFTEN
    assert asked(database) == [anna]
    assert disclosure_thinning.work(database) == 1
    assert asked(database) == []
    shown, stays = rows(database, anna)
    # Bao's last stays, each in an audience of its own, and what each of these was shown.
    assert stays <= KEPT + 4
    assert shown <= 3 * (KEPT + 4)
    with database.reading() as session:
        assert list(verification.findings(session)) == []
        assert [each.owner_id for each in activity.latest(session, bao)] == [anna]


def test_a_value_that_comes_back_after_all_is_no_addition(database: Database) -> None:
    """A device that was away all the time sends what it was shown in the beginning, when none of it is shown now."""
    anna, bao, revoke = turned_over(database)
    stale = factories.served(database, bao, anna)
    assert stale is not None
    assert "0000 0001" in stale.text
    assert "anna@example.org" in stale.text
    disclosure_thinning.thin_out(database, anna)
    revoke()
    disclosure_thinning.thin_out(database, anna)
    sent = stale.text.replace("END:VCARD", "NOTE:mine\r\nEND:VCARD").encode()
    factories.put(database, bao, factories.href_of(database, bao, anna), sent)
    assert factories.seen(database, bao, anna) == {"mine"}


def test_nobody_counts_as_having_been_shown_what_they_were_not(database: Database) -> None:
    """A value that was there only while it was not shown stays the viewer's own, who has it from elsewhere."""
    anna, bao = factories.connected(database, "anna", "bao")
    mobile = field(database, anna, "mobile", "+86 138 0000 0001")
    family = factories.group(database, anna, "family", [bao], [mobile])
    for number in range(OFTEN):
        database.write(lambda session: grants.take_back(session, anna, family, [mobile]))
        set_field(database, anna, mobile, "+86 139 0000 0002" if number == 3 else "+86 138 0000 0001")
        if number == 3:
            set_field(database, anna, mobile, "+86 138 0000 0001")
        database.write(lambda session: grants.grant(session, anna, family, [mobile]))
    disclosure_thinning.thin_out(database, anna)
    served = factories.served(database, bao, anna)
    assert served is not None
    sent = served.text.replace("END:VCARD", "TEL:+86 139 0000 0002\r\nEND:VCARD").encode()
    factories.put(database, bao, factories.href_of(database, bao, anna), sent)
    assert "+86 139 0000 0002" in factories.seen(database, bao, anna)


def test_no_change_of_an_owners_keeps_it_from_being_looked_at(database: Database) -> None:
    """Whatever the change is that comes after so many others, it asks."""
    (anna,) = factories.people(database, "anna")
    database.write(lambda session: session.execute(update(Profile).values(version=63)))
    field(database, anna)
    assert asked(database) == [anna]
    database.write(lambda session: session.execute(update(Profile).values(version=95)))
    field(database, anna, "note", "once more")
    assert asked(database) == [anna]
