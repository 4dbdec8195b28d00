"""Signing in by the provider of an organisation: what lets somebody in, and everything that must not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from sync import worker
from sync.accounts import acts, addresses
from sync.accounts.addresses import EMAIL
from sync.database import accounts
from sync.models import OrganisationIdentity
from sync.openid import arriving
from sync.openid.provider import LIFETIME, Provider
from sync.sharing.visibility import fields_of
from sync.sign_in import administrators, credentials, people_list
from tests.support import forms
from tests.support import organisation as providers
from tests.support.factories import people, person
from tests.support.forms import ORIGIN, ROOT, Page, Visitor
from tests.support.organisation import LocalProvider
from tests.support.people import register
from tests.support.site import Site

PASSWORD = "correct horse battery"
BACK = f"{ORIGIN}/.web/organisation/back"
ANNA = {"name": "Anna Chen", "preferred_username": "Anna.Chen", "phone_number": "+49 30 5555 0101"}
PROVED = {"email": "anna@example.org", "email_verified": True}


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    """Yield a provider at which somebody is, whom it calls 42."""
    with providers.serving(BACK) as made:
        made.claims["42"] = {**ANNA, **PROVED}
        yield made


@contextmanager
def opened(database_url: str, provider: LocalProvider, **options: str) -> Iterator[Site]:
    """Make a server whose people can sign in by the provider."""
    ours = {"oidc_issuer": provider.issuer, "oidc_client_id": providers.CLIENT, "oidc_client_secret": providers.SECRET}
    with forms.opened(database_url, **ours, oidc_name="Club", **options) as site:
        yield site


@pytest.fixture
def site(database_url: str, provider: LocalProvider) -> Iterator[Site]:
    """Yield a server that makes accounts for those who come, and lets the provider fill a field."""
    with opened(database_url, provider, oidc_sign_up="True", oidc_fields="office-phone=phone_number") as made:
        yield made


def prove(site: Site, account_id: int) -> None:
    """Let somebody have proved the address that the provider says."""
    site.database.write(lambda session: addresses.add(session, account_id, EMAIL, "anna@example.org"))


def logins(site: Site) -> list[str]:
    with site.database.reading() as session:
        return [each.login for each in accounts.everybody(session)]


def start(visitor: Visitor, path: str = "/organisation/start") -> str:
    """Begin, and return where the browser is sent."""
    answer = visitor.get(path)
    assert answer.status == 303, answer.text
    return str(answer.response.headers["Location"])


def come(visitor: Visitor, provider: LocalProvider, subject: str = "42", path: str = "/organisation/start") -> Page:
    """Go to the provider, sign in there, and come back."""
    return returned(visitor, provider.answer_of(start(visitor, path), subject))


def returned(visitor: Visitor, address: str) -> Page:
    assert address.startswith(BACK)
    return visitor.get(address.removeprefix(ORIGIN + ROOT))


def is_inside(visitor: Visitor) -> bool:
    return visitor.get("/settings/").status == 200


def test_the_first_sign_in_makes_the_account_and_the_next_opens_it(site: Site, provider: LocalProvider) -> None:
    visitor = Visitor(site)
    assert "Sign in by Club" in visitor.get("/sign-in").text
    page = come(visitor, provider, path="/organisation/start?next=/.web/card/")
    assert (page.status, page.location) == (303, "/card/")
    assert logins(site) == ["anna.chen"]
    card = visitor.get("/card/")
    assert "From your organisation" in card.text
    with site.database.reading() as session:
        (field,) = fields_of(session, accounts.find(session, "anna.chen"))
    assert card.document.xpath(f"//form[contains(@action, '/fields/{field.id}/remove')]") == []
    assert "from your organisation" in visitor.post(f"/card/fields/{field.id}/remove").followed().text.lower()
    provider.claims["42"]["phone_number"] = "+49 30 5555 0202"
    other = Visitor(site)
    come(other, provider)
    assert logins(site) == ["anna.chen"]
    assert "0202" in other.get("/card/").text


def test_a_login_that_somebody_has_is_not_taken_from_them(site: Site, provider: LocalProvider) -> None:
    person(site.database, "anna.chen")
    assert is_inside_after(site, provider)
    assert logins(site) == ["anna.chen", "anna.chen2"]


def is_inside_after(site: Site, provider: LocalProvider, subject: str = "42") -> bool:
    visitor = Visitor(site)
    come(visitor, provider, subject)
    return is_inside(visitor)


def test_without_the_option_nobody_gets_an_account(database_url: str, provider: LocalProvider) -> None:
    with opened(database_url, provider) as site:
        anna = person(site.database, "anna.chen")
        prove(site, anna)
        visitor = Visitor(site)
        page = come(visitor, provider)
        assert (page.status, is_inside(visitor)) == (400, False)
        assert "No account here is linked with this sign-in." in page.text
        assert logins(site) == ["anna.chen"]


def test_who_is_signed_in_links_an_identity_by_confirming_it(database_url: str, provider: LocalProvider) -> None:
    with opened(database_url, provider) as site:
        anna, bo = people(site.database, "anna", "bo")
        mine, theirs = Visitor(site).signed_in(anna), Visitor(site).signed_in(bo)
        assert "Link it" in mine.get("/account/").text
        page = come(mine, provider)
        assert "Club knows you as Anna.Chen." in page.text
        assert not is_inside_after(site, provider)
        token = page.fields("/organisation/link")["token"]
        theirs.post("/organisation/link", {"token": token})
        assert mine.post("/organisation/link", {"token": token}, origin="https://evil.example").status == 400
        assert not is_inside_after(site, provider)
        assert page.submit("/organisation/link").told == ["From now on you can sign in by your organisation."]
        assert page.submit("/organisation/link").told[0].startswith("This link does not work any more")
        assert is_inside_after(site, provider)
        assert "linked with an account already" in come(theirs, provider).text


@pytest.mark.parametrize(
    ("claims", "owners", "link", "lets_in"),
    [
        (PROVED, ["anna"], True, True),
        ({**PROVED, "email": "ANNA@Example.org"}, ["anna"], True, True),
        (PROVED, ["anna"], False, False),
        ({**PROVED, "email_verified": False}, ["anna"], True, False),
        ({**PROVED, "email_verified": "true"}, ["anna"], True, False),
        ({"email": "anna@example.org"}, ["anna"], True, False),
        (PROVED, [], True, False),
        (PROVED, ["anna", "bo"], True, False),
    ],
)
def test_an_address_links_only_where_it_is_proved_on_both_sides_and_one_person_s(
    database_url: str,
    provider: LocalProvider,
    claims: dict[str, object],
    owners: list[str],
    *,
    link: bool,
    lets_in: bool,
) -> None:
    provider.claims["42"] = {**ANNA, **claims}
    with opened(database_url, provider, oidc_link_by_email=str(link)) as site:
        for login in ("anna", "bo"):
            account_id = person(site.database, login)
            if login in owners:
                prove(site, account_id)
        assert is_inside_after(site, provider) is lets_in
        assert logins(site) == ["anna", "bo"]
        provider.claims["43"] = {**ANNA, **PROVED}
        assert not is_inside_after(site, provider, "43") or not lets_in


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"iss": "https://evil.example"},
        {"aud": ["another"]},
        {"aud": [providers.CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 1_700_000_000},
        {"nonce": None},
        {"sub": ""},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_sign_in_lets_nobody_in(
    site: Site, provider: LocalProvider, wrong: dict[str, object]
) -> None:
    provider.wrong = wrong
    visitor = Visitor(site)
    page = come(visitor, provider)
    assert (page.status, is_inside(visitor), logins(site)) == (400, False, [])
    assert "Your organisation's answer is not valid here" in page.text
    assert all(str(value) not in page.text for value in wrong.values() if isinstance(value, str) and value)


def test_a_token_signed_with_another_key_lets_nobody_in(site: Site, provider: LocalProvider) -> None:
    provider.sign_with = providers.OTHER_KEY
    visitor = Visitor(site)
    assert come(visitor, provider).status == 400
    assert not is_inside(visitor)


def test_a_token_without_a_signature_lets_nobody_in(
    site: Site, provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsigned(header: dict[str, str], claims: dict[str, object], *_: object) -> str:
        parts = (json.dumps(part).encode() for part in ({**header, "alg": "none"}, claims))
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."

    monkeypatch.setattr("authlib.oidc.core.grants.code.jwt.encode", unsigned)
    visitor = Visitor(site)
    assert come(visitor, provider).status == 400
    assert not is_inside(visitor)


def test_what_another_browser_began_lets_nobody_in(site: Site, provider: LocalProvider) -> None:
    """Somebody who makes another follow their own link back signs nobody in: the browser began nothing."""
    attacker, victim = Visitor(site), Visitor(site)
    address = provider.answer_of(start(attacker), "42")
    assert returned(victim, address).status == 400
    start(victim)
    assert returned(victim, address).status == 400
    assert not is_inside(victim)
    assert provider.codes


@pytest.mark.parametrize("change", ["state", "code", "issuer", "none", "late"])
def test_an_answer_that_is_not_the_one_that_was_waited_for_lets_nobody_in(
    site: Site, provider: LocalProvider, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    visitor = Visitor(site)
    address = provider.answer_of(start(visitor), "42")
    values = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
    match change:
        case "state":
            values["state"] = values["state"][::-1]
        case "code":
            values["code"] = "x"
        case "issuer":
            values["iss"] = "https://evil.example"
        case "none":
            values = {"error": "access_denied", "state": values["state"]}
        case _:
            late = time.time() + LIFETIME + 1
            monkeypatch.setattr("sync.openid.provider.time.time", lambda: late)
    assert visitor.get(f"/organisation/back?{forms.query(**values)}").status == 400
    assert not is_inside(visitor)


def test_a_code_works_once(site: Site, provider: LocalProvider) -> None:
    visitor = Visitor(site)
    address = provider.answer_of(start(visitor), "42")
    kept = dict(visitor.client.cookies)
    returned(visitor, address)
    assert is_inside(visitor)
    thief = Visitor(site)
    for name, value in kept.items():
        thief.client.cookies.set(name, value, domain="evercard.test", path=f"{ROOT}/")
    assert returned(thief, address).status == 400
    assert not is_inside(thief)


def test_while_the_provider_is_down_a_password_still_opens(site: Site, provider: LocalProvider) -> None:
    anna = person(site.database, "anna")
    site.database.write(lambda session: credentials.set_password(session, anna, PASSWORD))
    waiting = Visitor(site)
    address = provider.answer_of(start(waiting), "42")
    provider.is_down = True
    assert returned(waiting, address).status == 503
    page = Visitor(site).get("/sign-in").submit("/sign-in", login="anna", password=PASSWORD)
    assert page.status == 200


def test_a_provider_that_does_not_answer_at_all_is_told_so(
    database_url: str, provider: LocalProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.is_down = True
    with opened(database_url, provider) as site:
        page = Visitor(site).get("/organisation/start")
        assert page.status == 503
        assert "does not answer now" in page.text
        asked = len(provider.asked)
        assert Visitor(site).get("/organisation/start").status == 503
        assert len(provider.asked) == asked, "whoever comes next waits as long"
    assert providers.SECRET not in caplog.text


def test_a_browser_is_sent_nowhere_else_afterwards(site: Site, provider: LocalProvider) -> None:
    for wanted in ("//evil.example/", "https://evil.example/", "/.web/\\\\evil"):
        page = come(Visitor(site), provider, path=f"/organisation/start?{forms.query(next=wanted)}")
        assert page.location == "/"


def test_who_signs_out_can_sign_out_there_as_well(site: Site, provider: LocalProvider) -> None:
    visitor = Visitor(site)
    come(visitor, provider)
    page = visitor.get("/settings/").submit("/sign-out")
    (address,) = page.document.xpath("//main//a[contains(@href, '/end?')]/@href")
    assert address.startswith(f"{provider.issuer}/end?client_id=evercard&post_logout_redirect_uri=http")
    assert not is_inside(visitor)


def test_who_is_shut_out_here_does_not_come_in_by_the_provider(site: Site, provider: LocalProvider) -> None:
    assert is_inside_after(site, provider)
    with site.database.reading() as session:
        anna = accounts.find(session, "anna.chen")
    site.database.write(lambda session: administrators.disable(session, anna))
    visitor = Visitor(site)
    assert "This account is closed" in come(visitor, provider).text
    assert not is_inside(visitor)


def wait(site: Site) -> None:
    """Let the time pass after which the provider is asked."""
    values = {"looked_at": OrganisationIdentity.looked_at - arriving.LOOK}
    site.database.write(lambda session: session.execute(update(OrganisationIdentity).values(**values)))


def test_who_is_gone_there_is_shut_out_at_the_next_look_and_let_in_when_they_are_back(
    site: Site, provider: LocalProvider
) -> None:
    visitor = Visitor(site)
    come(visitor, provider)
    ours, database = Provider(site.database.settings.organisation, BACK), site.database
    with database.reading() as session:
        anna = accounts.find(session, "anna.chen")
    password = database.write(lambda session: credentials.add_device(session, anna, "Phone"))[1]
    gate = credentials.Gate(database)
    assert arriving.look(database, ours) == 0
    wait(site)
    provider.claims["42"]["phone_number"] = "+49 30 5555 0303"
    assert arriving.look(database, ours) == 0
    assert "0303" in visitor.get("/card/").text
    provider.is_down = True
    gone = provider.claims.pop("42")
    for _ in range(2):
        wait(site)
        assert arriving.look(database, ours) == 0
        assert is_inside(visitor)
    provider.is_down = False
    wait(site)
    assert arriving.look(database, ours) == 1
    assert (is_inside(visitor), gate.admit("anna.chen", password)) == (False, None)
    wait(site)
    assert arriving.look(database, ours) == 0
    provider.claims["42"] = gone
    come(visitor, provider)
    assert is_inside(visitor)
    assert gate.admit("anna.chen", password) is not None
    said = visitor.get("/settings/administrators").text
    assert "Account closed by your organisation" in said
    with database.reading() as session:
        assert [act.what for act in acts.about(session, anna).acts if act.what not in (acts.FILL, acts.REGISTER)] == [
            acts.ENABLE,
            acts.DISABLE,
        ]


def test_whoever_was_shut_out_by_an_administrator_stays_so(site: Site, provider: LocalProvider) -> None:
    assert is_inside_after(site, provider)
    with site.database.reading() as session:
        anna = accounts.find(session, "anna.chen")
    site.database.write(lambda session: administrators.disable(session, anna))
    gone = provider.claims.pop("42")
    wait(site)
    assert worker._looking(site.database)() == 0
    provider.claims["42"] = gone
    assert not is_inside_after(site, provider)
    with site.database.reading() as session:
        assert people_list.one(session, anna).is_disabled


def test_no_token_of_the_provider_s_is_in_the_database_as_it_is(site: Site, provider: LocalProvider) -> None:
    assert is_inside_after(site, provider)
    stored = b"".join(file.read_bytes() for file in _files(site))
    assert provider.refreshing
    assert [token for token in (*provider.refreshing, *provider.tokens) if token.encode() in stored] == []


def _files(site: Site) -> list[Path]:
    main = Path(str(site.database.url.database))
    return [file for file in main.parent.iterdir() if file.name.startswith(main.name)]


def test_devices_keep_passwords_of_their_own(site: Site, provider: LocalProvider) -> None:
    assert is_inside_after(site, provider)
    anna = register(site.database, "somebody")
    assert site.call("PROPFIND", "/somebody/", person=anna).status == 207


def test_who_has_no_password_here_leaves_by_typing_the_login(site: Site, provider: LocalProvider) -> None:
    visitor = Visitor(site)
    come(visitor, provider)
    page = visitor.get("/settings/leave").submit("/settings/leave", login="anna")
    assert (page.status, logins(site)) == (400, ["anna.chen"])
    page.submit("/settings/leave", login="anna.chen")
    assert logins(site) == []
    assert not is_inside(visitor)
    come(visitor, provider)
    assert logins(site) == ["anna.chen2"]


def test_where_there_is_no_organisation_there_is_nothing(database_url: str) -> None:
    with forms.opened(database_url) as plain:
        visitor = Visitor(plain)
        assert [visitor.get(f"/organisation/{name}").status for name in ("start", "back")] == [404, 404]
        assert "Sign in by" not in visitor.get("/sign-in").text
