"""A registration is its device's alone, there is one for a push resource, and it ends when it should."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from sync.accounts import one_time_tokens
from sync.database.engine import Database, Session
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.models import CONTACTS, ServerSecret
from sync.push import keys, subscriptions
from sync.push.keys import HOME
from sync.push.subscriptions import LONGEST, USUAL
from sync.settings import Limits
from sync.sharing import groups, phone_lists
from sync.sign_in import administrators, credentials, deletion, password_reset, signing_in
from tests.support import factories
from tests.support.push_service import PushService
from tests.support.subscribing import SETTINGS, add_device, device_of, in_seconds, rows, set_all, subscribe, wanted

SERVICE = PushService("https://push.example.org")
PASSWORD = "correct horse battery"


@pytest.fixture
def anna(told: Database) -> int:
    """Somebody with a device."""
    anna = factories.person(told, "anna")
    add_device(told, anna)
    return anna


def test_the_same_push_resource_is_renewed(told: Database, anna: int) -> None:
    phone = SERVICE.subscribe()
    first = subscribe(told, anna, wanted(phone))
    set_all(told, expires_at=1, news=5, attempts=3)
    other = replace(SERVICE.subscribe(), url=phone.url)
    again = subscribe(told, anna, wanted(other, properties=True))
    (row,) = rows(told)
    assert (first.is_new, again.is_new, again.id) == (True, False, first.id)
    assert (row.public_key, row.auth_secret) == (other.public_key, other.auth_secret)
    assert (row.wants_properties, row.news, row.attempts, row.expires_at) == (True, 5, 3, again.expires_at)


def test_another_collection_or_push_resource_is_another_registration(told: Database, anna: int) -> None:
    phone = SERVICE.subscribe()
    ids = {
        subscribe(told, anna, wanted(phone)).id,
        subscribe(told, anna, wanted(phone), book_id=HOME).id,
        subscribe(told, anna, wanted(SERVICE.subscribe())).id,
    }
    assert len(ids) == 3
    ben = factories.person(told, "ben")
    subscribe(told, ben, wanted(phone))
    assert len(rows(told)) == 4, "somebody else's is not touched"


@pytest.mark.parametrize(
    ("asked", "lasts"), [(None, USUAL), (3600, 3600), (USUAL, USUAL), (10**9, LONGEST), (-5, USUAL), (0, USUAL)]
)
def test_a_registration_lasts_as_long_as_it_asks_within_bounds(
    told: Database, anna: int, asked: int | None, lasts: int
) -> None:
    until = None if asked is None else -in_seconds(0) + asked
    found = subscribe(told, anna, wanted(SERVICE.subscribe(), until=until))
    assert lasts - 5 <= in_seconds(found.expires_at) <= lasts


def test_what_no_message_could_be_sent_by_is_no_registration(told: Database, anna: int) -> None:
    good = wanted(SERVICE.subscribe())
    bad = [
        replace(good, public_key=b""),
        replace(good, public_key=bytes(65)),
        replace(good, auth_secret=b""),
        replace(good, auth_secret=bytes(17)),
        replace(good, endpoint="push"),
    ]
    for each in bad:
        with pytest.raises(InvalidInput):
            subscribe(told, anna, each)
    with pytest.raises(NotFound):
        subscribe(told, anna, good, book_id=77)
    assert rows(told) == []


def test_there_are_only_so_many(database_url: str) -> None:
    few = replace(SETTINGS, limits=Limits(push_subscriptions=3, push_subscriptions_of_device=2))
    database = Database(database_url, few)
    anna = factories.person(database, "anna")
    first, second = add_device(database, anna), add_device(database, anna)
    kept = wanted(SERVICE.subscribe())
    subscribe(database, anna, kept, device_id=first)
    subscribe(database, anna, wanted(SERVICE.subscribe()), device_id=first)
    with pytest.raises(LimitExceeded):
        subscribe(database, anna, wanted(SERVICE.subscribe()), device_id=first)
    subscribe(database, anna, wanted(SERVICE.subscribe()), device_id=second)
    with pytest.raises(LimitExceeded):
        subscribe(database, anna, wanted(SERVICE.subscribe()), device_id=second)
    subscribe(database, anna, kept, device_id=first)
    set_all(database, expires_at=1)
    subscribe(database, anna, wanted(SERVICE.subscribe()), device_id=first)
    assert len(rows(database)) == 1
    database.dispose()


def _remove(session: Session, person: int, device: int, made: int) -> None:
    subscriptions.remove(session, person, device, made)


def test_only_the_device_ends_its_registration(told: Database, anna: int) -> None:
    ben, phone, tablet = factories.person(told, "ben"), add_device(told, anna), add_device(told, anna)
    made = subscribe(told, anna, wanted(SERVICE.subscribe()), device_id=phone)
    for person, device in ((anna, tablet), (ben, device_of(told, ben)), (ben, phone)):
        with pytest.raises(NotFound):
            told.write(functools.partial(_remove, person=person, device=device, made=made.id))
    told.write(lambda session: subscriptions.remove(session, anna, phone, made.id))
    assert rows(told) == []
    with pytest.raises(NotFound):
        told.write(lambda session: subscriptions.remove(session, anna, phone, made.id))


def test_one_that_expired_is_not_there(told: Database, anna: int) -> None:
    made = subscribe(told, anna, wanted(SERVICE.subscribe()))
    set_all(told, expires_at=1)
    device_id = device_of(told, anna)
    with told.reading() as session:
        assert subscriptions.listed(session) == []
    with pytest.raises(NotFound):
        told.write(lambda session: subscriptions.remove(session, anna, device_id, made.id))


def test_registrations_end_with_their_device(told: Database, anna: int) -> None:
    phone, tablet = add_device(told, anna), add_device(told, anna)
    for device in (phone, tablet):
        subscribe(told, anna, wanted(SERVICE.subscribe()), device_id=device)
    told.write(lambda session: credentials.revoke_device(session, anna, phone))
    assert [each.device_id for each in rows(told)] == [tablet]
    with pytest.raises(NotFound):
        subscribe(told, anna, wanted(SERVICE.subscribe()), device_id=phone)


NEW = f"{PASSWORD} staple"


def reset_by_mail(told: Database, anna: int) -> None:
    token = told.write(
        lambda session: one_time_tokens.issue(session, password_reset.RESET, anna, {}, lifetime=one_time_tokens.HOUR)
    )
    password_reset.reset(told, token, NEW, browser="")


#: Every way by which a password, a device or an account ends.
ENDS: dict[str, Callable[[Database, int], object]] = {
    "changed by the person": lambda told, anna: signing_in.change_password(
        told, anna, "anna", old=PASSWORD, new=NEW, browser=""
    ),
    "reset by mail": reset_by_mail,
    "set by an administrator": lambda told, anna: told.write(
        lambda session: administrators.set_password(session, anna, NEW)
    ),
    "set when somebody signs up by an invitation": lambda told, anna: told.write(
        lambda session: credentials.set_password_hash(session, anna, credentials.hash_password(NEW))
    ),
    "the device shut out": lambda told, anna: told.write(
        lambda session: credentials.revoke_device(session, anna, device_of(told, anna))
    ),
    "the account deleted by the person": deletion.leave,
    "the account deleted by an administrator": administrators.delete,
}


@pytest.mark.parametrize("way", ENDS)
def test_registrations_end_with_the_password_the_device_and_the_account(told: Database, anna: int, way: str) -> None:
    told.write(lambda session: credentials.set_password(session, anna, PASSWORD))
    ben = factories.person(told, "ben")
    for person in (anna, ben):
        subscribe(told, person, wanted(SERVICE.subscribe()))
    ENDS[way](told, anna)
    assert [each.viewer_id for each in rows(told)] == [ben]


def test_there_is_no_other_way_by_which_a_password_or_a_device_ends() -> None:
    """Who changes one of these columns ends the registrations, too; another place is to be named above."""
    written = re.compile(r"\.values\([^\n]*\b(password_hash|revoked_at)=")
    root = Path(credentials.__file__).parents[1]
    found = {
        (str(file.relative_to(root)), name) for file in root.rglob("*.py") for name in written.findall(file.read_text())
    }
    assert found == {
        ("sign_in/credentials.py", "password_hash"),
        ("sign_in/credentials.py", "revoked_at"),
        ("sign_in/deletion.py", "revoked_at"),
        # A link, and no device.
        ("meeting/invitation_links.py", "revoked_at"),
    }


def test_a_list_says_no_secret(told: Database, anna: int) -> None:
    phone = SERVICE.subscribe()
    subscribe(told, anna, wanted(phone, properties=True))
    subscribe(told, factories.person(told, "ben"), wanted(SERVICE.subscribe()), book_id=HOME)
    with told.reading() as session:
        everybody, mine = subscriptions.listed(session), subscriptions.listed(session, anna)
    assert [(each.login, each.collection, each.host) for each in everybody] == [
        ("anna", "contacts", "push.example.org"),
        ("ben", "", "push.example.org"),
    ]
    (one,) = mine
    assert phone.url.rpartition("/")[2] not in repr(one)
    assert (one.device, one.content, one.properties, one.told_at) == ("Phone", True, True, None)


def test_keys_that_are_shown_no_more_stay_while_somebody_needs_them(told: Database, anna: int) -> None:
    subscribe(told, anna, wanted(SERVICE.subscribe()), book_id=CONTACTS)
    old = rows(told)[0].key_id
    told.write(keys.rotate)
    told.write(keys.rotate)
    told.write(subscriptions.purge)
    shown = told.write(keys.ensure).id
    assert set(told.write(lambda session: keys.of_ids(session, [old, shown]))) == {old, shown}


def test_whoever_tidies_up_while_the_first_key_is_made_does_not_forget_it(told: Database) -> None:
    """It looked which one is shown before there was one, and sees the new one a moment later."""
    made: list[str] = []

    def tidy(session: Session) -> None:
        original = keys._current_id

        def just_before(session: Session, *, lock: bool = False) -> str:
            shown = original(session, lock=lock)
            if not made:
                made.append("")
                keys.ensure(session)
                made.append(original(session))
            return shown

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keys, "_current_id", just_before)
            keys.forget_unused(session)

    told.write(tidy)
    with told.reading() as session:
        assert keys.current(session).id == made[1]


def test_a_key_that_was_lost_is_made_anew(told: Database) -> None:
    lost = told.write(keys.ensure).id
    told.write(lambda session: session.execute(delete(ServerSecret).where(ServerSecret.name == f"vapid-{lost}")))
    found = told.write(keys.ensure)
    assert found.id != lost
    assert told.write(keys.ensure) == found


def test_a_change_of_a_group_is_news_for_devices_alone_that_show_lists(told: Database, anna: int) -> None:
    bert = factories.person(told, "bert")
    factories.connect(told, anna, bert)
    friends = factories.group(told, anna, "Friends")
    plain, shows = device_of(told, anna), add_device(told, anna)
    for device in (plain, shows):
        subscribe(told, anna, wanted(SERVICE.subscribe()), device_id=device)
    told.write(lambda session: phone_lists.choose(session, anna, shows, "lists"))
    set_all(told, news=0, has_content=False)
    told.write(lambda session: groups.add_member(session, anna, friends, bert))
    assert {row.device_id: (row.news, row.has_content) for row in rows(told)} == {plain: (0, False), shows: (1, True)}
