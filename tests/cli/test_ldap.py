"""The options for a directory: what is wrong with them is said before anybody needs them, and it can be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from radicale_plugin import option_values, settings
from radicale_plugin.server import checking
from radicale_plugin.server.checking import organisation
from radicale_plugin.server.checking.finding import Installation
from sync.errors import InvalidInput
from sync.ldap import arriving
from sync.ldap.client import Client
from tests.cli.conftest import Command
from tests.cli.test_organisation import written
from tests.support import slapd
from tests.support.slapd import PASSWORD, Slapd

NOBODY = {"invited": 0, "ended": 0, "held": {}}
GOOD = {"ldap_url": "ldaps://ldap.example.org", "ldap_base": "ou=people,dc=example,dc=org"}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Slapd]:
    """Yield a directory with anna in it."""
    with slapd.running(tmp_path) as made:
        made.add("anna")
        yield made


def test_what_is_configured_is_what_the_engine_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret\n")
    more = {"ldap_bind_dn": "cn=evercard", "ldap_bind_password_file": str(tmp_path / "secret")}
    more |= {"ldap_organisations": "Chess Club = (memberOf=cn=chess,dc=example); Staff=(ou=staff)"}
    more |= {"ldap_fields": "name=cn, office-phone = telephoneNumber", "ldap_logins": "sAMAccountName, mail"}
    database = settings.database(settings.load(written(tmp_path, {**GOOD, **more, "ldap_sign_up": "True"})))
    told = database.settings.ldap
    database.dispose()
    assert told.organisations == (("Chess Club", "(memberOf=cn=chess,dc=example)"), ("Staff", "(ou=staff)"))
    assert (told.url, told.base, told.bind_password) == (*GOOD.values(), "a secret")
    assert told.fields == (("name", "cn"), ("office-phone", "telephonenumber"))
    assert (told.logins, told.id, told.close_at_most) == (("sAMAccountName", "mail"), "entryUUID", 10)
    assert (told.start_tls, told.sign_up, told.link_by, told.is_known) == (True, True, "none", True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ldap_url": "https://ldap.example.org"}, "must be an address"),
        ({"ldap_url": "ldap.example.org"}, "must be an address"),
        ({"ldap_url": "ldaps://ldap.example.org/dc=example"}, "must be an address"),
        ({"ldap_url": "ldap://ldap.example.org", "ldap_starttls": "False"}, "unencrypted"),
        ({"ldap_base": ""}, "ldap_base"),
        ({"ldap_filter": "objectClass=person"}, "in brackets"),
        ({"ldap_filter": "((objectClass=person)"}, "in brackets"),
        ({"ldap_bind_dn": "cn=evercard"}, "ldap_bind_password"),
        ({"ldap_ca_file": "/nowhere"}, "cannot be read"),
        ({"ldap_bind_password_file": "/nowhere"}, "cannot be read"),
        ({"ldap_logins": "uid)(mail"}, "names of attributes"),
        ({"ldap_logins": ""}, "names of attributes"),
        ({"ldap_id": "entryUUID, uid"}, "one attribute"),
        ({"ldap_link_by": "name"}, "must be one of"),
        ({"ldap_fields": "no-such-kind=cn"}, "must be kinds of fields"),
        ({"ldap_fields": "name=display name"}, "attributes"),
        ({"ldap_organisations": "Chess Club"}, "filters in brackets"),
        ({"ldap_organisations": "Chess Club = (uid=anna"}, "filters in brackets"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        settings.load(written(tmp_path, {**GOOD, **options}))


@pytest.mark.parametrize(
    "options",
    [
        {"ldap_url": "ldap://127.0.0.1", "ldap_starttls": "False"},
        {"ldap_url": "ldap://ldap.example.org", "ldap_starttls": "False", "ldap_allow_plain": "True"},
    ],
    ids=str,
)
def test_a_plain_connection_is_for_this_machine_or_said_to_be_meant(tmp_path: Path, options: dict[str, str]) -> None:
    file = written(tmp_path, {**GOOD, **options})
    installation = Installation(file, settings.load(file), option_values.values_of(settings.load(file)), "")
    found = [(each.level.value, each.about) for each in organisation.look(installation)]
    assert ("doubtful", "ldap_starttls") in found


def test_a_check_asks_the_directory(tmp_path: Path, directory: Slapd) -> None:
    def found(**options: str) -> list[tuple[str, str]]:
        file = written(tmp_path, {**directory.options(), **options})
        return [(each.level.value, each.about) for each in checking.findings(file) if each.about.startswith("ldap_")]

    assert found() == [("good", "ldap_url")]
    assert found(ldap_link_by="login") == [("doubtful", "ldap_link_by"), ("good", "ldap_url")]
    assert found(ldap_filter="(uid=nobody)") == [("wrong", "ldap_filter")]
    assert found(ldap_bind_password="wrong") == [("wrong", "ldap_url")]
    directory.stop()
    assert found() == [("wrong", "ldap_url")]


def test_an_administrator_sees_who_is_missing_and_says_that_it_is_so(
    tmp_path: Path, directory: Slapd, monkeypatch: pytest.MonkeyPatch, evercard: Command
) -> None:
    directory.add("zoe")
    options = directory.options(sign_up="True", close_at_most="0")
    for name, value in options.items():
        monkeypatch.setenv(f"EVERCARD_{name.upper()}", value)
    database = settings.database(settings.load(None))
    here = {"source": "192.0.2.1", "browser": "Firefox", "language": "en"}
    arriving.sign_in(database, Client(database.settings.ldap), "anna", PASSWORD, **here)
    directory.remove("anna")
    assert evercard.json("ldap", "look") == {"missing": ["anna"], "closed": 0, **NOBODY}
    assert ("doubtful", "ldap_close_at_most") in [
        (each.level.value, each.about) for each in checking.of_running(settings.load(None), database, distant=True)
    ]
    assert evercard("ldap", "look", "--even-many", "--dry-run") == "missing: anna\n"
    assert evercard.json("ldap", "look", "--even-many") == {"missing": ["anna"], "closed": 1, **NOBODY}
    directory.stop()
    assert "directory does not answer" in evercard.error("ldap", "look")


def test_without_a_directory_there_is_nothing_to_look_through(evercard: Command) -> None:
    assert "ldap_url is not set" in evercard.error("ldap", "look")
