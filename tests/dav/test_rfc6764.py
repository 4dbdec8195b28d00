"""
Finding the server by its name alone, as RFC 6764 has it.

What of the RFC binds a CardDAV server is a test here, or else one of these:

* 3 and 4, SRV and TXT records: they are the administrator's, in the zone of their domain. README.md says which.
* 5, "MUST redirect HTTP requests for that resource", and "MUST NOT locate the actual service endpoint" there: kept for
  all methods but two. A PROPFIND is answered in place with what the root says, because phones have been seen to give up
  on a redirect whose target asks for a password; and OPTIONS, which every path answers alike. Nothing is below the
  well-known URI, and no href ever names it.
* 5, "MAY require authentication": not for the redirect, which is the same for everybody.
* 6 binds clients. The answers that its procedure needs are tested.
* 7, certificates, and 8, no SSL 2.0: TLS is made by the reverse proxy or by the server's TLS library, which knows
  nothing older than TLS 1.2.
* 7, "SHOULD be configured to allow authentication with [...] email addresses [...] or with user identifiers extracted
  from them": both. An address cannot be a login, so the two never conflict.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from sync.accounts import addresses, registration
from sync.errors import AlreadyExists, InvalidInput
from tests.dav.asking import href_in, multiget_body, propfind, report, responses
from tests.support import people
from tests.support.people import Person
from tests.support.site import ON_SQLITE, Lasting, Site, basic, opened

WELL_KNOWN = "/.well-known/carddav"
#: What clients ask of the first path that they try.
PRINCIPAL = "<D:current-user-principal/>"
IOS = "<D:current-user-principal/><D:principal-URL/><D:resourcetype/>"
OTHERS = ("GET", "HEAD", "REPORT", "PROPPATCH", "PUT", "DELETE", "MKCOL", "MOVE", "COPY", "ACL")


@pytest.mark.parametrize("method", OTHERS)
@pytest.mark.parametrize("path", [WELL_KNOWN, WELL_KNOWN + "/"])
def test_the_well_known_uri_redirects_to_the_root(lasting: Lasting, method: str, path: str) -> None:
    """Whoever asks, and for whatever, is sent to the context path (section 5)."""
    for person in (None, lasting.circle.anna):
        answer = lasting.site.call(method, path, person=person)
        assert (answer.status, answer.header("Location")) == (301, "/")


def test_the_redirect_is_not_kept_for_ever(lasting: Lasting) -> None:
    """Where it leads can change with the configuration, so a cache has to ask again (section 5)."""
    assert lasting.site.call("GET", WELL_KNOWN).header("Cache-Control") == "no-cache"


@pytest.mark.parametrize("path", ["/", WELL_KNOWN, WELL_KNOWN + "/"])
@pytest.mark.parametrize("depth", ["0", "1", None])
@pytest.mark.parametrize("names", [PRINCIPAL, IOS, "<D:resourcetype/><D:current-user-principal/>"])
def test_the_root_says_who_asks(lasting: Lasting, path: str, depth: str | None, names: str) -> None:
    """A PROPFIND of the context path, however it was found, has the principal's URL (section 6, step 5)."""
    answer = propfind(lasting.site, path, names, depth=depth, person=lasting.circle.anna)
    first = next(iter(responses(answer).values()))
    (node,) = first.findall(".//D:current-user-principal/D:href", {"D": "DAV:"})
    assert node.text == "/anna/"


def test_the_service_is_not_at_the_well_known_uri(lasting: Lasting) -> None:
    """What a PROPFIND tells there are the resources of the root, and there are none below it (section 5)."""
    anna = lasting.circle.anna
    answer = propfind(lasting.site, WELL_KNOWN, PRINCIPAL, depth="1", person=anna)
    assert list(responses(answer)) == ["/", "/anna/"]
    for path in ("/anna/", "/anna/contacts/"):
        assert propfind(lasting.site, WELL_KNOWN + path, PRINCIPAL, person=anna).status == 404
        assert report(lasting.site, anna, multiget_body([]), path=WELL_KNOWN + path).status == 404


