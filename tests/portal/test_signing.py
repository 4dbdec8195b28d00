"""Signing up, in and out, as somebody does it with forms."""

from __future__ import annotations

import time

import pytest

from sync.accounts import registration
from sync.accounts.rate_limits import Limit
from sync.database import accounts
from sync.database.engine import Session
from sync.models import BrowserSession
from sync.sign_in import credentials, sessions, signing_in
from tests.portal.conftest import PASSWORD
from tests.support import factories, forms
from tests.support.forms import Page, Visitor
from tests.support.newcomers import signed_up
from tests.support.site import Site


def sign_up(visitor: Visitor, login: str = "cleo", password: str = PASSWORD) -> Page:
    return signed_up(visitor.get("/sign-up"), "/sign-up", login, password, name="Cleo")


def sign_in(visitor: Visitor, login: str = "anna", password: str = PASSWORD) -> Page:
    return visitor.get("/sign-in").submit("/sign-in", login=login, password=password)


@pytest.fixture
def anna(site: Site) -> int:
    """Return somebody with a password."""

    def make(session: Session) -> int:
        account_id = registration.create(session, "anna")
        credentials.set_password(session, account_id, PASSWORD)
        return account_id

    return site.database.write(make)


def test_somebody_signs_up_and_is_in(visitor: Visitor) -> None:
    page = sign_up(visitor)
    assert page.path == "/"
    assert page.told == ["Welcome! You sign in as cleo."]
    assert "Hello, Cleo" in page.text


def test_somebody_comes_back(visitor: Visitor, anna: int) -> None:
    assert sign_in(visitor).path == "/"
    assert visitor.get("/account/").status == 200
    page = visitor.get("/settings/").submit("/sign-out")
    assert page.told == ["You are signed out."]
    assert visitor.get("/account/").location == "/sign-in?next=/.web/account/"


@pytest.mark.parametrize(("login", "password"), [("anna", "wrong password"), ("nobody", PASSWORD)])
def test_whatever_is_wrong_is_told_alike(visitor: Visitor, anna: int, login: str, password: str) -> None:
    page = sign_in(visitor, login, password)
    assert page.status == 400
    assert page.told == ["The login or the password is wrong."]
    assert not page.document.xpath("//input[@type='password'][@value!='']")


def test_too_many_tries_are_told_with_the_wait(
    site: Site, visitor: Visitor, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_in, "PAIR", Limit("sign-in", 2, 900))
    for _ in range(2):
        assert sign_in(visitor, "anna", "wrong password").status == 400
    page = sign_in(visitor)
    assert page.status == 429
    assert page.told[0].startswith("That was tried too often.")
    assert sign_in(Visitor(site, address="198.51.100.7")).status == 200
    chinese = sign_in(Visitor(site, language="zh-CN"))
    assert chinese.told[0].startswith("尝试次数过多")


def test_who_was_sent_to_sign_in_gets_where_they_wanted(visitor: Visitor, anna: int) -> None:
    page = visitor.get("/account/?from=there").followed()
    assert page.path.startswith("/sign-in?next=")
    assert page.submit("/sign-in", login="anna", password=PASSWORD).path == "/account/?from=there"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/.web/\\..\\..\\evil",
        "\t//evil.example",
        "/.web/\n//evil.example",
        "/.webx",
        "/anna/contacts/",
        "javascript:alert(1)",
        "",
    ],
)
def test_nobody_is_sent_anywhere_else(visitor: Visitor, anna: int, wanted: str) -> None:
    sent = {"login": "anna", "password": PASSWORD, "csrf_token": visitor.token()}
    url = visitor.client.build_request("GET", "/.web/sign-in", params={"next": wanted}).url
    assert visitor.send(str(url), sent).location == "/"
    assert visitor.get(f"/sign-in?{url.query.decode()}").location == "/"


def test_the_cookie_is_another_one_inside(visitor: Visitor, anna: int) -> None:
    """What somebody put into a browser before its user signed in is worth nothing afterwards, nor is an old token."""
    visitor.get("/sign-in")
    before = visitor.client.cookies["evercard"]
    token = visitor.token()
    sign_in(visitor)
    assert visitor.send("/.web/sign-out", {"csrf_token": token}).status == 400
    inside = visitor.client.cookies["evercard"]
    visitor.get("/settings/").submit("/sign-out")
    for old in (before, inside):
        visitor.client.cookies.clear()
        visitor.client.cookies.set("evercard", old, domain="evercard.test", path="/.web/")
        assert visitor.get("/account/").status == 303


def test_a_made_up_cookie_is_nobody_s(visitor: Visitor) -> None:
    for value in ("x", "eyJ2aXNpdCI6IngifQ.x.y", '"', "\x7f"):
        visitor.client.cookies.clear()
        visitor.client.cookies.set("evercard", value, domain="evercard.test", path="/.web/")
        assert visitor.get("/account/").status == 303


def test_cookies_are_for_the_browser_and_this_server_alone(database_url: str) -> None:
    """By https the cookie never travels without encryption, and its name makes browsers insist on that."""
    for base_url, name, secure in (
        ("http://evercard.test", "evercard", False),
        ("https://evercard.test", "__Secure-evercard", True),
    ):
        with forms.opened(database_url, base_url=base_url) as site:
            cookie = site.call("GET", "/.web/sign-in").header("Set-Cookie")
        assert cookie.startswith(f"{name}=")
        assert {"HttpOnly", "SameSite=Lax", "Path=/.web/"} <= set(cookie.split("; "))
        assert ("Secure" in cookie.split("; ")) == secure


