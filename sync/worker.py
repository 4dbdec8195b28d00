"""The worker: whatever committed changes still owe, done in the background until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sync.accounts import one_time_tokens, rate_limits
from sync.database.engine import Database
from sync.errors import DatabaseUnavailable
from sync.meeting import invitations, mass_invitations, request_messages
from sync.notify import errands, mail, outbox, sms
from sync.notify.push import keys, subscriptions
from sync.notify.push.delivery import Delivery
from sync.profiles import renewing
from sync.revisions import address_books, fan_out
from sync.sharing import disclosure_thinning
from sync.sign_in import deletion, password_reset, sessions

logger = logging.getLogger("evercard.worker")

#: Seconds between two looks at an empty outbox.
INTERVAL = 0.5
#: Seconds between two looks for messages, between two for news that devices are told of, and between two times that
#: what expired is dropped and what was begun ended.
SENDING_INTERVAL = 1.0
PUSH_INTERVAL = 0.25
TIDYING_INTERVAL = 3600.0
#: Seconds to wait after something went wrong.
PAUSE_AFTER_ERROR = 5.0
#: What is done that requests left, by the kind of errand.
ERRANDS: dict[str, errands.Doer] = {
    password_reset.RESET: password_reset.send,
    invitations.INVITATION: invitations.send,
    mass_invitations.CARRY_ON: mass_invitations.carry_on,
    request_messages.REQUEST: request_messages.send,
}


def run(database: Database, stop: threading.Event, alive: Callable[[], object] = lambda: None) -> None:
    """
    Work until *stop* is set. Several workers may run; what fails is tried again when its lease is over.

    *alive* is called again and again as long as the work goes on.

    Raises:
        InvalidInput: The settings name a gateway for text messages that may not be called.
    """
    senders = _senders(database)
    pusher = _Pusher(database)
    # Threads of their own: a mail server that takes its time never keeps a change from somebody's address book.
    others = [
        threading.Thread(target=_keep_doing, args=each, daemon=True)
        for each in (
            (lambda: _send(database, senders), SENDING_INTERVAL, stop, "send what waits in the outbox"),
            (lambda: deletion.work(database), SENDING_INTERVAL, stop, "finish the leaving of somebody"),
            (lambda: disclosure_thinning.work(database), SENDING_INTERVAL, stop, "thin out what was disclosed"),
            (lambda: _tidy(database), TIDYING_INTERVAL, stop, "drop what expired"),
            (pusher.work, PUSH_INTERVAL, stop, "tell devices of changes"),
        )
    ]
    for other in others:
        other.start()
    carrier = _Carrier(database, alive)
    _keep_doing(carrier.carry, INTERVAL, stop, "finish a job")
    for other in others:
        other.join()
    pusher.stop()


def _keep_doing(work: Callable[[], object], interval: float, stop: threading.Event, what: str) -> None:
    """Do *work* again and again. Whatever went wrong, it is still in the database, and may be mended the next time."""
    told = ""
    while not stop.is_set():
        try:
            work()
            told = ""
        except DatabaseUnavailable as error:
            # It may take hours, and is no fault of the work's: one line says it.
            if str(error) != told:
                _tell(what, error)
            told = str(error)
            stop.wait(PAUSE_AFTER_ERROR)
            continue
        except Exception:
            logger.exception("The worker could not %s", what)
            stop.wait(PAUSE_AFTER_ERROR)
            continue
        stop.wait(interval)


def _tell(what: str, error: DatabaseUnavailable) -> None:
    logger.error("The worker could not %s: %s (%s)", what, error, error.reason)


class _Carrier:
    """Carries changes to address books, after the cards that an older version wrote are written anew."""

    def __init__(self, database: Database, alive: Callable[[], object]) -> None:
        """Work on *database*; *alive* is called each time."""
        self._database = database
        self._alive = alive
        self._is_renewed = False

    def carry(self) -> None:
        """Do what there is to do now."""
        self._alive()
        self._is_renewed = self._is_renewed or not renewing.work(self._database)
        reached = fan_out.work(self._database)
        if reached:
            logger.info("Reached %d address books", reached)


class _Pusher:
    """Tells devices of changes, where this server does so."""

    def __init__(self, database: Database) -> None:
        """Work on *database*."""
        self._database = database
        self._delivery: Delivery | None = None

    def work(self) -> None:
        """Tell what is news now."""
        if not self._database.settings.can_push:
            return
        if self._delivery is None:
            self._database.write(keys.ensure)
            self._delivery = Delivery(self._database, address_books.sync_token)
        self._delivery.work()

    def stop(self) -> None:
        """Tell nothing more."""
        if self._delivery is not None:
            self._delivery.stop()


def _send(database: Database, senders: dict[str, outbox.Sender]) -> None:
    errands.work(database, ERRANDS)
    outbox.work(database, senders)


def _tidy(database: Database) -> None:
    for purge in (one_time_tokens.purge, sessions.purge, rate_limits.purge, subscriptions.purge):
        database.write(purge)
    deletion.finish_all(database)


def _senders(database: Database) -> dict[str, outbox.Sender]:
    settings = database.settings.sending
    senders = {}
    if settings.can_send("email"):
        senders["email"] = mail.sender(settings)
    if settings.can_send("sms"):
        senders["sms"] = sms.sender(settings)
    return senders
