"""
Whatever promises to answer alike sends the same statements, whoever there is: so nobody learns it from the time either.

Each test does the same in several situations that the person who does it must not tell apart. No clock is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from sync import meeting
from sync.accounts import addresses, registration
from sync.database.engine import Database, Session
from sync.database.quick import Quick
from sync.database.server_keys import server_key
from sync.discovery import contact_discovery, directory
from sync.errors import WrongPassword
from sync.meeting import introductions, invitation_links, invitations
from sync.sharing.preferences import NOBODY
from sync.sign_in import credentials, password_reset, signing_in
from sync.sign_in.credentials import Gate
from tests.support.databases import opened
from tests.support.factories import connect, person, put, vcard
from tests.support.meeting import SENDING, ask_first, block, do_errands, prefer, refuse, show_strangers
from tests.support.people import register
from tests.support.statements import sent

PASSWORD = "correct horse battery"
HERE = "192.0.2.1"


@pytest.fixture
def site(database_url: str) -> Iterator[Database]:
    """Yield the database of a server that sends messages."""
    with opened(database_url, SENDING) as database:
        # A server makes its key once, when it starts.
        database.write(server_key)
        yield database


@dataclass(frozen=True, slots=True)
class People:
    """Somebody who is reached by what is typed, and others who must look like nobody to *eve*."""

    site: Database
    eve: int
    ids: dict[str, int]

    def address(self, login: str) -> str:
        """Return the address that the person of a login proved, or nobody did."""
        return f"{login}@zoo.example"


@pytest.fixture
def around(site: Database) -> People:
    """Make people who stand differently to Eve: open, closed to her in each way, and hidden; *nobody* is none."""
    eve = person(site, "eve")
    ids = {login: person(site, login) for login in ("open", "blocking", "refusing", "closed", "hidden", "shut")}
    for login, account_id in ids.items():
        site.write(lambda session, to=account_id, it=login: addresses.add(session, to, "email", f"{it}@zoo.example"))  # type: ignore[misc]
        site.write(lambda session, of=account_id: credentials.set_password(session, of, PASSWORD))  # type: ignore[misc]
        show_strangers(site, account_id, "name", login.title())
    block(site, ids["blocking"], eve)
    site.write(lambda session: meeting.ask(session, eve, ids["refusing"]))
    refuse(site, ids["refusing"], eve)
    site.write(lambda session: meeting.withdraw(session, eve, ids["refusing"]))
    prefer(site, ids["closed"], connecting=NOBODY)
    prefer(site, ids["hidden"], found_by_login=False, found_by_email=False)
    site.write(lambda session: registration.set_disabled(session, ids["shut"], disabled=True))
    do_errands(site)
    return People(site, eve, ids)


def same(site: Database, doing: Callable[[Any], object], situations: Sequence[Any]) -> None:
    """Make sure that something sends the same statements, word for word, in each of the situations."""
    texts = []
    for situation in situations:
        with sent(site.engine) as statements:
            doing(situation)
        texts.append((situation, statements))
    assert texts[0][1], "nothing was done"
    for situation, statements in texts:
        assert statements == texts[0][1], situation


def test_who_asks_for_a_new_password(around: People) -> None:
    for names in (
        ["open", "nobody", "shut", "eve"],
        [around.address(login) for login in ("open", "nobody", "shut", "hidden", "eve")],
    ):
        same(around.site, lambda name: password_reset.ask(around.site, name, source=HERE, language="en"), names)


def test_who_invites_an_address(around: People) -> None:
    def invite(login: str) -> None:
        invitations.invite(around.site, around.eve, around.address(login), "Join me", source=HERE)

    same(around.site, invite, ["nobody", *around.ids])
    assert do_errands(around.site) >= len(around.ids)


def test_who_signs_in_with_a_wrong_password(around: People) -> None:
    def sign_in(name: str) -> None:
        with pytest.raises(WrongPassword):
            signing_in.sign_in(around.site, name, "wrong", source=HERE, browser="")

    same(around.site, sign_in, ["open", "nobody", "shut", "eve"])
    same(around.site, sign_in, [around.address(login) for login in ("open", "nobody", "shut")])


def test_who_gives_an_address_when_they_sign_up(around: People) -> None:
    def prove(login: str) -> None:
        addresses.verify_start(around.site, around.eve, "email", around.address(login), source=HERE)

    same(around.site, prove, ["open", "nobody", "hidden", "blocking", "shut"])


def test_who_answers_a_question_wrongly(around: People) -> None:
    for login in ("open", "blocking", "refusing"):
        ask_first(around.site, around.ids[login], "Which street?", "Main Street")

    def answer(login: str) -> None:
        target = around.ids[login]
        assert not meeting.answer(around.site, around.eve, target, "Wrong Street", f"from {login}")

    same(around.site, answer, ["open", "blocking", "refusing", "closed", "hidden", "shut"])


def test_who_looks_for_somebody(around: People) -> None:
    def search(text: str) -> None:
        assert directory.search(around.site, around.eve, text, HERE) == []

    same(around.site, search, ["nobody", "blocking", "closed", "hidden", "shut"])
    same(around.site, search, [around.address(login) for login in ("nobody", "blocking", "closed", "hidden", "shut")])


def test_who_looks_for_their_contacts(around: People) -> None:
    site, eve = around.site, around.eve
    site.write(lambda session: addresses.add(session, eve, "email", around.address("eve")))
    put(site, eve, "x.vcf", vcard("x", "EMAIL:someone@example.org"))

    def look(login: str) -> None:
        put(site, eve, "x.vcf", vcard("x", f"EMAIL:{around.address(login)}"))
        with sent(site.engine) as statements:
            assert contact_discovery.contacts_here(site, eve, HERE) == []
        texts.append(statements)

    texts: list[list[str]] = []
    for login in ("nobody", "blocking", "closed", "hidden", "shut"):
        look(login)
    assert all(statements == texts[0] for statements in texts)


@pytest.mark.parametrize("by_link", [False, True])
def test_who_asks_to_be_connected(around: People, *, by_link: bool) -> None:
    site, ids = around.site, around.ids

    def ask(login: str) -> None:
        asked = site.write(lambda session: meeting.ask(session, around.eve, ids[login], by_link=by_link))
        assert not asked

    same(site, ask, ["open", "blocking", "refusing", "hidden", "closed"])


def test_who_follows_a_link(around: People) -> None:
    def link(session: Session, owner_id: int) -> str:
        return invitation_links.token_for(session, owner_id, invitation_links.create(session, owner_id))

    tokens = {
        login: around.site.write(lambda session, of=around.ids[login]: link(session, of))  # type: ignore[misc]
        for login in ("open", "blocking", "refusing")
    }

    def follow(login: str) -> None:
        promised = around.site.write(
            lambda session: invitation_links.open_link(session, tokens[login], around.eve)
        ).at_once
        assert (
            around.site.write(lambda session: invitation_links.follow(session, tokens[login], around.eve))
            is promised
            is False
        )

    same(around.site, follow, list(tokens))


def test_who_introduces_two(around: People) -> None:
    """Whether the two are connected, one wants nothing to do with the other, or has asked already."""
    site, eve = around.site, around.eve
    situations = ("new", "known", "foes", "blocked", "asked")
    friends = {name: (person(site, f"{name}1"), person(site, f"{name}2")) for name in situations}
    for one, other in friends.values():
        connect(site, eve, one)
        connect(site, eve, other)
    connect(site, *friends["known"])
    block(site, *friends["foes"])
    block(site, *reversed(friends["blocked"]))
    site.write(lambda session: meeting.ask(session, *friends["asked"]))

    def introduce(name: str) -> None:
        site.write(lambda session: introductions.introduce(session, eve, *friends[name]))

    same(site, introduce, list(friends))


def test_a_device_that_is_refused(site: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password, somebody else's, a device that was shut out, a closed account, and nobody."""
    anna, ben, carl = (register(site, login) for login in ("anna", "ben", "carl"))
    for known in (anna, ben, carl):
        site.write(lambda session, of=known: addresses.add(session, of.id, "email", f"{of.login}@example.org"))  # type: ignore[misc]
    with site.reading() as session:
        device_id = credentials.devices(session, ben.id)[0].id
    gate = Gate(site)
    assert gate.admit("anna", anna.password)
    assert gate.admit("anna@example.org", anna.password)
    assert gate.admit("ben", ben.password)
    site.write(lambda session: credentials.revoke_device(session, ben.id, device_id))
    site.write(lambda session: registration.set_disabled(session, carl.id, disabled=True))
    counted: list[str] = []
    fetch = Quick.fetch

    def noting(quick: Quick, statement: str, parameters: Any, **options: bool) -> list[tuple[Any, ...]]:
        counted.append(statement)
        return fetch(quick, statement, parameters, **options)

    monkeypatch.setattr(Quick, "fetch", noting)

    def statements(login: str, password: str) -> list[str]:
        counted.clear()
        assert gate.admit(login, password) is None
        return list(counted)

    for end in ("", "@example.org"):
        wanted = statements(f"nobody{end}", anna.password)
        assert wanted
        for login, password in (("anna", ben.password), ("ben", ben.password), ("carl", carl.password), ("nobody", "")):
            assert statements(f"{login}{end}", password or carl.password) == wanted, login
