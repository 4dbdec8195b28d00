"""Devices: setting one up by hand and by a profile, and shutting it out."""

from __future__ import annotations

import plistlib
import re
import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from radicale_plugin.web import set_up
from sync.accounts import registration
from sync.sign_in import credentials
from sync.sign_in.credentials import Gate
from tests.portal.conftest import Cast
from tests.support import dav, forms
from tests.support.forms import Page, Visitor
from tests.support.site import Site, Transport
from tests.support.waiting import until


@pytest.fixture
def anna(cast_site: Site, cast: Cast) -> Visitor:
    """Return Anna, who is signed in."""
    return Visitor(cast_site).signed_in(cast.ids["anna"])


def made(visitor: Visitor, key: str, label: str = "Test") -> Page:
    return visitor.get(f"/devices/new/{key}").submit(f"/devices/new/{key}", label=label)


def secret(page: Page) -> str:
    (value,) = page.document.xpath("//input[@id='secret']/@value")
    return str(value)


def phone(site: Site, login: str, password: str) -> dav.Client:
    return dav.Client(dav.http(forms.ORIGIN, transport=Transport(site)), login, password)


@pytest.mark.parametrize("key", [each.key for each in set_up.CLIENTS])
def test_every_program_gets_a_password_that_works(cast_site: Site, anna: Visitor, key: str) -> None:
    before = anna.get("/devices/").text
    page = made(anna, key, "My very own")
    assert page.status == 200
    assert page.told[0].startswith("Waiting for “My very own”…")
    replica = dav.Replica(phone(cast_site, "anna", secret(page)))
    replica.sync()
    assert replica.cards
    assert "My very own" not in before
    assert "My very own" in anna.get("/devices/").text
    until(lambda: "Up to date" in anna.get("/devices/").text)


#: Of programs that no push reaches, what each is told of the shortest interval and the switch, in both languages.
INTERVALS = {
    "iphone": ("Fetch New Data: “Every 15 Minutes” is the shortest", "获取新数据：最短为“每 15 分钟”"),
    "mac": (
        "Contacts › Settings › Accounts › Fetch: choose the shortest",
        "通讯录 › 设置 › 账户 › 获取：请选择其中最短的",
    ),
    "thunderbird": ("Properties › Synchronize: “every minute” is the shortest", "属性 › 同步：最短为“每分钟”"),
    "evolution": ("Refresh every: one minute is the shortest", "刷新间隔：最短为一分钟"),
    "android": ("Contacts sync interval: 15 minutes is the shortest", "“通讯录自动同步间隔”中，最短为“每 15 分钟”"),
}


@pytest.mark.parametrize("key", INTERVALS)
def test_a_program_that_is_not_called_is_told_how_often_it_can_ask_and_where_that_is_set(
    cast_site: Site, cast: Cast, key: str
) -> None:
    for tag, said in zip(("en", "zh-CN"), INTERVALS[key], strict=True):
        visitor = Visitor(cast_site, language=tag).signed_in(cast.ids["chiara"])
        page = made(visitor, key, tag)
        assert said in " ".join(page.document.text_content().split()), tag


def test_a_password_is_on_one_page_alone(anna: Visitor) -> None:
    password = secret(made(anna, "other"))
    for path in ("/devices/", "/devices/new/other", "/settings/", "/"):
        assert password not in anna.get(path).response.text


def test_the_page_of_a_password_is_kept_nowhere(anna: Visitor) -> None:
    page = made(anna, "iphone")
    assert page.response.headers["Cache-Control"] == "no-store"
    assert not page.response.is_redirect
    assert secret(page) not in str(page.response.url)


def test_a_device_that_is_shut_out_gets_nothing_more(cast_site: Site, anna: Visitor) -> None:
    page = made(anna, "other", "Lost")
    client = phone(cast_site, "anna", secret(page))
    assert client.listing()
    (action,) = anna.get("/devices/").document.xpath("//li[.//b='Lost']//form/@action")
    after = anna.send(action, {"csrf_token": anna.token()}).followed()
    assert after.told[0].startswith("The device is shut out")
    assert client.request("PROPFIND", client.book).status == 401
    again = anna.send(action, {"csrf_token": anna.token()}).followed()
    assert again.told == ["There is no such device."]


