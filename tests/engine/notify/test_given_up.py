"""What was given up of messages and errands is kept, names nobody where it is listed, and can be put back."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select, update

from sync.database.engine import Database, Session
from sync.models import Errand, GivenUp, Message, now
from sync.notify import errands, given_up, outbox, suppression
from sync.notify.outbox import Letter, Undeliverable, Unreachable
from sync.settings import Sending, Settings
from tests.support.databases import opened

SITE = "https://cards.example.org"
ASKED = {"name": "Anna Berg", "message": "We met in Kyoto.", "link": f"{SITE}/.web/request?token=s3cret"}


class Sender:
    """A mail server that refuses until it is told to be content."""

    def __init__(self) -> None:
        """Refuse."""
        self.trouble: Exception | None = Undeliverable("the mail server refuses it (554)")
        self.letters: list[Letter] = []

    def __call__(self, letter: Letter) -> None:
        """Take a message, or be in trouble."""
        if self.trouble is not None:
            raise self.trouble
        self.letters.append(letter)


@pytest.fixture
def site(database_url: str) -> Iterator[Database]:
    """A database of a server that sends."""
    sending = Sending(smtp_host="127.0.0.1", mail_from="x@example.org", sms_url="https://sms.example.org")
    with opened(database_url, Settings(base_url=SITE, sending=sending)) as database:
        yield database


def post(site: Database, to: str = "bo@example.org", channel: str = "email") -> None:
    assert site.write(lambda session: outbox.post(session, channel, to, "request", "en", **ASKED))


def listed(site: Database) -> list[given_up.Listed]:
    with site.reading() as session:
        return given_up.listed(session, 100)


def count(site: Database, model: type[Message | Errand | GivenUp]) -> int:
    with site.reading() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def test_what_is_refused_is_kept_and_sent_once_it_was_put_back(site: Database) -> None:
    sender = Sender()
    post(site)
    assert outbox.work(site, {"email": sender}) == 0
    (kept,) = listed(site)
    assert (kept.source, kept.kind, kept.channel, kept.attempts) == ("message", "request", "email", 1)
    assert kept.reason == "the mail server refuses it (554)"
    assert count(site, Message) == 0
    sender.trouble = None
    assert outbox.work(site, {"email": sender}) == 0
    assert site.write(lambda session: given_up.put_back(session, [kept.id])) == 1
    assert (outbox.work(site, {"email": sender}), outbox.work(site, {"email": sender})) == (1, 0)
    (letter,) = sender.letters
    assert (letter.id, letter.recipient) == (kept.id, "bo@example.org")
    assert "We met in Kyoto." in letter.text.body
    assert listed(site) == []


def test_what_is_put_back_is_tried_for_as_long_as_what_is_new(site: Database) -> None:
    sender = Sender()
    sender.trouble = Unreachable("the mail server takes it later (451)")
    post(site)
    long_ago = update(Message).values(created_at=now() - outbox.PATIENCE, attempts=9)
    site.write(lambda session: session.execute(long_ago))
    outbox.work(site, {"email": sender})
    (kept,) = listed(site)
    assert kept.reason == "the mail server takes it later (451), for a day"
    site.write(given_up.put_back)
    outbox.work(site, {"email": sender})
    assert (count(site, Message), listed(site)) == (1, [])


def test_the_list_names_nobody(site: Database) -> None:
    post(site)
    post(site, "+8613800138000", "sms")
    outbox.work(site, {"email": Sender(), "sms": Sender()})
    found = listed(site)
    assert sorted(each.domain for each in found) == ["", "example.org"]
    told = repr([dataclasses.asdict(each) for each in found])
    for private in ("bo@", "13800138000", "Anna", "Kyoto", "s3cret"):
        assert private not in told
    with site.reading() as session:
        counts = given_up.counts(session)
    assert counts["message", "request", "sms", "the mail server refuses it (554)"] == 1


def test_an_errand_is_kept_and_done_once_it_was_put_back(site: Database, caplog: pytest.LogCaptureFixture) -> None:
    done: list[Mapping[str, Any]] = []

    def fail(_session: Session, _values: Mapping[str, Any]) -> None:
        raise RuntimeError

    site.write(lambda session: errands.post(session, "call", address="bo@example.org"))
    site.write(lambda session: session.execute(update(Errand).values(created_at=now() - errands.PATIENCE)))
    with caplog.at_level(logging.CRITICAL, "evercard"):
        assert errands.work(site, {"call": fail}) == 0
    (kept,) = listed(site)
    assert (kept.source, kept.kind, kept.domain) == ("errand", "call", "")
    assert kept.reason == "it cannot be done (RuntimeError)"
    assert count(site, Errand) == 0
    site.write(given_up.put_back)
    assert errands.work(site, {"call": lambda _session, values: done.append(values)}) == 1
    assert done == [{"address": "bo@example.org"}]
    assert listed(site) == []


def test_whoever_wants_no_more_messages_by_then_gets_none(site: Database) -> None:
    """Neither what waits in the outbox nor what is put back goes to an address whose owner has said so since."""
    sender = Sender()
    post(site)
    outbox.work(site, {"email": sender})
    post(site)
    token = site.write(lambda session: suppression.token_for(session, "email", "bo@example.org"))
    site.write(lambda session: suppression.suppress(session, token))
    site.write(given_up.put_back)
    sender.trouble = None
    assert outbox.work(site, {"email": sender}) == 0
    assert sender.letters == []
    assert (count(site, Message), listed(site)) == (0, [])


def test_only_what_is_named_is_put_back_or_dropped(site: Database) -> None:
    for number in range(4):
        post(site, f"{number}@example.org")
    outbox.work(site, {"email": Sender()})
    one, two, three, four = (each.id for each in listed(site))
    assert site.write(lambda session: given_up.put_back(session, [one, 12345])) == 1
    assert site.write(lambda session: given_up.drop(session, [two])) == 1
    assert site.write(lambda session: given_up.drop(session, [two])) == 0
    assert {each.id for each in listed(site)} == {three, four}
    assert site.write(given_up.drop) == 2
    assert (count(site, Message), listed(site)) == (1, [])


def test_what_is_old_is_forgotten(site: Database) -> None:
    for number in range(2):
        post(site, f"{number}@example.org")
    outbox.work(site, {"email": Sender()})
    old = listed(site)[0].id
    ages = update(GivenUp).where(GivenUp.id == old).values(failed_at=now() - given_up.KEPT - 1)
    site.write(lambda session: session.execute(ages))
    assert site.write(given_up.purge) == 1
    assert old not in [each.id for each in listed(site)]
    assert count(site, GivenUp) == 1


def test_a_worker_that_was_too_slow_gives_nothing_up_that_another_has_sent(site: Database) -> None:
    """The one loses patience with the mail server after the other took the message over, and sent it."""
    post(site)
    quick = Sender()
    quick.trouble = None

    def slow(_letter: Letter) -> None:
        site.write(lambda session: session.execute(update(Message).values(due_at=now())))
        assert outbox.work(site, {"email": quick}) == 1
        raise Undeliverable("the mail server refuses it (554)")

    assert outbox.work(site, {"email": slow}) == 0
    assert (len(quick.letters), listed(site)) == (1, [])


def test_nothing_more_is_begun_once_the_worker_is_to_end(site: Database) -> None:
    for number in range(3):
        post(site, f"{number}@example.org")
    sender = Sender()
    sender.trouble = None
    assert outbox.work(site, {"email": sender}, is_over=lambda: bool(sender.letters)) == 1
    assert count(site, Message) == 2
