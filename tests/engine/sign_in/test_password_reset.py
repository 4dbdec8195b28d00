"""A new password by e-mail: a link to an address that was proved, once, and nothing for who only asks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from sync.accounts import addresses, registration
from sync.accounts.rate_limits import Limit
from sync.database.engine import Database
from sync.errors import InvalidInput, InvalidOneTimeToken, TooManyTries
from sync.models import Message, OneTimeToken
from sync.settings import Sending, Settings
from sync.sign_in import credentials, password_reset, sessions, signing_in
from tests.support import factories
from tests.support.databases import opened
from tests.support.meeting import do_errands, messages

OLD, NEW = "correct horse battery", "another password"
HERE = "192.0.2.1"
SENDING = Settings(base_url="https://cards.example", sending=Sending(smtp_host="mail.example", mail_from="a@b.example"))


@pytest.fixture
def mailing(database_url: str) -> Iterator[Database]:
    """Yield the database of a server that sends e-mail."""
    with opened(database_url, SENDING) as database:
        yield database


@pytest.fixture
def anna(mailing: Database) -> int:
    """Return somebody who proved two addresses."""
    account_id = factories.person(mailing, "anna")
    mailing.write(lambda session: credentials.set_password(session, account_id, OLD))
    for value in ("anna@example.org", "anna@work.example"):
        mailing.write(lambda session, value=value: addresses.add(session, account_id, addresses.EMAIL, value))  # type: ignore[misc]
    return account_id


def ask(database: Database, name: str, source: str = HERE) -> dict[str, str]:
    """Ask for a link and return the messages' tokens by recipient."""
    password_reset.ask(database, name, source=source, language="en")
    do_errands(database)
    with database.reading() as session:
        rows = session.execute(select(Message.recipient, Message.values).order_by(Message.created_at)).all()
    return {to: parse_qs(urlsplit(json.loads(values)["link"]).query)["token"][0] for to, values in rows}


def sign_in(database: Database, password: str) -> str:
    return signing_in.sign_in(database, "anna", password, source=HERE, browser="")


def test_a_link_goes_to_every_address_of_a_login(mailing: Database, anna: int) -> None:
    assert set(ask(mailing, " Anna ")) == {"anna@example.org", "anna@work.example"}


def test_a_link_goes_to_the_address_that_was_typed_alone(mailing: Database, anna: int) -> None:
    assert set(ask(mailing, "ANNA@work.example")) == {"anna@work.example"}


def test_the_link_lets_choose_a_password_once_and_ends_every_visit(mailing: Database, anna: int) -> None:
    visit = sign_in(mailing, OLD)
    token = ask(mailing, "anna@example.org")["anna@example.org"]
    mailing.write(lambda session: password_reset.require_open(session, token))
    inside = password_reset.reset(mailing, token, NEW, browser="Firefox")
    with mailing.reading() as session:
        assert sessions.find(session, visit) is None
        found = sessions.find(session, inside)
    assert found is not None
    assert found.account_id == anna
    assert sign_in(mailing, NEW)
    with pytest.raises(InvalidOneTimeToken):
        password_reset.reset(mailing, token, "yet another password", browser="")
    with pytest.raises(InvalidOneTimeToken):
        mailing.write(lambda session: password_reset.require_open(session, token))


def test_a_password_that_cannot_be_leaves_the_link_good(mailing: Database, anna: int) -> None:
    token = ask(mailing, "anna")["anna@example.org"]
    with pytest.raises(InvalidInput):
        password_reset.reset(mailing, token, "short", browser="")
    assert password_reset.reset(mailing, token, NEW, browser="")


@pytest.mark.parametrize("token", ["", "x", "x.y", "é"])
def test_a_made_up_link_opens_nothing(mailing: Database, anna: int, token: str) -> None:
    with pytest.raises(InvalidOneTimeToken):
        password_reset.reset(mailing, token, NEW, browser="")


def test_a_link_for_something_else_opens_nothing(mailing: Database, anna: int) -> None:
    addresses.verify_start(mailing, anna, addresses.EMAIL, "new@example.org", source=HERE)
    with mailing.reading() as session:
        values = json.loads(session.scalars(select(Message.values)).one())
    token = parse_qs(urlsplit(values["link"]).query)["token"][0]
    with pytest.raises(InvalidOneTimeToken):
        password_reset.reset(mailing, token, NEW, browser="")


def test_a_link_ends_by_itself(mailing: Database, anna: int) -> None:
    token = ask(mailing, "anna")["anna@example.org"]
    mailing.write(lambda session: session.execute(update(OneTimeToken).values(expires_at=OneTimeToken.created_at)))
    with pytest.raises(InvalidOneTimeToken):
        password_reset.reset(mailing, token, NEW, browser="")


def test_who_cannot_be_helped_is_told_nothing(mailing: Database, anna: int) -> None:
    """Nobody has the name; or somebody without an address, whose account is closed or who never proved it."""
    ben = factories.person(mailing, "ben")
    cleo = factories.person(mailing, "cleo")
    mailing.write(lambda session: addresses.add(session, cleo, addresses.EMAIL, "cleo@example.org"))
    mailing.write(lambda session: registration.set_disabled(session, cleo, disabled=True))
    assert ben
    for name in (
        "nobody",
        "nobody@example.org",
        "ben",
        "cleo@example.org",
        "cleo",
        "",
        "@",
        "\0",
        "\udc00",
        "x" * 9999,
    ):
        assert ask(mailing, name) == {}, name


def test_asking_is_limited_whoever_has_the_name(mailing: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_reset, "NAME", Limit("reset", 1, 3600))
    for name in ("anna", "nobody"):
        ask(mailing, name)
        with pytest.raises(TooManyTries):
            ask(mailing, name)


def test_a_server_without_e_mail_says_so(database: Database, mailing: Database) -> None:
    with database.reading() as session, mailing.reading() as other:
        assert not password_reset.is_possible(session)
        assert password_reset.is_possible(other)


def test_no_tries_from_elsewhere_lock_the_owner_out(mailing: Database, anna: int) -> None:
    """As often as somebody asks from one place, by whatever name: there is as much left for who asks from another."""
    for name in ("anna", "anna@example.org", "anna@work.example", "ａｎｎａ") * 5:
        with contextlib.suppress(TooManyTries):
            ask(mailing, name, "198.51.100.1")
    sent = messages(mailing)
    assert 0 < len(sent) <= 2 * password_reset.PERSON_OF_SOURCE.tries
    ask(mailing, "anna@work.example")
    assert len(messages(mailing)) == len(sent) + 1


def test_who_gets_no_link_any_more_has_one_that_works() -> None:
    """One comes back in the lifetime of a link, however many places somebody asks from."""
    assert password_reset.PERSON.step <= 1000 * password_reset.LIFETIME


@pytest.mark.parametrize("spelling", ["ANNA", "ａnna", "an\u00adna", "anna@cards.example"])
def test_every_spelling_of_a_login_is_counted_as_one(mailing: Database, anna: int, spelling: str) -> None:
    if "@" not in spelling:
        for _ in range(password_reset.NAME.tries):
            password_reset.ask(mailing, "anna", source=HERE, language="en")
        with pytest.raises(TooManyTries):
            password_reset.ask(mailing, spelling, source=HERE, language="en")
    assert set(ask(mailing, spelling, "198.51.100.1")) == {"anna@example.org", "anna@work.example"}
