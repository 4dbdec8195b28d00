"""
A notification, in a real browser: switched on in the settings, sent by the worker, shown by the service worker.

The browser's own push service is somewhere else, and asked for nothing here: in its place is one of this machine, whose
subscriptions the page gets, and what it was sent and decrypted is handed to the browser by its debugger. So all of it
is real but the way from the browser's push service into the browser, and the decrypting there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from sync.database.engine import Database, Session
from sync.models import PushSubscription
from sync.push import browsers
from sync.sharing import grants, groups
from sync.sharing.visibility import CONNECTIONS
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers_of_tests
from tests.support.chromium import NARROW, PortalServer
from tests.support.factories import field as add_field
from tests.support.factories import set_field
from tests.support.push_service import PushService, Subscriber, base64url, push_service
from tests.support.waiting import until

#: Lets the page have a subscription of the push service of this machine.
SUBSCRIBES = """
PushManager.prototype.subscribe = async function (options) {
  window.asked = {visible: options.userVisibleOnly, key: [...new Uint8Array(options.applicationServerKey)]};
  return {toJSON: () => (PLACE)};
};
"""


@dataclass
class Delivering:
    """Hands messages to the service worker of a page, as the browser does that got them."""

    page: Page
    registrations: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Watch the service workers of the browser."""
        self.debugger = self.page.context.new_cdp_session(self.page)
        self.debugger.on(
            "ServiceWorker.workerRegistrationUpdated", lambda found: self.registrations.extend(found["registrations"])
        )
        self.debugger.send("ServiceWorker.enable")

    def deliver(self, data: str) -> None:
        """Hand over one message."""
        self._until(lambda: bool(self.registrations))
        origin = self.page.evaluate("location.origin")
        named = {"origin": origin, "registrationId": self.registrations[-1]["registrationId"], "data": data}
        self.debugger.send("ServiceWorker.deliverPushMessage", named)

    def shown(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many notifications, and return what each says."""
        self._until(lambda: len(self._notifications()) >= count)
        return self._notifications()

    def close(self) -> None:
        """Take all notifications away."""
        self.page.evaluate(f"{_NOTIFICATIONS}.then(all => all.forEach(each => each.close()))")

    def _notifications(self) -> list[dict[str, Any]]:
        wanted = "({title, body, lang, tag, data}) => ({title, body, lang, tag, path: data.path})"
        found: list[dict[str, Any]] = self.page.evaluate(f"{_NOTIFICATIONS}.then(all => all.map({wanted}))")
        return sorted(found, key=lambda each: each["title"])

    def _until(self, holds: Callable[[], bool]) -> None:
        for _ in range(300):
            if holds():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("It does not come.")


_NOTIFICATIONS = "navigator.serviceWorker.ready.then(worker => worker.getNotifications())"


@contextmanager
def _window(chromium: Browser, server: PortalServer, place: Subscriber, **options: Any) -> Iterator[Page]:
    keys = {"p256dh": base64url(place.public_key), "auth": base64url(place.auth_secret)}
    script = SUBSCRIBES.replace("PLACE", json.dumps({"endpoint": place.url, "keys": keys}))
    with browsers_of_tests.opened(chromium, server, **options) as page:
        page.context.grant_permissions(["notifications"], origin=server.url)
        page.context.add_init_script(script)
        yield page


def _sign_in(page: Page, login: str) -> None:
    page.goto("sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").click()
    page.locator("nav.nav").wait_for()


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service; every message that it took could be read."""
    with push_service() as service:
        yield service
    assert service.broken == []


@pytest.fixture
def calling(cast: Cast, tmp_path: Path) -> Iterator[PortalServer]:
    """A server that calls push services of this machine."""
    with PortalServer(cast.url, tmp_path, options={"push_allow_local": "True"}) as server:
        yield server
        assert "Traceback" not in server.log.read_text()


@pytest.fixture
def database(cast: Cast) -> Iterator[Database]:
    """The demo's database."""
    database = Database(cast.url)
    yield database
    database.dispose()


@pytest.fixture
def number(database: Database, cast: Cast) -> int:
    """A number of Bo's that Anna sees."""
    bo = cast.ids["bo"]
    number = add_field(database, bo, "mobile", "+86 139 7777 0001")

    def show(session: Session) -> None:
        grants.grant(session, bo, groups.find(session, bo, CONNECTIONS).id, [number])

    database.write(show)
    return number


def _told(database: Database, service: PushService, place: Subscriber, number: int) -> str:
    """Wait for a message, sooner than a person would, and return what its push service read."""

    def is_there() -> bool:
        database.write(lambda session: session.execute(update(PushSubscription).values(not_before=0)))
        return len(service.of(place)) >= number

    until(is_there)
    return service.of(place)[number - 1].text


def test_a_browser_is_told_and_leads_to_the_person(
    chromium: Browser, calling: PortalServer, database: Database, service: PushService, cast: Cast, number: int
) -> None:
    bo, place = cast.ids["bo"], service.subscribe()
    with _window(chromium, calling, place) as page:
        _sign_in(page, "anna")
        page.goto("settings/")
        page.get_by_role("main").get_by_role("link", name="Notifications").click()
        assert browsers_of_tests.look(page) == []
        browsers_of_tests.picture(page, "notifications-off")
        page.get_by_role("button", name="Tell me in this browser").click()
        expect(page.locator("main .told").first).to_contain_text("This browser tells you from now on")
        assert browsers_of_tests.look(page) == []
        browsers_of_tests.picture(page, "notifications-on")
        delivering = Delivering(page)
        set_field(database, bo, number, "+86 139 7777 0002")
        message = _told(database, service, place, 1)
        assert "139 7777" not in message
        delivering.deliver(message)
        (shown,) = delivering.shown(1)
        assert (shown["body"], shown["tag"]) == ("New or changed: Mobile phone", f"person-{bo}")
        assert (shown["lang"], shown["path"]) == ("en", f"people/{bo}")
        assert "Bo" in shown["title"]
        page.goto(shown["path"])
        expect(page.get_by_role("main")).to_contain_text("+86 139 7777 0002")
        page.goto("notifications/")
        expect(page.get_by_role("main")).to_contain_text("Last reached")
        page.get_by_role("button", name="Switch off").click()
        expect(page.locator("main .told").first).to_contain_text("That browser tells you nothing more.")
        with database.reading() as session:
            assert browsers.telling(session, cast.ids["anna"]) == []


def test_what_the_service_worker_shows(chromium: Browser, calling: PortalServer, service: PushService) -> None:
    """In the reader's language, one for each person, a newer in place of an older, and something of anything."""
    dark: dict[str, Any] = {"locale": "zh-CN", "viewport": NARROW, "color_scheme": "dark"}
    with _window(chromium, calling, service.subscribe(), **dark) as page:
        _sign_in(page, "anna")
        page.goto("notifications/")
        assert browsers_of_tests.look(page) == []
        page.evaluate("navigator.serviceWorker.register('../sw.js')")
        delivering = Delivering(page)
        bo = {"id": "7", "name": "<b>陈博</b>", "kinds": ["mobile", "email", "x:x-sport"], "more": 2}
        message = {"language": "zh-Hans", "people": [bo, {**bo, "id": "8", "name": "David", "more": 0}], "more": 3}
        delivering.deliver(json.dumps(message))
        shown = delivering.shown(3)
        assert [each["title"] for each in shown] == ["<b>陈博</b>", "David", "Evercard"]
        assert shown[0]["body"] == "新增或更改：手机、电子邮件、X-SPORT等"
        assert shown[2]["body"] == "另有 3 人更新了名片。"
        assert {each["lang"] for each in shown} == {"zh-Hans"}
        delivering.deliver(json.dumps({**message, "people": [{**bo, "kinds": ["birthday"], "more": 0}], "more": 0}))
        page.wait_for_timeout(500)
        assert len(delivering.shown(3)) == 3
        delivering.close()
        delivering.deliver("{")
        (something,) = delivering.shown(1)
        assert something["body"] == "Somebody changed their card."
        scope = page.evaluate("navigator.serviceWorker.ready.then(worker => worker.scope)")
        assert scope.endswith("/.web/")


def test_a_click_opens_the_person_s_page(
    chromium: Browser, calling: PortalServer, service: PushService, cast: Cast
) -> None:
    """The service worker is asked in its own world: what a click does is what its listener does."""
    with _window(chromium, calling, service.subscribe()) as page:
        context: BrowserContext = page.context
        _sign_in(page, "anna")
        page.goto("notifications/")
        with context.expect_event("serviceworker") as began:
            page.evaluate("navigator.serviceWorker.register('../sw.js')")
        worker = began.value
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        clicked = """async (path) => {
          const [opened, waited] = [[], []];
          self.clients.openWindow = async (url) => { opened.push(url); };
          const event = new Event("notificationclick");
          event.notification = {data: {path}, close: () => opened.push("closed")};
          event.waitUntil = (promise) => waited.push(promise);
          self.dispatchEvent(event);
          await Promise.all(waited);
          return opened;
        }"""
        path = f"people/{cast.ids['bo']}"
        done = worker.evaluate(clicked, path)
        assert done == ["closed", f"{calling.url}/.web/{path}"]


def test_a_browser_without_a_push_service_says_so(chromium: Browser, calling: PortalServer) -> None:
    """And where notifications are not allowed, it is that which it says."""
    with browsers_of_tests.opened(chromium, calling) as page:
        page.context.add_init_script("PushManager.prototype.subscribe = async () => { throw new Error('nobody'); };")
        # What somebody answers whom a browser with a screen asks, first this and then that.
        page.context.add_init_script("Notification.requestPermission = async () => window.answer || 'denied';")
        _sign_in(page, "anna")
        page.goto("notifications/")
        page.get_by_role("button", name="Tell me in this browser").click()
        expect(page.get_by_text("Your browser does not allow these pages")).to_be_visible()
        page.evaluate("window.answer = 'granted'")
        page.get_by_role("button", name="Tell me in this browser").click()
        expect(page.get_by_text("Your browser's push service cannot be reached now.")).to_be_visible()
        expect(page.get_by_text("Your browser does not allow these pages")).to_be_hidden()
        assert browsers_of_tests.look(page) == []
