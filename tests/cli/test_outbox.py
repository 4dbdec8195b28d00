"""`evercard outbox`: an administrator sees what waits and what was given up, lists it, and puts it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.database.engine import Database
from sync.notify import outbox
from sync.notify.outbox import Letter, Undeliverable
from sync.settings import Sending, Settings
from tests.cli.conftest import Command

ASKED = {"name": "Anna Berg", "message": "We met in Kyoto.", "link": "https://cards.example.org/?token=s3cret"}


def refuse(_letter: Letter) -> None:
    """Be a mail server that wants nothing."""
    raise Undeliverable("the mail server refuses it (554)")


@pytest.fixture
def site(evercard: Command, database_url: str) -> Iterator[Database]:
    """The command's database, in which three messages were given up and one waits."""
    sending = Sending(smtp_host="127.0.0.1", mail_from="x@example.org")
    database = Database(database_url, Settings(base_url="https://cards.example.org", sending=sending))
    for number in range(3):
        post(database, f"bo{number}@example.org")
    outbox.work(database, {"email": refuse})
    post(database, "carl@example.org")
    yield database
    database.dispose()


def post(database: Database, to: str) -> None:
    database.write(lambda session: outbox.post(session, "email", to, "request", "en", **ASKED))


def test_the_status_counts_what_waits_and_what_was_given_up_by_its_reason(evercard: Command, site: Database) -> None:
    found = evercard.json("outbox", "status")
    assert found["waiting"]["outbox_messages"] == 1
    assert found["given_up"] == [
        {
            "source": "message",
            "kind": "request",
            "channel": "email",
            "reason": "the mail server refuses it (554)",
            "count": 3,
        }
    ]
    printed = evercard("outbox", "status")
    assert "outbox messages" in printed
    assert "3         request  email  the mail server refuses it (554)" in printed


def test_the_list_names_nobody(evercard: Command, site: Database) -> None:
    found = evercard.json("outbox", "list")
    assert [each["domain"] for each in found] == ["example.org"] * 3
    assert len(evercard.json("outbox", "list", "--most", "2")) == 2
    for printed in (evercard("outbox", "list"), evercard("outbox", "list", "--json"), evercard("outbox", "status")):
        for private in ("bo0", "carl", "Anna", "Kyoto", "s3cret"):
            assert private not in printed


def test_what_was_given_up_is_put_back_or_forgotten(evercard: Command, site: Database) -> None:
    one, two, _three = (each["id"] for each in evercard.json("outbox", "list"))
    assert evercard("outbox", "retry", one) == "Put back: 1 message or errand.\n"
    assert evercard("outbox", "drop", two) == "Forgotten: 1 message or errand.\n"
    assert evercard("outbox", "retry", "--all") == "Put back: 1 message or errand.\n"
    assert evercard("outbox", "retry", "--all") == "Put back: 0 messages and errands.\n"
    letters: list[Letter] = []
    assert outbox.work(site, {"email": letters.append}) == 3
    assert "Nothing was given up." in evercard("outbox", "status")


def test_what_is_meant_has_to_be_said(evercard: Command, site: Database) -> None:
    for words in ([], ["--all", "1"]):
        assert "--all" in evercard.error("outbox", "retry", *words)
    assert "outbox list" in evercard.error("outbox", "retry", "12345")
    assert "outbox list" in evercard.error("outbox", "drop", "nonsense")