def test_nobody_shuts_another_s_device_out(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    bo = cast.ids["bo"]
    device_id, password = cast_site.database.write(lambda session: credentials.add_device(session, bo, "Bo's"))
    assert anna.post(f"/devices/{device_id}/revoke").followed().told == ["There is no such device."]
    assert Gate(cast_site.database).admit("bo", password) is not None


def profile(visitor: Visitor, page: Page) -> dict[str, Any]:
    answer = page.submit("/devices/profile")
    assert answer.status == 200
    assert answer.response.headers["Content-Type"] == "application/x-apple-aspen-config"
    assert answer.response.headers["Cache-Control"] == "no-store"
    read: dict[str, Any] = plistlib.loads(answer.response.content)
    return read


def test_a_profile_has_all_that_an_iphone_needs(cast_site: Site, anna: Visitor) -> None:
    page = made(anna, "iphone")
    outer = profile(anna, page)
    (account,) = outer["PayloadContent"]
    assert outer["PayloadType"] == "Configuration"
    assert account["PayloadType"] == "com.apple.carddav.account"
    assert account["CardDAVHostName"] == "evercard.test"
    assert account["CardDAVPort"] == 80
    assert account["CardDAVUseSSL"] is False
    assert account["CardDAVPrincipalURL"] == "/anna/"
    client = phone(cast_site, account["CardDAVUsername"], account["CardDAVPassword"])
    assert client.propfind(account["CardDAVPrincipalURL"], depth="0").keys() == {"/anna/"}
    uuids = {outer["PayloadUUID"], account["PayloadUUID"]}
    assert {str(uuid.UUID(each)).upper() for each in uuids} == uuids
    assert len(uuids) == 2
    identifiers = [outer["PayloadIdentifier"], account["PayloadIdentifier"]]
    assert identifiers == ["test.evercard.evercard.anna", "test.evercard.evercard.anna.carddav"]


def test_a_second_profile_takes_the_place_of_the_first(anna: Visitor) -> None:
    first, second = (profile(anna, made(anna, "mac", label)) for label in ("At home", "At work"))
    assert first["PayloadIdentifier"] == second["PayloadIdentifier"]
    assert first["PayloadUUID"] != second["PayloadUUID"]


def test_a_server_with_https_and_a_path_is_found(database_url: str) -> None:
    with forms.opened(database_url, base_url="https://cards.example.org:8443") as site:
        person = site.database.write(lambda session: registration.create(session, "cleo.x"))
        access = set_up.Access(forms.portal_of(site).place, "cleo.x", 7, "abcd-efgh")
        (account,) = plistlib.loads(access.profile("Cards"))["PayloadContent"]
        assert person
    assert (account["CardDAVHostName"], account["CardDAVPort"]) == ("cards.example.org", 8443)
    assert account["CardDAVUseSSL"] is True
    assert access.link == "davx5://cleo.x:abcd-efgh@cards.example.org:8443/"


@pytest.mark.parametrize("password", ["", "nonsense", "abcd-" * 7 + "abcd", "\0", "é" * 32])
def test_no_profile_is_made_of_what_is_no_password(anna: Visitor, password: str) -> None:
    answer = anna.post("/devices/profile", {"password": password})
    assert answer.status == 400
    assert "no device in any more" in answer.text


def test_no_profile_is_made_of_another_s_password(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    _, password = cast_site.database.write(lambda session: credentials.add_device(session, cast.ids["bo"], "Bo's"))
    assert anna.post("/devices/profile", {"password": password}).status == 400


def test_the_link_for_android_has_everything(anna: Visitor) -> None:
    page = made(anna, "android")
    (link,) = page.document.xpath("//a[starts-with(@href, 'carddav:')]/@href")
    split = urlsplit(link)
    assert (split.username, unquote(split.password or ""), split.hostname) == ("anna", secret(page), "evercard.test")
    (code,) = page.document.xpath("//img[@class='code']/@src")
    assert code.startswith("data:image/svg+xml")


def test_a_server_without_encryption_or_address_says_so(database_url: str) -> None:
    for base_url, reservations in (("", 2), ("http://evercard.test", 1), ("https://evercard.test", 0)):
        with forms.opened(database_url, base_url=base_url) as site:
            login = f"p{reservations}"
            account_id = site.database.write(lambda session, login=login: registration.create(session, login))  # type: ignore[misc]
            portal = forms.portal_of(site)
            with portal.test_request_context("/devices/new/iphone"):
                context: dict[str, Any] = {}
                portal.update_template_context(context)
                macros: Any = portal.jinja_env.get_template("devices/macros.html").make_module(context)
                known = bool(site.database.settings.base_url)
                said = str(macros.reservations(portal.place.is_secure, known))
            assert account_id
            assert len(re.findall("told error", said)) == reservations


@pytest.mark.parametrize("label", ["", " ", "x" * 101, "\0\r\n"])
def test_a_device_needs_a_label(anna: Visitor, label: str) -> None:
    page = made(anna, "other", label)
    assert page.status == 400
    assert not page.document.xpath("//input[@id='secret']")


def test_nothing_else_can_be_set_up(anna: Visitor) -> None:
    for key in ("nothing", "steps", "profile", "x" * 5000):
        assert anna.get(f"/devices/new/{key}").status in (400, 404)
