"""The worker: whatever committed changes still owe, done in the background until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time

from sync.accounts import deletion, one_time_tokens, password_reset, rate_limits, sessions
from sync.database.engine import Database
from sync.meeting import invitations, request_messages
from sync.notify import errands, mail, outbox, sms
from sync.profiles import renewing
from sync.revisions import fan_out

logger = logging.getLogger("evercard.worker")

#: Seconds between two looks at an empty outbox.
INTERVAL = 0.5
#: Seconds between two looks for messages, and between two times that what expired is dropped.
SENDING_INTERVAL = 1.0
TIDYING_INTERVAL = 3600.0
#: Seconds to wait after something went wrong.
PAUSE_AFTER_ERROR = 5.0
#: What is done that requests left, by the kind of errand.
ERRANDS: dict[str, errands.Doer] = {
    password_reset.RESET: password_reset.send,
    invitations.INVITATION: invitations.send,
    request_messages.REQUEST: request_messages.send,
}


def run(database: Database, stop: threading.Event) -> None:
    """
    Work until *stop* is set. Several workers may run; what fails is tried again when its lease is over.

    Raises:
        InvalidInput: The settings name a gateway for text messages that may not be called.
    """
    senders = _senders(database)
    letters = threading.Thread(target=_keep_sending, args=(database, senders, stop), daemon=True)
    letters.start()
    renewed = False
    while not stop.is_set():
        try:
            renewed = renewed or not renewing.work(database)
            reached = fan_out.work(database)
        except Exception:
            # Whatever it was, the jobs are still in the database, and the next look may find it mended.
            logger.exception("The worker could not finish a job")
            stop.wait(PAUSE_AFTER_ERROR)
            continue
        if reached:
            logger.info("Reached %d address books", reached)
        stop.wait(INTERVAL)
    letters.join()


def _keep_sending(database: Database, senders: dict[str, outbox.Sender], stop: threading.Event) -> None:
    # A thread of its own: a mail server that takes its time never keeps a change from somebody's address book.
    tidied = 0.0
    while not stop.is_set():
        try:
            errands.work(database, ERRANDS)
            outbox.work(database, senders)
            if time.monotonic() - tidied > TIDYING_INTERVAL or not tidied:
                for purge in (one_time_tokens.purge, sessions.purge, rate_limits.purge):
                    database.write(purge)
                deletion.finish_all(database)
                tidied = time.monotonic()
        except Exception:
            logger.exception("The worker could not send what waits in the outbox")
            stop.wait(PAUSE_AFTER_ERROR)
            continue
        stop.wait(SENDING_INTERVAL)


def _senders(database: Database) -> dict[str, outbox.Sender]:
    settings = database.settings.sending
    senders = {}
    if settings.can_send("email"):
        senders["email"] = mail.sender(settings)
    if settings.can_send("sms"):
        senders["sms"] = sms.sender(settings)
    return senders
