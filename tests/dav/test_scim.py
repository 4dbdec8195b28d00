"""An organisation that tells of its people (SCIM 2.0): an independent client against the whole server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from sync.accounts import acts
from sync.database import accounts
from sync.scim import tokens, users
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of
from sync.sign_in import administrators, credentials, deletion, people_list
from tests.support import forms
from tests.support.factories import people, person
from tests.support.forms import ORIGIN
from tests.support.site import ON_SQLITE, Answer, Site

pytestmark = ON_SQLITE
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ROOT = "/.scim/v2"
FIELDS = "name=displayName, office-phone=phoneNumbers.work, organization=enterprise.department"
ANNA = {
    "schemas": [CORE],
    "userName": "Anna.Chen@example.org",
    "externalId": "e-42",
    "displayName": "Anna Chen",
    "phoneNumbers": [{"type": "mobile", "value": "+49 170 5550101"}, {"type": "work", "value": "+49 30 5555 0101"}],
}


class Teller:
    """An organisation, and the token that it has."""

    def __init__(self, site: Site, token: str) -> None:
        """Tell *site* of people."""
        self.site = site
        self.token = token

    def ask(self, method: str, path: str, said: object = None, **environ: str) -> Answer:
        """Send a request."""
        body = b"" if said is None else json.dumps(said).encode()
        head = {"HTTP_AUTHORIZATION": f"Bearer {self.token}", "CONTENT_TYPE": "application/scim+json", **environ}
        return self.site.call(method, f"{ROOT}{path}", body=body, environ=head)

    def told(self, method: str, path: str, said: object = None, status: int = 200) -> Any:
        """Send a request, and return what is said of it."""
        answer = self.ask(method, path, said)
        assert answer.status == status, answer.body
        return json.loads(answer.body) if answer.body else None

    def tell(self, **said: object) -> Any:
        """Tell of anna, or of whom else is said."""
        return self.told("POST", "/Users", {**ANNA, **said}, 201)

    def patch(self, known: str, *operations: dict[str, object]) -> None:
        """Change somebody."""
        self.told("PATCH", f"/Users/{known}", {"schemas": [PATCH], "Operations": list(operations)}, 204)


@contextmanager
def opened(database_url: str, **options: str) -> Iterator[Teller]:
    """Make a server, and an organisation that has a token."""
    with forms.opened(database_url, scim="True", scim_fields=FIELDS, **options) as site:
        yield Teller(site, site.database.write(lambda session: tokens.add(session, "Test")))


@pytest.fixture
def teller(database_url: str) -> Iterator[Teller]:
    """Return an organisation that tells of its people."""
    with opened(database_url) as made:
        yield made


def logins(site: Site) -> list[str]:
    with site.database.reading() as session:
        return [each.login for each in accounts.everybody(session)]


def account(site: Site, login: str = "anna.chen") -> int:
    with site.database.reading() as session:
        return accounts.find(session, login)


def is_closed(site: Site, login: str = "anna.chen") -> bool:
    with site.database.reading() as session:
        return people_list.one(session, accounts.find(session, login)).is_disabled


def said(site: Site, login: str = "anna.chen") -> dict[str, str | None]:
    """Return what each field says, and the claim that fills it."""
    with site.database.reading() as session:
        return {content_of(each).text(): each.claim for each in fields_of(session, accounts.find(session, login))}


def done(site: Site, account_id: int) -> list[str]:
    """Return what was done with somebody's account, in its order, by the organisation."""
    with site.database.reading() as session:
        return [act.what for act in acts.about(session, account_id).acts if act.actor == acts.ORGANISATION][::-1]


def test_an_independent_client_finds_nothing_wrong(teller: Teller) -> None:
    client = WSGISCIMClient(
        teller.site.application, base_url=f"{ORIGIN}{ROOT}", headers={"Authorization": f"Bearer {teller.token}"}
    )
    results = check_server(client)
    wrong = [result for result in results if result.status in (Status.ERROR, Status.CRITICAL)]
    assert len(results) > 20
    assert [(each.title, each.reason) for each in wrong] == []


