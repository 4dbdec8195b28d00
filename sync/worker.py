"""
The worker: whatever committed changes still owe, done in the background until it is told to stop.

Any number of workers may run, in one process beside the server or in many on other machines: what there is to do is
claimed for a while, so that each thing is done by one of them, and by another where that one died. They look again and
again, and at once where the database tells them that there is something.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sync import faults
from sync.accounts import acts, one_time_tokens, pushes, rate_limits
from sync.contacts import duplicates
from sync.database.distribution import Looks
from sync.database.engine import Database
from sync.digests import rounds
from sync.disclosure import disclosure_thinning
from sync.ends import asking, carrying
from sync.errors import DatabaseUnavailable
from sync.household import following
from sync.lists import told_states
from sync.meeting import invitations, mass_invitations, request_messages
from sync.models import BUCKETS
from sync.notify import errands, given_up, mail, outbox, sms
from sync.notify.composing import Composer
from sync.openid import arriving
from sync.openid.provider import Provider
from sync.organisations import members, roster_tombstones
from sync.profiles import renewing, taking_apart
from sync.push import breakers, keys, subscriptions
from sync.push.delivery import Delivery
from sync.push.messages import Wording
from sync.queries import card_news
from sync.reach import Round
from sync.revisions import fan_out, roster_news
from sync.shared_books import books, telling
from sync.sign_in import deletion, password_reset, sessions

logger = logging.getLogger("evercard.worker")

#: How devices and browsers are told.
WORDING = Wording(told_states.token_of, card_news.notice)

#: Seconds between two looks at an empty outbox.
INTERVAL = 0.5
#: Seconds between two looks for messages, between two for news that devices are told of, and between two times that
#: what expired is dropped and what was begun ended.
SENDING_INTERVAL = 1.0
PUSH_INTERVAL = 0.25
TIDYING_INTERVAL = 3600.0
#: And between two times that an organisation is asked who is still there.
LOOKING_INTERVAL = 60.0
#: Seconds between two looks for digests that are due.
DIGEST_INTERVAL = 60.0
#: Seconds between two looks for what is over, and between two for whom to ask whether something shall end.
ENDS_INTERVAL = 1.0
ASKING_INTERVAL = 60.0
#: Seconds between two looks at least, however often it is told that there is something.
BREATH = 0.02
#: Seconds to wait after something went wrong.
PAUSE_AFTER_ERROR = 5.0
#: And where the next look may be at another machine.
PAUSE_BEFORE_OTHERS = 1.0
#: What is done that requests left, by the kind of errand.
ERRANDS: dict[str, errands.Doer] = {
    password_reset.RESET: password_reset.send,
    invitations.INVITATION: invitations.send,
    mass_invitations.CARRY_ON: mass_invitations.carry_on,
    request_messages.REQUEST: request_messages.send,
}
#: What is put together when it is sent, by the template of the message.
COMPOSERS: dict[str, Composer] = {rounds.TEMPLATE: rounds.compose}


def run(database: Database, stop: threading.Event, alive: Callable[[], object] = lambda: None) -> None:
    """
    Work until *stop* is set. Several workers may run; what fails is tried again when its lease is over.

    *alive* is called again and again as long as the work goes on.

    Raises:
        InvalidInput: The settings name a gateway for text messages that may not be called.
    """
    senders, pusher, carrier = _senders(database), _Pusher(database), _Carrier(database, alive)
    # What is still waiting is sent by whoever works next, and nothing is sent twice because somebody lost patience.
    send = partial(outbox.work, database, senders, COMPOSERS, is_over=stop.is_set)
    run_errands = partial(errands.work, database, ERRANDS)
    follow, thin_out = partial(following.work, database), partial(disclosure_thinning.work, database)
    # Threads of their own: a mail server that takes its time never keeps a change from somebody's address book.
    others = [
        _in_parts(
            database, run_errands, SENDING_INTERVAL, faults.WORDS[faults.ERRANDS], range(BUCKETS), faults.ERRANDS
        ),
        _in_parts(database, send, SENDING_INTERVAL, faults.WORDS[faults.SENDING], range(BUCKETS), faults.SENDING),
        _whole(database, pusher.work, PUSH_INTERVAL, faults.PUSH),
        _in_parts(database, follow, INTERVAL, "let those follow who carry a field of somebody's"),
        _Task(lambda: deletion.work(database), SENDING_INTERVAL, "finish the leaving of somebody"),
        _in_parts(database, partial(carrying.work, database), ENDS_INTERVAL, "take back what is over"),
        _Task(lambda: asking.work(database), ASKING_INTERVAL, "ask whether something shall end"),
        _whole(database, lambda: rounds.work(database), DIGEST_INTERVAL, faults.DIGESTS),
        _whole(database, _looking(database), LOOKING_INTERVAL, faults.PROVIDER),
        _whole(database, _looking_through(database), LOOKING_INTERVAL, faults.DIRECTORY),
        _in_parts(database, thin_out, SENDING_INTERVAL, "thin out what was disclosed"),
        _whole(database, lambda: members.tidy(database), SENDING_INTERVAL, faults.MEMBERS),
        _whole(database, lambda: _tidy(database), TIDYING_INTERVAL, faults.TIDYING),
        _whole(database, lambda: books.tidy(database), SENDING_INTERVAL, faults.BOOKS),
    ]
    mine = _in_parts(database, carrier.carry, INTERVAL, "finish a job")
    hinted = [mine, *others[:4]]
    threads = [threading.Thread(target=task.keep_doing, args=(stop,), daemon=True) for task in others]
    # Behind a pooler, whoever listens would hear what others are told, and not what it waits for.
    if database.bell is not None and not database.settings.pooler:
        looks = [pusher.looks, *(task.looks for task in hinted if task.looks is not None)]
        listening = (lambda: _hint(looks, hinted), stop.is_set)
        threads.append(threading.Thread(target=database.bell.listen, args=listening, daemon=True))
    for thread in threads:
        thread.start()
    mine.keep_doing(stop)
    _wake(others)
    for thread in threads:
        thread.join()
    pusher.stop()


class _Noted:
    """Notes whether something of a *kind* that is done for all at once could be done the last time."""

    def __init__(self, database: Database, kind: str) -> None:
        """Nothing is known; a process before this one may have failed."""
        self._database, self._kind = database, kind
        self._is_well = False

    def well(self) -> None:
        """Note that it could."""
        if not self._is_well:
            faults.mended(self._database, self._kind, (faults.ALL,))
            self._is_well = True

    def failed(self, error: Exception) -> None:
        """Note that it could not."""
        faults.note(self._database, self._kind, faults.ALL, error)
        self._is_well = False


@dataclass(frozen=True, slots=True)
class _Task:
    """
    Something that is done again and again: every *interval* seconds, or sooner where it is woken.

    *looks* says into which buckets, where it goes by these. *noted* is told whether it could be done, unless it
    is noted of whom it could not be done.
    """

    work: Callable[[], object]
    interval: float
    what: str
    looks: Looks | None = None
    woken: threading.Event = field(default_factory=threading.Event)
    noted: _Noted | None = None

    def keep_doing(self, stop: threading.Event) -> None:
        """Do it until *stop*. Whatever went wrong, it is still in the database, and may be mended the next time."""
        told, well = "", 0
        while not stop.is_set():
            self.woken.clear()
            try:
                self.work()
                if self.noted is not None:
                    self.noted.well()
                well += 1
                # Of several machines, the others may be well in between.
                if told and (self.looks is None or well >= self.looks.turns):
                    told = ""
            except DatabaseUnavailable as error:
                # It may take hours, and is no fault of the work's: one line says it.
                if str(error) != told:
                    _tell(self.what, error)
                told, well = str(error), 0
                is_elsewhere = self.looks is not None and self.looks.failed()
                stop.wait(PAUSE_BEFORE_OTHERS if is_elsewhere else PAUSE_AFTER_ERROR)
                continue
            except Exception as error:
                logger.exception("The worker could not %s", self.what)
                if self.noted is not None:
                    self.noted.failed(error)
                stop.wait(PAUSE_AFTER_ERROR)
                continue
            if self.woken.wait(self.interval):
                stop.wait(BREATH)


def _wake(tasks: list[_Task]) -> None:
    for task in tasks:
        task.woken.set()


def _hint(looks: Iterable[Looks], tasks: list[_Task]) -> None:
    for each in looks:
        each.hint()
    _wake(tasks)


def _tell(what: str, error: DatabaseUnavailable) -> None:
    logger.error("The worker could not %s: %s (%s)", what, error, error.reason)


class _Carrier:
    """Carries changes to address books, after the cards that an older version wrote are written anew."""

    def __init__(self, database: Database, alive: Callable[[], object]) -> None:
        """Work on *database*; *alive* is called each time."""
        self._database = database
        self._alive = alive
        self._is_renewed = False

    def carry(self, *, buckets: Sequence[int]) -> None:
        """
        Do what there is to do now in *buckets*.

        Raises:
            DatabaseUnavailable: Something could not be done; whatever else is on other machines was.
        """
        self._alive()
        round_ = Round(self._database)
        jobs: tuple[Callable[[], object], ...] = (
            self._renew,
            *(partial(job.work, self._database, buckets=buckets) for job in (roster_news, telling)),
            partial(self._reach, buckets),
        )
        round_.each(jobs, lambda job: job())
        round_.end()

    def _renew(self) -> None:
        self._is_renewed = self._is_renewed or not renewing.work(self._database)

    def _reach(self, buckets: Sequence[int]) -> None:
        reached = fan_out.work(self._database, buckets=buckets)
        if reached:
            logger.info("Reached %d address books", reached)


class _Pusher:
    """Tells devices of changes, where this server does so."""

    def __init__(self, database: Database) -> None:
        """Work on *database*."""
        self._database = database
        self._delivery: Delivery | None = None
        self.looks = _looks(database)

    def work(self) -> None:
        """Tell what is news now."""
        if not self._database.settings.can_push or not self.looks.is_time():
            return
        if self._delivery is None:
            self._database.write(keys.ensure)
            self._delivery = Delivery(self._database, WORDING, pushes.afford)
        self._delivery.work()

    def stop(self) -> None:
        """Tell nothing more."""
        if self._delivery is not None:
            self._delivery.stop()


def _looks(database: Database, all_buckets: Sequence[int] | None = None) -> Looks:
    def every() -> Sequence[int]:
        return database.buckets.numbers if all_buckets is None else all_buckets

    return Looks(every, lambda: database.is_distributed)


def _whole(database: Database, work: Callable[[], object], interval: float, kind: str) -> _Task:
    """Return what does *work* for all at once, of which it is noted whether it fails."""
    return _Task(work, interval, faults.WORDS[kind], noted=_Noted(database, kind))


def _in_parts(
    database: Database,
    work: Callable[..., object],
    interval: float,
    what: str,
    all_buckets: Sequence[int] | None = None,
    kind: str | None = None,
) -> _Task:
    """Return what does *work* on the buckets whose turn it is: of *all_buckets*, by default those of jobs."""
    looks = _looks(database, all_buckets)
    noted = _Noted(database, kind) if kind is not None else None
    return _Task(lambda: work(buckets=looks.next()), interval, what, looks, noted=noted)


def _tidy(database: Database) -> None:
    for purge in (
        one_time_tokens.purge,
        sessions.purge,
        rate_limits.purge,
        subscriptions.purge,
        breakers.purge,
        acts.purge,
        given_up.purge,
        faults.purge,
        duplicates.purge,
    ):
        database.write(purge)
    roster_tombstones.let_go(database)
    deletion.finish_all(database)
    taking_apart.work(database)


def _looking(database: Database) -> Callable[[], object]:
    """Return what looks whether those who sign in by an organisation are still there; where there is none, it rests."""
    settings = database.settings
    if not settings.organisation.is_known:
        return lambda: None
    provider = Provider(settings.organisation, "")
    return lambda: arriving.look(database, provider)


def _looking_through(database: Database) -> Callable[[], object]:
    """Return what looks through the organisation's directory; where there is none, it rests."""
    if not database.settings.ldap.is_known:
        return lambda: None
    from sync.ldap import looking
    from sync.ldap.client import Client

    client = Client(database.settings.ldap)
    return lambda: looking.work(database, client)


def _senders(database: Database) -> dict[str, outbox.Sender]:
    settings = database.settings.sending
    senders = {}
    if settings.can_send("email"):
        senders["email"] = mail.sender(settings)
    if settings.can_send("sms"):
        senders["sms"] = sms.sender(settings)
    return senders
