"""A site that tells devices of changes, by a push service on loopback, without anything that waits."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from sqlalchemy import select, update

from sync.accounts import pushes
from sync.database.engine import Database, Session
from sync.models import CONTACTS, Device, PushSubscription, now
from sync.push import claims, keys, subscriptions
from sync.push.delivery import Delivery
from sync.push.subscriptions import Registered, Wanted
from sync.settings import Settings
from sync.sign_in import credentials
from sync.worker import WORDING
from tests.support.push_service import Subscriber

BASE_URL = "https://cards.example.org"
SETTINGS = Settings(base_url=BASE_URL, push_to_local=True)


@dataclass(frozen=True)
class Telling:
    """What the worker does of it, step by step."""

    database: Database
    delivery: Delivery

    def work(self) -> None:
        """Send everything that is due, and wait until that is done."""
        self.delivery.work()
        assert self.delivery.finish(30)

    def later(self, seconds: int = claims.PAUSE + 1) -> None:
        """Let time go by for everybody who waits, and send what is due then."""
        self.database.write(
            lambda session: session.execute(
                update(PushSubscription).values(not_before=PushSubscription.not_before - seconds)
            )
        )
        self.work()


def telling(database: Database, context: ssl.SSLContext | None = None) -> Telling:
    """Begin to tell of changes in *database*; whoever begins often makes *context* once, which takes a while."""
    database.write(keys.ensure)
    return Telling(database, Delivery(database, WORDING, pushes.afford, context))


def device_of(database: Database, viewer_id: int) -> int:
    """Return the first device of a person, which is made if there is none."""
    with database.reading() as session:
        mine = select(Device.id).where(Device.viewer_id == viewer_id).order_by(Device.created_at, Device.id)
        found = session.scalars(mine).first()
    return found or add_device(database, viewer_id)


def add_device(database: Database, viewer_id: int) -> int:
    """Make one more device of a person's."""
    return database.write(lambda session: credentials.add_device(session, viewer_id, "Phone"))[0]


def wanted(
    subscriber: Subscriber, *, content: bool = True, properties: bool = False, until: int | None = None
) -> Wanted:
    """Return what a device asks for."""
    return Wanted(subscriber.url, subscriber.public_key, subscriber.auth_secret, content, properties, until)


def subscribe(
    database: Database, viewer_id: int, what: Wanted, *, book_id: int = CONTACTS, device_id: int | None = None
) -> Registered:
    """Register a device of a person's, the first without *device_id*."""
    chosen = device_id or device_of(database, viewer_id)

    def register(session: Session) -> Registered:
        keys.ensure(session)
        return subscriptions.register(session, viewer_id, chosen, book_id, what)

    return database.write(register)


def rows(database: Database) -> list[PushSubscription]:
    """Return every registration there is."""
    with database.reading() as session:
        return list(session.scalars(select(PushSubscription).order_by(PushSubscription.id)))


def set_all(database: Database, **values: object) -> None:
    """Change every registration."""
    database.write(lambda session: session.execute(update(PushSubscription).values(**values)))


def in_seconds(moment: int) -> int:
    """Return how far off a moment is."""
    return moment - now()
