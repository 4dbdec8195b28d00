"""Signing in with the password of an organisation's directory: what lets somebody in, and everything that must not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.accounts import acts, addresses
from sync.accounts.addresses import EMAIL
from sync.database import accounts
from sync.ldap import client
from sync.sharing.visibility import fields_of
from sync.sign_in import administrators, credentials
from tests.support import forms, slapd
from tests.support.factories import people, person
from tests.support.forms import Page, Visitor
from tests.support.site import ON_SQLITE, Site
from tests.support.slapd import PASSWORD, SERVICE_PASSWORD, Slapd

pytestmark = ON_SQLITE
HERE = "correct horse battery"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Slapd]:
    """Yield a directory with anna in it."""
    with slapd.running(tmp_path) as made:
        made.add("anna", mail="anna@example.org", telephoneNumber="+49 30 5555 0101")
        yield made


@contextmanager
def opened(database_url: str, directory: Slapd, **options: str) -> Iterator[Site]:
    """Make a server whose people can sign in by the directory."""
    with forms.opened(database_url, **directory.options(), **options) as site:
        yield site


@pytest.fixture
def site(database_url: str, directory: Slapd) -> Iterator[Site]:
    """Yield a server that makes accounts for those who come, and lets the directory fill a field."""
    ours = {"ldap_sign_up": "True", "ldap_fields": "office-phone=telephoneNumber"}
    with opened(database_url, directory, **ours) as made:
        yield made


def come(visitor: Visitor, login: str = "anna", password: str = PASSWORD) -> Page:
    return visitor.get("/sign-in").submit("/sign-in", login=login, password=password)


def is_inside(visitor: Visitor) -> bool:
    return visitor.get("/settings/").status == 200


def comes_in(site: Site, login: str = "anna", password: str = PASSWORD) -> bool:
    visitor = Visitor(site)
    come(visitor, login, password)
    return is_inside(visitor)


def logins(site: Site) -> list[str]:
    with site.database.reading() as session:
        return [each.login for each in accounts.everybody(session)]


def test_the_first_sign_in_makes_the_account_and_the_next_opens_it(site: Site, directory: Slapd) -> None:
    visitor = Visitor(site)
    assert "Your login and password of Club work here, too." in visitor.get("/sign-in").text
    come(visitor)
    assert is_inside(visitor)
    assert logins(site) == ["anna"]
    assert "From your organisation" in visitor.get("/card/").text
    with site.database.reading() as session:
        (field,) = fields_of(session, accounts.find(session, "anna"))
    assert "from your organisation" in visitor.post(f"/card/fields/{field.id}/remove").followed().text.lower()
    directory.set("anna", "telephoneNumber", "+49 30 5555 0202")
    other = Visitor(site)
    come(other, "anna@example.org")
    assert logins(site) == ["anna"]
    assert "0202" in other.get("/card/").text
    said = other.get("/settings/administrators").text
    assert "Account made by your organisation" in said
    assert "Card filled by the organisation by your organisation" in said


def test_whatever_is_wrong_is_answered_alike(site: Site) -> None:
    person(site.database, "bo")
    tried = [
        ("anna", "wrong"),
        ("nobody", "wrong"),
        ("bo", "wrong"),
        ("anna", " "),
        ("*", PASSWORD),
        ("anna)", PASSWORD),
    ]
    pages = [come(Visitor(site), *each) for each in tried]
    assert {(page.status, tuple(page.told)) for page in pages} == {(400, ("The login or the password is wrong.",))}
    assert logins(site) == ["bo"]


def test_an_empty_password_lets_nobody_in_where_the_directory_would(site: Site, directory: Slapd) -> None:
    directory.restart(more="allow bind_anon_cred")
    for password in ("", "\N{SOFT HYPHEN}"):
        assert not comes_in(site, "anna", password)
    assert comes_in(site)


def test_tries_are_counted(site: Site) -> None:
    pages = [come(Visitor(site), password=f"wrong {number}") for number in range(11)]
    assert [page.status for page in pages] == [400] * 10 + [429]
    assert not comes_in(site)
    assert come(Visitor(site, address="192.0.2.99")).path == "/"


def test_a_login_of_somebody_who_is_here_is_not_taken_from_them(site: Site) -> None:
    anna = person(site.database, "anna")
    assert comes_in(site)
    assert logins(site) == ["anna", "anna2"]
    with site.database.reading() as session:
        assert fields_of(session, anna) == []


def test_where_nobody_is_linked_it_is_said(database_url: str, directory: Slapd) -> None:
    with opened(database_url, directory) as site:
        person(site.database, "anna")
        page = come(Visitor(site))
        assert page.status == 400
        assert page.told == ["Your organisation knows you, but no account here is linked with that."]
        assert logins(site) == ["anna"]


def test_by_the_login_everybody_but_an_administrator_gets_their_account(database_url: str, directory: Slapd) -> None:
    directory.add("boss")
    with opened(database_url, directory, ldap_link_by="login") as site:
        anna, boss = people(site.database, "anna", "boss")
        site.database.write(lambda session: administrators.appoint(session, boss))
        assert comes_in(site)
        assert not comes_in(site, "boss")
        with site.database.reading() as session:
            assert acts.LINK in [act.what for act in acts.about(session, anna).acts]
            assert acts.LINK not in [act.what for act in acts.about(session, boss).acts]
        directory.remove("anna")
        directory.add("anna")
        assert not comes_in(site), "somebody else has the name there by now"


def test_by_an_address_whoever_proved_it_here_gets_their_account(database_url: str, directory: Slapd) -> None:
    with opened(database_url, directory, ldap_link_by="email") as site:
        bo = person(site.database, "bo")
        assert not comes_in(site)
        site.database.write(lambda session: addresses.add(session, bo, EMAIL, "anna@example.org"))
        assert comes_in(site)
        assert logins(site) == ["bo"]


def test_who_is_signed_in_links_their_account_by_the_password(database_url: str, directory: Slapd) -> None:
    directory.add("bo")
    with opened(database_url, directory) as site:
        anna, bo = people(site.database, "anna", "bo")
        mine, theirs = Visitor(site).signed_in(anna), Visitor(site).signed_in(bo)
        assert "The password of Club" in mine.get("/account/").text

        def link(visitor: Visitor, password: str = PASSWORD, login: str = "anna") -> Page:
            return visitor.get("/account/directory").submit("/account/directory", login=login, password=password)

        assert link(mine, "wrong").status == 400
        assert not comes_in(site)
        assert link(mine).told == ["From now on you can sign in by your organisation."]
        assert "Your account is linked." in mine.get("/account/").text
        assert comes_in(site)
        assert link(theirs).told == ["This sign-in is linked with an account already."]
        assert link(mine, login="bo").status == 200
        assert comes_in(site, "bo")
        assert not comes_in(site), "who links anew is linked with one alone"
        assert [link(theirs, "wrong").status for _ in range(12)][-1] == 429


def test_while_the_directory_is_down_passwords_of_here_and_devices_and_sessions_work(
    site: Site, directory: Slapd, caplog: pytest.LogCaptureFixture
) -> None:
    inside = Visitor(site)
    come(inside)
    bo = person(site.database, "bo")
    site.database.write(lambda session: credentials.set_password(session, bo, HERE))
    password = site.database.write(lambda session: credentials.add_device(session, bo, "Phone"))[1]
    directory.stop()
    page = come(Visitor(site))
    assert page.status == 503
    assert "directory does not answer now" in page.told[0]
    assert page.fields("/sign-in")["login"] == "anna"
    assert is_inside(inside)
    assert comes_in(site, "bo", HERE)
    assert credentials.Gate(site.database).admit("bo", password) is not None
    assert not {PASSWORD, SERVICE_PASSWORD} & set(caplog.text.split())
    directory.start()
    portal = forms.portal_of(site)
    assert portal.ldap is not None
    portal.ldap._silent_until = 0.0
    assert comes_in(site)


def test_a_slow_directory_keeps_nobody_waiting_but_who_asks_it(
    site: Site, directory: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE", 1)
    bo = person(site.database, "bo")
    site.database.write(lambda session: credentials.set_password(session, bo, HERE))
    directory.hold(held=True)
    assert [come(Visitor(site)).status for _ in range(5)] == [503] * 5
    assert comes_in(site, "bo", HERE)


def test_who_is_shut_out_here_does_not_come_in_by_the_directory(site: Site) -> None:
    assert comes_in(site)
    with site.database.reading() as session:
        anna = accounts.find(session, "anna")
    site.database.write(lambda session: administrators.disable(session, anna))
    page = come(Visitor(site))
    assert (page.status, page.told) == (400, ["The login or the password is wrong."])


def test_where_there_is_no_directory_there_is_nothing(database_url: str) -> None:
    with forms.opened(database_url) as plain:
        visitor = Visitor(plain).signed_in(person(plain.database, "anna"))
        assert visitor.get("/account/directory").status == 404
        assert "work here, too" not in Visitor(plain).get("/sign-in").text