def test_who_is_told_of_gets_an_account_that_is_filled_and_locked(teller: Teller) -> None:
    made = teller.tell()
    assert logins(teller.site) == ["anna.chen"]
    assert said(teller.site) == {"Anna Chen": "scim:displayName", "+49 30 5555 0101": "scim:phoneNumbers.work"}
    assert teller.told("GET", f"/Users/{made['id']}")["displayName"] == "Anna Chen"
    teller.patch(
        made["id"], {"op": "replace", "path": 'phoneNumbers[type eq "work"].value', "value": "+49 30 5555 0202"}
    )
    assert said(teller.site)["+49 30 5555 0202"] == "scim:phoneNumbers.work"
    less = {name: value for name, value in ANNA.items() if name != "phoneNumbers"}
    teller.told("PUT", f"/Users/{made['id']}", less)
    assert said(teller.site) == {"Anna Chen": "scim:displayName", "+49 30 5555 0202": None}
    assert done(teller.site, account(teller.site)) == [acts.REGISTER, acts.FILL, acts.FILL, acts.FILL]


def test_who_is_not_active_is_shut_out_with_their_devices_until_they_are(teller: Teller) -> None:
    made, site = teller.tell(), teller.site
    anna = account(site)
    password = site.database.write(lambda session: credentials.add_device(session, anna, "Phone"))[1]
    gate = credentials.Gate(site.database)
    teller.patch(made["id"], {"op": "replace", "path": "active", "value": False})
    assert is_closed(site)
    assert gate.admit("anna.chen", password) is None
    teller.patch(made["id"], {"op": "replace", "value": {"active": True}})
    assert gate.admit("anna.chen", password) is not None
    assert done(site, anna)[2:] == [acts.DISABLE, acts.ENABLE]
    site.database.write(lambda session: administrators.disable(session, anna))
    teller.patch(made["id"], {"op": "replace", "path": "active", "value": True})
    assert is_closed(site), "whoever an administrator shut out stays so"


def test_who_is_taken_back_is_closed_and_comes_back_as_the_same_person_only(teller: Teller) -> None:
    made, site = teller.tell(), teller.site
    teller.told("DELETE", f"/Users/{made['id']}", status=204)
    assert is_closed(site)
    assert teller.ask("GET", f"/Users/{made['id']}").status == 404
    assert teller.told("GET", "/Users")["totalResults"] == 0
    teller.tell(externalId="e-43")
    assert logins(site) == ["anna.chen", "anna.chen2"]
    assert is_closed(site), "somebody else who has the name by now gets another account"
    again = teller.tell(userName="anna.c@example.org")
    assert (again["id"], is_closed(site)) == (made["id"], False)
    assert logins(site) == ["anna.chen", "anna.chen2"]


def test_who_is_taken_back_is_deleted_where_the_settings_say_so(database_url: str) -> None:
    with opened(database_url, scim_delete="delete") as teller:
        made = teller.tell()
        anna = account(teller.site)
        teller.told("DELETE", f"/Users/{made['id']}", status=204)
        assert logins(teller.site) == []
        assert done(teller.site, anna)[-1] == acts.DELETE


def test_who_deletes_their_account_is_told_of_anew(teller: Teller) -> None:
    made = teller.tell()
    deletion.leave(teller.site.database, account(teller.site))
    assert teller.ask("GET", f"/Users/{made['id']}").status == 404
    assert teller.tell()["id"] != made["id"]
    assert logins(teller.site) == ["anna.chen2"]


def test_a_person_is_found_by_what_they_are_called(teller: Teller) -> None:
    anna, bo = teller.tell(), teller.tell(userName="bo", externalId="e-43")

    def found(wanted: str) -> list[str]:
        answer = teller.told("GET", f"/Users?{forms.query(filter=wanted)}")
        assert answer["totalResults"] == len(answer.get("Resources", []))
        return [each["id"] for each in answer.get("Resources", [])]

    assert found('userName eq "anna.chen@EXAMPLE.org"') == [anna["id"]]
    assert found('externalId eq "e-43"') == [bo["id"]]
    assert found(f'id eq "{bo["id"]}"') == [bo["id"]]
    assert found('userName eq "nobody"') == []
    query = forms.query(filter='displayName co "A"')
    answer = teller.ask("GET", f"/Users?{query}")
    assert (answer.status, json.loads(answer.body)["scimType"]) == (400, "invalidFilter")


def test_many_are_listed_in_pages(teller: Teller) -> None:
    ids = {teller.tell(userName=f"person{number}", externalId=f"e-{number}")["id"] for number in range(5)}
    pages = [teller.told("GET", f"/Users?startIndex={first}&count=2") for first in (1, 3, 5, 7)]
    assert [page["totalResults"] for page in pages] == [5] * 4
    listed = [each["id"] for page in pages for each in page.get("Resources", [])]
    assert (len(listed), set(listed)) == (5, ids)


