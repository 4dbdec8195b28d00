"""Asking a directory: who has which password, and everything by which nobody must be taken for somebody."""

from __future__ import annotations

import dataclasses
import time

import pytest

from sync.errors import LdapUnavailable
from sync.ldap import client
from sync.ldap.client import Client
from sync.settings import Ldap
from tests.support.slapd import BASE, PASSWORD, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd


def known(directory: Slapd, **changed: object) -> Ldap:
    """Return the settings for a directory."""
    url = f"ldap://127.0.0.1:{directory.port}"
    told = Ldap(url, ca_file=directory.ca_file, bind_dn=SERVICE, bind_password=SERVICE_PASSWORD, base=PEOPLE)
    return dataclasses.replace(told, **changed)  # type: ignore[arg-type]


def ask(directory: Slapd, **changed: object) -> Client:
    return Client(known(directory, **changed))


def test_a_password_says_who_somebody_is_by_each_of_their_logins(directory: Slapd) -> None:
    ours = ask(directory, fields=(("office-phone", "telephonenumber"),))
    told = ours.check("anna", PASSWORD)
    assert told is not None
    assert (told.login, told.email, told.text("telephonenumber")) == ("anna", "anna@example.org", "+49 30 5555 0101")
    by_email = ours.check("Anna@Example.org", PASSWORD)
    assert by_email is not None
    assert by_email.subject == told.subject
    assert ours.check("anna", "wrong") is None
    assert ours.check("bo", PASSWORD) is None


@pytest.mark.parametrize("password", ["", "\N{SOFT HYPHEN}", "\0", "\ud800"], ids=ascii)
def test_a_password_that_is_none_lets_nobody_in_where_the_directory_would(directory: Slapd, password: str) -> None:
    """It lets anybody in who gives none (RFC 4513, 5.1.2); the soft hyphen is nothing once a text is prepared."""
    directory.restart(more="allow bind_anon_cred")
    assert ask(directory).check("anna", password) is None
    assert ask(directory).check("anna", PASSWORD) is not None


@pytest.mark.parametrize(
    "login",
    [
        *("*", "a*", "an?a", "anna)(uid=*", "*)(uid=*))(|(uid=*", "anna)(|(uid=*)", "(anna)", "anna\\2a", "\\61nna"),
        *("anna\0", "anna\\", f"uid=anna,{PEOPLE}", "anna)(objectClass=*", "&", "", " ", "x" * 5000, "\ud800", "\n"),
    ],
    ids=ascii,
)
def test_a_login_is_a_name_and_never_a_part_of_a_filter(directory: Slapd, login: str) -> None:
    directory.add("bo")
    ours = ask(directory)
    assert ours.check(login, PASSWORD) is None
    assert ours.check("anna", PASSWORD) is not None, "whoever comes next is sent away"


def test_names_and_passwords_are_of_any_script(directory: Slapd) -> None:
    directory.add("王芳", "密码 ключ")
    assert ask(directory).check("王芳", "密码 ключ") is not None


def test_a_name_that_several_people_have_is_nobody_s(directory: Slapd) -> None:
    directory.add("bo", mail="anna@example.org")
    ours = ask(directory)
    assert ours.check("anna@example.org", PASSWORD) is None
    assert ours.check("anna", PASSWORD) is not None


def test_who_does_not_fit_the_filter_is_not_there(directory: Slapd) -> None:
    directory.add("bo", employeeType="staff")
    ours = ask(directory, filter="(employeeType=staff)")
    assert ours.check("anna", PASSWORD) is None
    assert ours.check("bo", PASSWORD) is not None
    assert [told.login for page in ours.everybody() for told in page] == ["bo"]


def test_everybody_is_read_in_pages(directory: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    for number in range(4):
        directory.add(f"person{number}")
    pages = [[told.login for told in page] for page in ask(directory).everybody()]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(login for page in pages for login in page) == ["anna", "person0", "person1", "person2", "person3"]


def test_a_list_that_is_cut_short_is_an_error(directory: Slapd) -> None:
    directory.restart(more="sizelimit 1")
    directory.add("bo")
    with pytest.raises(LdapUnavailable):
        list(ask(directory).everybody())


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_certificate_is_checked(directory: Slapd, scheme: str) -> None:
    port = directory.tls_port if scheme == "ldaps" else directory.port
    assert ask(directory, url=f"{scheme}://127.0.0.1:{port}").check("anna", PASSWORD) is not None
    for changed in ({"ca_file": ""}, {"url": f"{scheme}://localhost:{port}"}):
        with pytest.raises(LdapUnavailable):
            ask(directory, **{"url": f"{scheme}://127.0.0.1:{port}", **changed}).check("anna", PASSWORD)
    directory.restart(certified="127.0.0.2")
    with pytest.raises(LdapUnavailable):
        ask(directory, url=f"{scheme}://127.0.0.1:{port}").check("anna", PASSWORD)


def test_nothing_is_said_before_the_connection_is_encrypted(directory: Slapd) -> None:
    directory.restart(more="security simple_bind=128")
    assert ask(directory).check("anna", PASSWORD) is not None
    with pytest.raises(LdapUnavailable):
        ask(directory, start_tls=False).check("anna", PASSWORD)


@pytest.mark.parametrize(
    "changed",
    [{"bind_password": "wrong"}, {"bind_dn": f"cn=nobody,{BASE}"}, {"base": f"ou=nowhere,{BASE}"}, {"filter": "(("}],
    ids=str,
)
def test_what_is_configured_wrong_says_nothing_of_a_password(
    directory: Slapd, caplog: pytest.LogCaptureFixture, changed: dict[str, object]
) -> None:
    ours = ask(directory, **changed)
    with pytest.raises(LdapUnavailable):
        ours.check("anna", PASSWORD)
    with pytest.raises(LdapUnavailable):
        list(ask(directory, **changed).everybody())
    assert caplog.text
    assert not {PASSWORD, SERVICE_PASSWORD, "anna", "wrong"} & set(caplog.text.split())


def test_a_directory_that_answers_nothing_is_waited_for_once(directory: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE", 1)
    ours = ask(directory)
    directory.hold(held=True)
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(LdapUnavailable):
            ours.check("anna", PASSWORD)
    assert time.monotonic() - begun < 10, "each of them waited"


def test_a_directory_that_is_down_is_unavailable_and_not_empty(directory: Slapd) -> None:
    directory.stop()
    with pytest.raises(LdapUnavailable):
        ask(directory).check("anna", PASSWORD)
    with pytest.raises(LdapUnavailable):
        list(ask(directory).everybody())