@pytest.mark.parametrize("path", ["/", WELL_KNOWN, "/anna/", "/anna/contacts/", "/anna", "/anna/contacts"])
def test_who_asks_for_the_principal_must_sign_in(lasting: Lasting, path: str) -> None:
    """A PROPFIND that retrieves it forces authentication, in the same words everywhere (section 7)."""
    challenge = propfind(lasting.site, path, PRINCIPAL)
    assert challenge.status == 401
    # An iPhone takes another realm for another server.
    assert challenge.header("WWW-Authenticate") == 'Basic realm="Evercard", charset="UTF-8"'
    assert challenge == propfind(lasting.site, "/nobody/contacts/", PRINCIPAL)


@pytest.fixture
def named(database_url: str) -> Iterator[tuple[Site, Person]]:
    """Yield a server that knows its name, and somebody there who proved an address."""
    with opened(database_url, storage={"type": "radicale_plugin.storage", "base_url": "https://evercard.test"}) as site:
        person = people.register(site.database, "anna.b")
        prove(site, person, "Anna@example.org")
        yield site, person


def prove(site: Site, person: Person, value: str) -> None:
    site.database.write(lambda session: addresses.add(session, person.id, "email", value))


def status(site: Site, login: str, person: Person, path: str = "/") -> int:
    """Return how a device of a person's is answered that signs in as *login*."""
    answer = propfind(site, path, PRINCIPAL, Authorization=basic(login, person.password))
    assert answer.status != 207 or href_in(answer, "D:current-user-principal") == f"/{person.login}/"
    return answer.status


@ON_SQLITE
@pytest.mark.parametrize(
    "login",
    [
        *("anna.b", "Anna.B", "anna.b@evercard.test", "Anna.B@EVERCARD.test"),
        *("anna@example.org", "ANNA@example.ORG", "anna%40example.org", "anna.b%40evercard.test"),
    ],
)
def test_a_login_an_address_and_a_login_with_the_server_s_name_sign_in(named: tuple[Site, Person], login: str) -> None:
    """Also as an iPhone encodes them (section 7); and what they lead to is one place with one name."""
    site, anna = named
    assert status(site, login, anna) == 207
    assert status(site, login, anna, f"/{quote(login)}/contacts/") == (
        207 if "@" in unquote(login) or login == "anna.b" else 403
    )


@ON_SQLITE
@pytest.mark.parametrize(
    "login",
    [
        "anna.b@example.org",
        "anna.b@",
        "@evercard.test",
        "anna@evercard.test",
        "bo@example.org",
        "anna.b%2540evercard.test",
    ],
)
def test_nothing_else_signs_in(named: tuple[Site, Person], login: str) -> None:
    site, anna = named
    assert status(site, login, anna) == 401


@ON_SQLITE
def test_a_percent_sign_in_an_address_is_taken_as_it_is_meant(named: tuple[Site, Person]) -> None:
    site, anna = named
    prove(site, anna, "a%62c@example.org")
    for login in ("a%62c@example.org", "a%2562c%40example.org"):
        assert status(site, login, anna) == 207
    assert status(site, "abc@example.org", anna) == 401


@ON_SQLITE
def test_an_address_signs_in_while_it_is_proved_and_each_of_a_family_with_their_own_password(
    named: tuple[Site, Person],
) -> None:
    site, anna = named
    ben = people.register(site.database, "ben")
    assert status(site, "anna@example.org", ben) == 401
    prove(site, ben, "anna@example.org")
    assert [status(site, "anna@example.org", each) for each in (anna, ben)] == [207, 207]
    site.database.write(lambda session: addresses.remove(session, anna.id, "email", "anna@example.org"))
    assert [status(site, "anna@example.org", each) for each in (anna, ben)] == [401, 207]


@ON_SQLITE
def test_nobody_gets_at_another_s_place_by_an_address_of_theirs(named: tuple[Site, Person]) -> None:
    site, anna = named
    ben = people.register(site.database, "ben")
    for path in ("/anna@example.org/contacts/", "/anna.b@evercard.test/contacts/"):
        assert status(site, "ben", ben, path) == 403
        assert status(site, "ben@evercard.test", ben, path) == 403
    assert status(site, "anna@example.org", anna, "/ben/contacts/") == 403


@ON_SQLITE
def test_a_login_is_one_person_s_and_never_an_address(site: Site) -> None:
    """Logins are unique in any case, and none looks like another's address (section 7)."""
    people.register(site.database, "anna")
    with pytest.raises(AlreadyExists):
        site.database.write(lambda session: registration.create(session, "ANNA"))
    with pytest.raises(InvalidInput):
        site.database.write(lambda session: registration.create(session, "anna@evercard.test"))
