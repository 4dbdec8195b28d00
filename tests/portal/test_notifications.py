"""A browser is told of changes where its person switched that on, and by nobody else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from sync.push import browsers, keys
from sync.push.browsers import TellingBrowser
from sync.sign_in import sessions
from tests.support.factories import person
from tests.support.forms import ORIGIN, Page, Visitor, opened, portal_of
from tests.support.push_service import Subscriber, base64url, push_service
from tests.support.site import Site

PAGE = "/notifications/"


@pytest.fixture
def local(database_url: str) -> Iterator[Site]:
    """Yield a server that calls push services of this machine."""
    with opened(database_url, push_allow_local="True") as site:
        yield site


@pytest.fixture
def place() -> Iterator[Subscriber]:
    """What a browser's push service gave it."""
    with push_service() as service:
        yield service.subscribe()


def switch_on(visitor: Visitor, place: Subscriber, **other: str) -> Page:
    """Send what the script sends."""
    keys_of_browser = {"public_key": base64url(place.public_key), "auth_secret": base64url(place.auth_secret)}
    return visitor.get(PAGE).submit("/notifications/on", endpoint=place.url, **{**keys_of_browser, **other})


def telling(site: Site, account_id: int) -> list[TellingBrowser]:
    with site.database.reading() as session:
        return list(browsers.telling(session, account_id))


def test_a_browser_is_switched_on_listed_and_switched_off(local: Site, place: Subscriber) -> None:
    anna = person(local.database, "anna")
    here, there = Visitor(local).signed_in(anna), Visitor(local).signed_in(anna)
    page = here.get(PAGE)
    with local.database.reading() as session:
        assert page.document.xpath("//form/@data-key") == [keys.current(session).text]
    assert page.document.xpath("//form[@data-on]") == []
    page = switch_on(here, place)
    assert page.told[0].startswith("This browser tells you from now on")
    assert "This browser tells you." in page.text
    (mine,) = telling(local, anna)
    assert mine.host in page.text
    assert place.url not in page.response.text
    assert "Nothing to tell yet" in page.text
    assert page.document.xpath("//form[@data-on]")
    other = there.get(PAGE)
    assert "This browser tells you." not in other.text
    other.submit(f"/notifications/{mine.session_id}/off")
    assert telling(local, anna) == []
    assert "This browser tells you." not in here.get(PAGE).text


def test_nobody_switches_another_s_browser_off(local: Site, place: Subscriber) -> None:
    anna, bo = person(local.database, "anna"), person(local.database, "bo")
    switch_on(Visitor(local).signed_in(anna), place)
    (mine,) = telling(local, anna)
    Visitor(local).signed_in(bo).post(f"/notifications/{mine.session_id}/off")
    assert telling(local, anna) == [mine]
    assert mine.host not in Visitor(local).signed_in(bo).get(PAGE).text


def test_it_ends_where_one_signs_out(local: Site, place: Subscriber) -> None:
    anna = person(local.database, "anna")
    visitor = Visitor(local).signed_in(anna)
    switch_on(visitor, place)
    visitor.post("/sign-out")
    assert telling(local, anna) == []
    with local.database.reading() as session:
        assert sessions.sessions_of(session, anna) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "https://127.0.0.1:99999/x"},
        {"endpoint": "javascript:alert(1)"},
        {"endpoint": ""},
        {"public_key": "x"},
        {"public_key": "ä"},
        {"auth_secret": "AAAA"},
        {"auth_secret": "A" * 5_000},
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_what_no_message_could_be_sent_by_is_refused(
    local: Site, place: Subscriber, wrong: dict[str, str], language: str
) -> None:
    anna = person(local.database, "anna")
    visitor = Visitor(local, language=language).signed_in(anna)
    said = {
        "endpoint": place.url,
        "public_key": base64url(place.public_key),
        "auth_secret": base64url(place.auth_secret),
    }
    page = visitor.post("/notifications/on", {**said, **wrong}).followed()
    assert page.told[0].startswith("This browser cannot be told" if language == "en" else "无法通知当前浏览器")
    assert telling(local, anna) == []


def test_addresses_of_this_network_are_not_called(site: Site, place: Subscriber) -> None:
    anna = person(site.database, "anna")
    page = switch_on(Visitor(site).signed_in(anna), place)
    assert page.told[0].startswith("This browser cannot be told")
    assert telling(site, anna) == []


def test_where_it_is_off_it_cannot_be_switched_on(database_url: str, place: Subscriber) -> None:
    with opened(database_url, push="False", push_allow_local="True") as site:
        anna = person(site.database, "anna")
        visitor = Visitor(site).signed_in(anna)
        page = visitor.get(PAGE)
        assert "does not tell browsers of changes" in page.text
        assert page.document.xpath("//form[@data-key]") == []
        said = {
            "endpoint": place.url,
            "public_key": base64url(place.public_key),
            "auth_secret": base64url(place.auth_secret),
        }
        visitor.post("/notifications/on", said)
        assert telling(site, anna) == []


def test_the_service_worker_is_for_the_portal_alone_and_says_it_in_every_language(site: Site) -> None:
    """It is at the portal's root, so it sees nothing else of this server; and loads nothing from anywhere."""
    answer = Visitor(site).get("/sw.js")
    assert answer.status == 200
    headers = answer.response.headers
    assert headers["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in headers
    assert "Set-Cookie" not in headers
    policy = Visitor(site).get("/sign-in").response.headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"] == policy
    assert "default-src 'none'; script-src 'self'" in policy
    assert "worker-src" not in policy
    code = answer.response.text
    assert not re.search(r"importScripts|\beval\b|fetch", code)
    said = json.loads(re.match(r"const SAID = (\{.*\});\n", code)[1])  # type: ignore[index]
    assert said["texts"]["en"]["kinds"]["mobile"] == "Mobile phone"
    assert said["texts"]["zh-Hans"]["kinds"]["mobile"] == "手机"
    assert said["texts"]["zh-Hans"]["changed"] == "新增或更改：{}"
    assert portal_of(site).url_map.bind("x").match("/sw.js")[0] == "notifications.worker"
    assert said["icon"].startswith("/.web/static/icon-192.png")
    assert ORIGIN not in code
