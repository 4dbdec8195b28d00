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
  from them": the second. An address cannot be a login, so the two never conflict.
"""

from __future__ import annotations

import pytest

from sync.accounts import registration
from sync.errors import AlreadyExists, InvalidInput
from tests.dav.asking import href_in, multiget_body, propfind, report, responses
from tests.support import people
from tests.support.site import ON_SQLITE, Lasting, Site, basic

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


@ON_SQLITE
def test_a_login_is_what_is_before_the_at_sign(site: Site) -> None:
    """The local part of an address signs in; the whole one does not, so that a client tries the part (section 7)."""
    person = people.register(site.database, "anna.b")
    for login, status in (("anna.b", 207), ("Anna.B", 207), ("anna.b@evercard.test", 401)):
        answer = propfind(site, "/", PRINCIPAL, Authorization=basic(login, person.password))
        assert answer.status == status, login
        assert status != 207 or href_in(answer, "D:current-user-principal") == "/anna.b/"


@ON_SQLITE
def test_a_login_is_one_person_s_and_never_an_address(site: Site) -> None:
    """Logins are unique in any case, and none looks like another's address (section 7)."""
    people.register(site.database, "anna")
    with pytest.raises(AlreadyExists):
        site.database.write(lambda session: registration.create(session, "ANNA"))
    with pytest.raises(InvalidInput):
        site.database.write(lambda session: registration.create(session, "anna@evercard.test"))