def test_the_password_of_a_device_opens_nothing_here(site: Site, visitor: Visitor, anna: int) -> None:
    _, password = site.database.write(lambda session: credentials.add_device(session, anna, "Phone"))
    assert sign_in(visitor, "anna", password).status == 400
    visitor.client.auth = ("anna", password)
    answer = visitor.get("/account/")
    assert answer.status == 303
    assert "WWW-Authenticate" not in answer.response.headers
    visitor.client.auth = ("anna", "nonsense")
    assert visitor.get("/sign-in").status == 200


@pytest.mark.parametrize(
    ("login", "password", "told"),
    [
        ("anna", PASSWORD, "The login 'anna' is taken."),
        ("no spaces", PASSWORD, "A login has 1 to 64 small letters or digits"),
        ("cleo", "short", "Field must be between 10 and 1000 characters long."),
        ("", "", "This field is required."),
    ],
)
def test_a_sign_up_that_cannot_be_says_why(
    site: Site, visitor: Visitor, anna: int, login: str, password: str, told: str
) -> None:
    page = sign_up(visitor, login, password)
    assert page.status == 400
    assert page.told[0].startswith(told)
    with site.database.reading() as session:
        assert [account.login for account in accounts.everybody(session)] == ["anna"]


def test_what_was_typed_stays_but_for_the_password(visitor: Visitor) -> None:
    page = sign_up(visitor, '"><b>x', PASSWORD)
    assert page.fields("/sign-up")["login"] == '"><b>x'
    assert page.fields("/sign-up")["password"] == ""


@pytest.mark.parametrize("mode", ["closed", "invited"])
def test_nobody_signs_up_where_that_is_closed(database_url: str, mode: str) -> None:
    with forms.opened(database_url, sign_up=mode) as site:
        visitor = Visitor(site)
        assert "Sign up" not in visitor.get("/").text
        assert visitor.get("/sign-up").status == 400
        page = visitor.post("/sign-up", {"name": "Cleo", "login": "cleo", "password": PASSWORD})
        assert page.status == 400
        assert "Nobody can sign up here by themselves" in page.text
        with site.database.reading() as session:
            assert accounts.everybody(session) == []


def test_a_new_password_signs_every_other_browser_out(site: Site, visitor: Visitor, anna: int) -> None:
    other = Visitor(site)
    sign_in(visitor)
    sign_in(other)
    page = visitor.get("/account/").submit("/account/password", old=PASSWORD, new="another password")
    assert page.path == "/account/"
    assert page.told[0].startswith("Your password was changed.")
    assert other.get("/account/").status == 303
    assert sign_in(other).status == 400
    assert sign_in(other, "anna", "another password").status == 200


def test_a_wrong_password_changes_nothing(visitor: Visitor, anna: int) -> None:
    sign_in(visitor)
    page = visitor.get("/account/").submit("/account/password", old="wrong", new="another password")
    assert (page.status, page.told) == (400, ["This is not your password."])
    page = visitor.get("/account/")
    assert page.status == 200, (page.location, page.text)


def test_browsers_are_signed_out_from_elsewhere(site: Site, visitor: Visitor, anna: int) -> None:
    other, third = (Visitor(site).signed_in(anna) for _ in range(2))
    sign_in(visitor)
    ids = [visit.id for visit in sessions_of(site, anna)]
    page = visitor.get("/account/")
    assert page.text.count("Test") == 3
    for session_id in ids:
        assert page.form(f"/account/browsers/{session_id}/end") is not None
    visitor.post("/account/browsers/end")
    assert [browser.get("/account/").status for browser in (other, third, visitor)] == [303, 303, 200]
    (last,) = sessions_of(site, anna)
    page = visitor.get("/account/").submit(f"/account/browsers/{last.id}/end")
    assert page.path == "/"
    assert visitor.get("/account/").status == 303


def test_nobody_signs_another_person_out(site: Site, visitor: Visitor, anna: int) -> None:
    bo = Visitor(site).signed_in(factories.person(site.database, "bo"))
    sign_in(visitor)
    (visit,) = sessions_of(site, anna)
    page = bo.post(f"/account/browsers/{visit.id}/end").followed()
    assert page.told == ["There is no such browser."]
    page = visitor.get("/account/")
    assert page.status == 200, (page.location, page.text)


def sessions_of(site: Site, account_id: int) -> list[BrowserSession]:
    with site.database.reading() as session:
        return list(sessions.sessions_of(session, account_id))


def test_a_closed_account_is_out_at_once(site: Site, visitor: Visitor, anna: int) -> None:
    sign_in(visitor)
    site.database.write(lambda session: registration.set_disabled(session, anna, disabled=True))
    assert visitor.get("/account/").status == 303


def test_the_language_is_chosen_and_kept(site: Site, visitor: Visitor, anna: int) -> None:
    page = visitor.get("/sign-in").submit("/language", language="zh-Hans")
    assert page.path == "/sign-in"
    assert page.document.get("lang") == "zh-Hans"
    assert "登录" in page.text
    assert sign_in(visitor).document.get("lang") == "zh-Hans"
    assert visitor.post("/language", {"language": "xx", "next": "//evil.example"}).location == "/"
    assert visitor.get("/").document.get("lang") == "zh-Hans"


def test_htmx_is_sent_to_sign_in_as_a_whole(visitor: Visitor) -> None:
    """A part of a page is no place for the form to sign in."""
    answer = visitor.get("/account/", HX_Request="true")
    assert answer.status == 204
    assert answer.response.headers["HX-Redirect"] == "/.web/sign-in"


def test_a_clock_that_is_put_back_signs_nobody_out(
    visitor: Visitor, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(visitor)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    page = visitor.get("/account/")
    assert page.status == 200, (page.location, page.text)
