"""Administrators: what they can do with accounts, what they cannot, and that it is written down."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from sync.accounts import acts, addresses, one_time_tokens
from sync.accounts.addresses import EMAIL
from sync.calendars import feeds
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.errors import AlreadyExists, InvalidInput, InvalidOneTimeToken, NotFound, Refused
from sync.models import Account, AdministratorAct, now
from sync.settings import Sending, Settings
from sync.sign_in import administrators, credentials, deletion, people_list, sessions
from sync.sign_in.credentials import Gate
from tests.support.factories import connected, contents, person, put, vcard
from tests.support.meeting import messages
from tests.support.people import Person, register
from tests.support.statements import sent

MAILING = Settings(base_url="https://cards.example", sending=Sending(smtp_host="mail", mail_from="cards@example.org"))
PASSWORD = "correct horse battery"


@pytest.fixture
def anna(database: Database) -> Person:
    """Anna, who has a device and a password."""
    anna = register(database, "anna")
    database.write(lambda session: credentials.set_password(session, anna.id, PASSWORD))
    return anna


@pytest.fixture
def root(database: Database) -> int:
    """Somebody who is an administrator."""
    account_id = person(database, "root")
    database.write(lambda session: administrators.appoint(session, account_id))
    return account_id


def done(database: Database, account_id: int) -> list[tuple[str, str]]:
    """Return what was done with an account and by whom, the last first."""
    with database.reading() as session:
        return [(act.actor, act.what) for act in acts.about(session, account_id).acts]


def close(database: Database, account_id: int, by: int, *, disabled: bool) -> None:
    """Close an account, or open it."""
    act = administrators.disable if disabled else administrators.enable
    database.write(lambda session: act(session, account_id, by))


def here(database: Database, account_id: int) -> None:
    """Let a browser in."""
    database.write(lambda session: sessions.start(session, account_id, "Firefox"))


def test_who_is_shut_out_gets_in_nowhere_and_is_let_in_again_as_before(
    database: Database, anna: Person, root: int
) -> None:
    gate = Gate(database)
    inside = database.write(lambda session: sessions.start(session, anna.id, "Firefox"))
    link = database.write(lambda session: one_time_tokens.issue(session, "reset", anna.id, {}, lifetime=60))
    code = database.write(
        lambda session: one_time_tokens.issue(session, "request", anna.id, {"other_id": 1}, lifetime=60)
    )
    _, secret = database.write(lambda session: feeds.create(session, anna.id, "phone", "en", with_private=False))

    def doors() -> list[bool]:
        with database.reading() as session:
            return [
                gate.admit(anna.login, anna.password) is not None,
                sessions.find(session, inside) is not None,
                credentials.check_password(session, anna.login, PASSWORD) is not None,
                *(is_good(database, purpose, token) for purpose, token in (("reset", link), ("request", code))),
                feeds.opened(database, secret) is not None,
            ]

    assert doors() == [True] * 6
    database.write(lambda session: administrators.disable(session, anna.id, root))
    assert doors() == [False] * 6
    with pytest.raises(NotFound):
        database.write(lambda session: sessions.start(session, anna.id, "Firefox"))
    database.write(lambda session: administrators.enable(session, anna.id, root))
    assert doors() == [True] * 6


def is_good(database: Database, purpose: str, token: str) -> bool:
    try:
        database.write(lambda session: one_time_tokens.peek(session, purpose, token))
    except InvalidOneTimeToken:
        return False
    return True


def test_what_others_hold_of_who_is_shut_out_stays(database: Database, root: int) -> None:
    anna, bo = connected(database, "anna", "bo")
    before = contents(database, bo)
    database.write(lambda session: administrators.disable(session, anna, root))
    assert contents(database, bo) == before


def test_every_act_is_a_row_of_its_own_and_nothing_done_is_none(database: Database, anna: Person, root: int) -> None:
    for disabled in (True, True, False, False):
        close(database, anna.id, root, disabled=disabled)
    database.write(lambda session: administrators.disable(session, anna.id))
    assert done(database, anna.id) == [
        (acts.COMMAND_LINE, acts.DISABLE),
        ("root", acts.ENABLE),
        ("root", acts.DISABLE),
    ]


@pytest.mark.parametrize("state", ["ordinary", "dismissed", "disabled"])
def test_who_is_no_administrator_can_do_nothing(database: Database, anna: Person, root: int, state: str) -> None:
    """Not even by a request that was under way when they were dismissed or shut out."""
    by = {"ordinary": person(database, "bo")}.get(state, root)
    if state == "dismissed":
        database.write(lambda session: administrators.dismiss(session, root))
    if state == "disabled":
        database.write(lambda session: administrators.disable(session, root))
    tries = (
        lambda session: administrators.disable(session, anna.id, by),
        lambda session: administrators.enable(session, anna.id, by),
        lambda session: administrators.send_reset(session, anna.id, by, "en"),
        lambda session: administrators.invite(session, by, "carl", "carl@example.org", "en"),
    )
    for attempt in tries:
        with pytest.raises(NotFound):
            database.write(attempt)
    with pytest.raises(NotFound):
        administrators.delete(database, anna.id, typed="anna", by=by)
    assert done(database, anna.id) == []


def test_an_administrator_does_nothing_to_another(database: Database, root: int) -> None:
    other = person(database, "other")
    database.write(lambda session: administrators.appoint(session, other))
    for disabled in (True, False):
        with pytest.raises(Refused, match="command line only"):
            close(database, other, root, disabled=disabled)
    with pytest.raises(Refused, match="command line only"):
        administrators.delete(database, other, typed="other", by=root)
    assert done(database, other) == [(acts.COMMAND_LINE, acts.APPOINT)]


def test_who_is_leaving_is_not_opened_again(database: Database, anna: Person) -> None:
    database.write(lambda session: deletion._begin(session, anna.id))
    with pytest.raises(NotFound):
        database.write(lambda session: administrators.enable(session, anna.id))
    assert Gate(database).admit(anna.login, anna.password) is None


def test_a_deletion_is_written_down_for_a_while_and_then_forgotten(database: Database, anna: Person, root: int) -> None:
    with pytest.raises(InvalidInput, match="not the login"):
        administrators.delete(database, anna.id, typed="ann", by=root)
    administrators.delete(database, anna.id, typed=" Anna", by=root)
    with database.reading() as session, pytest.raises(NotFound):
        accounts.find(session, "anna")
    with database.reading() as session:
        (act,) = (each for each in acts.everything(session).acts if each.owner_id == anna.id)
    assert (act.login, act.actor, act.what) == ("anna", "root", acts.DELETE)
    assert abs(act.expires_at - now() - acts.KEPT_AFTER_DELETION) < 60
    assert database.write(acts.purge) == 0
    database.write(lambda session: session.execute(update(AdministratorAct).values(expires_at=now())))
    assert database.write(acts.purge) == 2
    assert done(database, anna.id) == []


def test_somebody_is_invited_by_a_letter_and_has_an_empty_card(database: Database, root: int) -> None:
    database.settings = MAILING
    account_id = database.write(lambda session: administrators.invite(session, root, "Carl", "carl@example.org", "en"))
    assert messages(database) == [("email", "carl@example.org", "welcome")]
    assert done(database, account_id) == [("root", acts.INVITE)]
    with pytest.raises(AlreadyExists):
        database.write(lambda session: administrators.invite(session, root, "carl", "carl@example.org", "en"))
    with pytest.raises(InvalidInput):
        database.write(lambda session: administrators.invite(session, root, "dora", "nonsense", "en"))
    with database.reading() as session, pytest.raises(NotFound):
        accounts.find(session, "dora")


def test_where_no_letter_can_be_sent_there_is_no_account(database: Database, root: int) -> None:
    with pytest.raises(Refused):
        database.write(lambda session: administrators.invite(session, root, "carl", "carl@example.org", "en"))
    with database.reading() as session, pytest.raises(NotFound):
        accounts.find(session, "carl")


def test_a_link_for_a_new_password_goes_to_proved_addresses_only(database: Database, anna: Person, root: int) -> None:
    database.settings = MAILING
    with pytest.raises(Refused, match="no e-mail address"):
        database.write(lambda session: administrators.send_reset(session, anna.id, root, "en"))
    database.write(lambda session: addresses.add(session, anna.id, EMAIL, "anna@example.org"))
    database.write(lambda session: administrators.send_reset(session, anna.id, root, "en"))
    assert messages(database) == [("email", "anna@example.org", "reset")]
    assert done(database, anna.id) == [("root", acts.RESET)]


def test_people_are_searched_and_paged_in_the_database(
    database: Database, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_list, "PAGE", 2)
    ids = [person(database, f"kim{number}") for number in range(3)]
    person(database, "a_b")
    database.write(lambda session: administrators.disable(session, ids[1]))
    with database.reading() as session:

        def logins(text: str = "", number: int = 1, state: str = people_list.ALL) -> list[str]:
            return [each.login for each in people_list.page_of(session, text, number, state=state).people]

        assert [logins("kim", number) for number in (1, 2, 3)] == [["kim0", "kim1"], ["kim2"], ["kim2"]]
        assert (logins("%"), logins("_"), logins("KIM1 ")) == ([], ["a_b"], ["kim1"])
        assert logins(state=people_list.DISABLED) == ["kim1"]
        assert logins(state=people_list.ADMINISTRATORS) == ["root"]
        assert people_list.page_of(session, "kim").total == 3


def test_a_list_takes_as_many_statements_however_many_are_in_it(database: Database, root: int) -> None:
    counts = set()
    for number in range(3):
        friend = register(database, f"kim{number}")
        put(database, friend.id, "a.vcf", vcard())
        here(database, friend.id)
        with sent(database.engine) as statements, database.reading() as session:
            found = people_list.page_of(session, "kim")
        assert len(found.people) == number + 1
        assert all(each.devices == 1 and each.octets > 0 and each.last_used_at for each in found.people)
        counts.add(len(statements))
    assert len(counts) == 1


def test_an_account_that_is_not_there_is_nobody_s(database: Database) -> None:
    with database.reading() as session, pytest.raises(NotFound):
        people_list.one(session, 1)
    with pytest.raises(NotFound):
        database.write(lambda session: administrators.appoint(session, 1))


def test_who_is_an_administrator_is_asked_with_every_request(database: Database, root: int) -> None:
    token = database.write(lambda session: sessions.start(session, root, "Firefox"))

    def is_one(session: Session) -> bool:
        found = sessions.find(session, token)
        return found is not None and found.is_administrator

    with database.reading() as session:
        assert is_one(session)
    database.write(lambda session: administrators.dismiss(session, root))
    with database.reading() as session:
        assert not is_one(session)
        assert session.get_one(Account, root).administrator_since is None
