"""A form that makes a secret, sent again by reloading, by a double click or after going back: one thing, one secret."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, expect

from sync.calendars import feeds
from sync.meeting import sent_forms
from sync.sign_in import credentials
from tests.portal.conftest import Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support import dav, forms
from tests.support.chromium import PortalServer
from tests.support.factories import person
from tests.support.forms import Page, Visitor
from tests.support.site import Site, Transport
from tests.support.waiting import until

NEW = "/devices/new/iphone"


@pytest.fixture
def anna(site: Site) -> int:
    """Anna, who has no device."""
    return person(site.database, "anna")


@pytest.fixture
def visitor(site: Site, anna: int) -> Visitor:
    """Return her browser."""
    return Visitor(site).signed_in(anna)


def filled(visitor: Visitor, path: str, **values: str) -> dict[str, str | list[str]]:
    """Open a page, and return what its form says when it is sent."""
    return {**visitor.get(path).fields(path), **values}


def secret(page: Page) -> str:
    """Return the password that a page shows."""
    (value,) = page.document.xpath("//input[@id='secret']/@value")
    return str(value)


def labels(site: Site, account_id: int) -> list[str]:
    """Return what the devices that may come in are called."""
    with site.database.reading() as session:
        return [each.label for each in credentials.devices(session, account_id) if each.revoked_at is None]


def called(site: Site, password: str) -> None:
    """Let a phone come with its password."""
    dav.Replica(dav.Client(dav.http(forms.ORIGIN, transport=Transport(site)), "anna", password)).sync()


def test_a_page_with_a_password_that_is_loaded_again_has_the_same_one(site: Site, anna: int, visitor: Visitor) -> None:
    sent = filled(visitor, NEW)
    first, again = visitor.post(NEW, sent), visitor.post(NEW, sent)
    assert (first.status, again.status) == (200, 200)
    assert secret(first) == secret(again)
    assert labels(site, anna) == ["iPhone"]
    called(site, secret(first))


def test_two_presses_at_once_make_one_device(site: Site, anna: int, visitor: Visitor) -> None:
    sent = filled(visitor, NEW)
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda _: visitor.post(NEW, sent), range(4)))
    assert len({secret(page) for page in pages}) == 1
    assert labels(site, anna) == ["iPhone"]


def test_who_loads_it_again_when_the_phone_is_there_is_told_so(site: Site, anna: int, visitor: Visitor) -> None:
    sent = filled(visitor, NEW)
    password = secret(visitor.post(NEW, sent))
    called(site, password)
    until(lambda: "1 card" in visitor.post(NEW, sent).followed().text)
    again = visitor.post(NEW, sent).followed()
    assert again.path.endswith("/wait")
    assert "“iPhone” is connected" in again.text
    assert password not in again.response.text
    assert labels(site, anna) == ["iPhone"]
    # The next one is another.
    assert secret(visitor.get(NEW).submit(NEW)) != password
    assert labels(site, anna) == ["iPhone", "iPhone"]


def test_who_goes_back_goes_on_with_the_device_or_sets_up_another_by_another_name(
    site: Site, anna: int, visitor: Visitor
) -> None:
    password = secret(visitor.post(NEW, filled(visitor, NEW, label="Mine")))
    back = visitor.get(NEW)
    assert "“Mine” is not connected yet" in back.text
    assert secret(back.submit(NEW)) == password
    assert secret(visitor.get(NEW).submit(NEW, label="Bo's")) != password
    assert sorted(labels(site, anna)) == ["Bo's", "Mine"]
    assert "is not connected yet" not in visitor.get("/devices/new/mac").text
    assert "is not connected yet" not in Visitor(site).signed_in(anna).get(NEW).text


def test_a_device_that_was_shut_out_is_not_let_in_by_loading_its_page_again(
    site: Site, anna: int, visitor: Visitor
) -> None:
    sent = filled(visitor, NEW)
    password = secret(visitor.post(NEW, sent))
    with site.database.reading() as session:
        (device,) = credentials.devices(session, anna)
    site.database.write(lambda session: credentials.revoke_device(session, anna, device.id))
    page = visitor.post(NEW, sent).followed()
    assert page.told == ["This device is shut out. Set it up anew where it is to come in again."]
    assert labels(site, anna) == []
    assert secret(visitor.get(NEW).submit(NEW)) != password


def test_a_page_is_sent_again_after_signing_in_anew_and_makes_nothing_new(
    site: Site, anna: int, visitor: Visitor
) -> None:
    sent = filled(visitor, NEW)
    password = secret(visitor.post(NEW, sent))
    anew = Visitor(site).signed_in(anna)
    assert secret(anew.post(NEW, {**sent, "csrf_token": anew.token()})) == password
    assert labels(site, anna) == ["iPhone"]


@pytest.mark.parametrize("path", [NEW, "/calendars/"])
@pytest.mark.parametrize("mark", ["old", "", "-", "x-y", "1" * 40 + "-x"])
def test_a_page_that_was_open_for_too_long_is_shown_once_more(
    site: Site, anna: int, visitor: Visitor, path: str, mark: str
) -> None:
    """What was ended is remembered for a day; what a page makes that is older could be that."""
    sent = filled(visitor, path, label="Walnut")
    at, _, rest = str(sent["mark"]).partition("-")
    sent["mark"] = f"{int(at, 16) - sent_forms.KEPT:x}-{rest}" if mark == "old" else mark
    page = visitor.post(path, sent)
    assert page.status == 400
    assert "This page was open for more than a day." in page.text
    assert page.fields(path)["label"] == "Walnut"
    assert labels(site, anna) == []
    assert page.submit(path).status == 200


def test_a_password_is_nobody_elses_who_sends_the_same_form(site: Site, anna: int, visitor: Visitor) -> None:
    sent = filled(visitor, NEW)
    bo = person(site.database, "bo")
    other = Visitor(site).signed_in(bo)
    theirs = secret(other.post(NEW, {**sent, "csrf_token": other.token()}))
    assert theirs != secret(visitor.post(NEW, sent))
    assert labels(site, anna) == labels(site, bo) == ["iPhone"]


def address(page: Page) -> str:
    """Return the address of a calendar that a page shows."""
    (value,) = page.document.xpath("//input[@id='address']/@value")
    return str(value)


def test_a_calendar_is_made_once_and_not_again_when_it_was_ended(site: Site, anna: int, visitor: Visitor) -> None:
    path = "/calendars/"
    sent = filled(visitor, path)
    first = address(visitor.post(path, sent))
    assert address(visitor.post(path, sent)) == first
    with site.database.reading() as session:
        (feed,) = feeds.feeds(session, anna)
    site.database.write(lambda session: feeds.end(session, anna, feed.id))
    again = visitor.post(path, sent)
    assert (again.status, again.followed().path) == (303, path)
    with site.database.reading() as session:
        assert list(feeds.feeds(session, anna)) == []
    assert address(visitor.get(path).submit(path)) != first


def test_in_a_browser_reload_back_and_double_click_leave_one_device(
    chromium: Browser, server: PortalServer, cast: Cast
) -> None:
    label = "Walnut phone"
    with browsers.opened(chromium, server) as page:
        sign_in(page)
        page.goto("devices/new/iphone")
        page.locator("input[name=label]").fill(label)
        page.locator("main form button").first.dblclick()
        shown = page.locator("#secret")
        shown.wait_for(state="attached")
        password = shown.input_value()
        page.reload()
        expect(shown).to_have_value(password)
        page.go_back()
        expect(page.locator("input[name=label]")).to_have_value(label)
        page.locator("main form button").first.click()
        expect(shown).to_have_value(password)
        page.goto("devices/")
        expect(page.locator("b", has_text=label)).to_have_count(1)