def test_a_name_is_one_person_s(teller: Teller) -> None:
    teller.tell()
    bo = teller.tell(userName="bo", externalId="e-43")
    assert teller.ask("POST", "/Users", {**ANNA, "externalId": "e-44"}).status == 409
    assert teller.ask("PUT", f"/Users/{bo['id']}", {**ANNA, "externalId": "e-43"}).status == 409
    assert logins(teller.site) == ["anna.chen", "bo"]


def test_a_version_that_is_not_the_newest_changes_nothing(teller: Teller) -> None:
    made = teller.tell()
    old = made["meta"]["version"]
    teller.patch(made["id"], {"op": "replace", "path": "displayName", "value": "Anna C"})
    answer = teller.ask("PUT", f"/Users/{made['id']}", ANNA, HTTP_IF_MATCH=old)
    assert answer.status == 412
    assert "Anna C" in said(teller.site)
    newest = teller.told("GET", f"/Users/{made['id']}")["meta"]["version"]
    assert newest != old
    assert teller.ask("PUT", f"/Users/{made['id']}", ANNA, HTTP_IF_MATCH=newest).status == 200


def test_nobody_asks_without_a_token_that_works(teller: Teller) -> None:
    anna = person(teller.site.database, "anna")
    password = teller.site.database.write(lambda session: credentials.add_device(session, anna, "Phone"))[1]
    assert password
    good = teller.token
    for header in ("", "Bearer", "Bearer ", f"Bearer {good}x", f"Basic {good}", f"Bearer {password}", good):
        for method, path in (("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas"), ("PATCH", "/Users/x")):
            answer = teller.ask(method, path, {}, HTTP_AUTHORIZATION=header)
            assert (answer.status, answer.header("WWW-Authenticate")) == (401, 'Bearer realm="Evercard"')
    stored = teller.site.database
    with stored.reading() as session:
        (kept,) = tokens.tokens(session)
    assert good not in (kept.digest, kept.label)
    stored.write(lambda session: tokens.revoke(session, "Test"))
    assert teller.ask("GET", "/Users").status == 401


def test_a_token_opens_nothing_else(teller: Teller) -> None:
    head = {"HTTP_AUTHORIZATION": f"Bearer {teller.token}"}
    person(teller.site.database, "anna")
    assert teller.site.call("PROPFIND", "/anna/", environ=head).status == 401
    assert teller.site.call("PATCH", "/anna/", environ=head).status == 501


def test_an_account_that_is_here_already_is_given_as_the_settings_say(database_url: str) -> None:
    with opened(database_url, scim_link_by="login") as teller:
        anna, boss = people(teller.site.database, "anna.chen", "boss")
        teller.site.database.write(lambda session: administrators.appoint(session, boss))
        teller.tell()
        teller.tell(userName="boss", externalId="e-1")
        assert logins(teller.site) == ["anna.chen", "boss", "boss2"]
        assert "Anna Chen" in said(teller.site)
        assert acts.LINK in done(teller.site, anna)
        assert done(teller.site, boss) == []


@pytest.mark.parametrize("said_of", [{"userName": ""}, {"displayName": "x" * 70_000}, {"userName": 5}], ids=str)
def test_what_cannot_be_kept_is_refused(teller: Teller, said_of: dict[str, object]) -> None:
    assert teller.ask("POST", "/Users", {**ANNA, **said_of}).status == 400
    assert logins(teller.site) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"x"'], ids=str)
def test_what_is_no_document_is_refused(teller: Teller, body: bytes) -> None:
    head = {"HTTP_AUTHORIZATION": f"Bearer {teller.token}", "CONTENT_TYPE": "application/scim+json"}
    assert teller.site.call("POST", f"{ROOT}/Users", body=body, environ=head).status == 400


def test_a_password_is_not_kept(teller: Teller) -> None:
    made = teller.tell(password="their own password")
    with teller.site.database.reading() as session:
        assert "password" not in users.read(session, made["id"]).document


def test_there_are_no_groups_and_it_is_said(teller: Teller) -> None:
    named = [each["name"] for each in teller.told("GET", "/ResourceTypes")["Resources"]]
    assert named == ["User"]
    assert teller.ask("GET", "/Groups").status == 404


def test_where_it_is_not_open_there_is_nothing(database_url: str) -> None:
    with forms.opened(database_url) as plain:
        token = plain.database.write(lambda session: tokens.add(session, "Test"))
        teller = Teller(plain, token)
        assert teller.ask("POST", "/Users", ANNA).status == 401
        assert teller.ask("GET", "/Users").header("WWW-Authenticate").startswith("Basic")
        assert logins(plain) == []
