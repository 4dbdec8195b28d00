"""`evercard outbox`: an administrator sees what waits and what was given up, lists it, and puts it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from radicale_plugin.web import administrators
from sync import faults, jobs, verification
from sync.database import accounts
from sync.database.engine import Database
from sync.household import following
from sync.models import now
from sync.notify import outbox
from sync.notify.outbox import Letter, Undeliverable
from sync.revisions.shared_fields import HOUSEHOLD
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


def test_what_fails_is_listed_without_a_word_of_the_error_and_tried_now(evercard: Command, site: Database) -> None:
    evercard("user", "add", "anna")
    with site.reading() as session:
        anna = accounts.find(session, "anna")
    assert evercard.json("outbox", "failing") == []

    def fail(*_: object) -> object:
        raise ValueError("+49 555 0199 0199")

    site.write(lambda session: jobs.ask(session, HOUSEHOLD, anna, now()))
    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(following, "settle", fail)
        with pytest.raises(ValueError, match="0199"):
            following.work(site)
    (found,) = evercard.json("outbox", "failing")
    assert (found["kind"], found["login"], found["organisation"], found["times"]) == (HOUSEHOLD, "anna", None, 1)
    assert found["reason"].startswith("ValueError (sync.reach, line ")
    assert found["failing_since"] == found["failed_at"] < found["next_at"]
    printed = evercard("outbox", "failing")
    assert "let those follow who carry a field" in printed
    assert "+49 555" not in printed
    assert "could not do 1 of what it tried" in evercard.run("check").stdout
    assert following.work(site) == 0
    assert evercard("outbox", "now", found["id"]) == "Tried now: 1 job.\n"
    assert following.work(site) == 1
    assert evercard.json("outbox", "failing") == []
    assert evercard("outbox", "now", "--all") == "Tried now: 0 jobs.\n"
    assert "outbox failing" in evercard.error("outbox", "now", found["id"])
    assert "outbox failing" in evercard.error("outbox", "now", "nonsense")


def test_every_kind_of_fault_has_words() -> None:
    kinds = {*verification.JOBS, *faults.OTHERS}
    assert kinds == faults.WORDS.keys() == administrators.COULD_NOT.keys()


def test_what_is_meant_has_to_be_said(evercard: Command, site: Database) -> None:
    for words in ([], ["--all", "1"]):
        assert "--all" in evercard.error("outbox", "retry", *words)
    assert "outbox list" in evercard.error("outbox", "retry", "12345")
    assert "outbox list" in evercard.error("outbox", "drop", "nonsense")
