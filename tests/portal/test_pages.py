"""Every page, for everybody: in both languages, light and dark, wide and narrow, without a mouse or without sight."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.portal import walk
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, WIDE, PortalServer
from tests.support.forms import Visitor
from tests.support.site import Site

LOOKS: list[dict[str, Any]] = [
    {"locale": "en-US", "color_scheme": "light", "viewport": WIDE},
    {"locale": "zh-CN", "color_scheme": "dark", "viewport": WIDE},
    {"locale": "en-US", "color_scheme": "dark", "viewport": NARROW},
    {"locale": "zh-CN", "color_scheme": "light", "viewport": NARROW},
]


def named(options: dict[str, Any]) -> str:
    """Say which look it is, in words that a file's name may have."""
    return f"{options['locale'][:2]}-{options['color_scheme']}-{options['viewport']['width']}"


def paths(site: Site, cast: Cast) -> list[tuple[str, str]]:
    """Return the endpoint and path of every page."""
    Visitor(site).signed_in(cast.ids[walk.WHO])
    found = walk.addresses(site, "GET", cast.ids)
    return [(endpoint, path) for endpoint, path in found if endpoint not in walk.NO_PAGE]


def sign_in(page: Page) -> None:
    page.goto("sign-in")
    page.locator("input[name=login]").fill(walk.WHO)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.locator("nav.nav").wait_for()


# A few dozen pages in one browser, on a machine that has other things to do.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("options", "signed_in"),
    [*((look, True) for look in LOOKS), (LOOKS[0], False), (LOOKS[-1], False)],
    ids=lambda value: named(value) if isinstance(value, dict) else ("inside" if value else "outside"),
)
def test_every_page_can_be_used_by_everybody(
    chromium: Browser, server: PortalServer, cast_site: Site, cast: Cast, options: dict[str, Any], *, signed_in: bool
) -> None:
    wrong = []
    with browsers.opened(chromium, server, **options) as page:
        if signed_in:
            sign_in(page)
        for endpoint, path in paths(cast_site, cast):
            page.goto(path.removeprefix("/") or ".")
            if not signed_in and page.url.partition("?")[0].endswith("/sign-in") and endpoint != "signing.sign_in":
                continue
            name = f"{endpoint}-{named(options)}-{'inside' if signed_in else 'outside'}"
            browsers.picture(page, name)
            wrong += [f"{name}: {line}" for line in browsers.look(page)]
    assert wrong == []


def test_every_page_is_in_the_language_that_it_says(cast_site: Site, cast: Cast) -> None:
    for language, expected in (("en", "en"), ("zh-CN,zh;q=0.9", "zh-Hans"), ("fr", "en"), ("zh-TW", "zh-Hans")):
        visitor = Visitor(cast_site, language=language).signed_in(cast.ids[walk.WHO])
        for endpoint, path in paths(cast_site, cast):
            page = visitor.get(path).followed()
            assert page.status == 200, (endpoint, page.text)
            assert page.document.get("lang") == expected, endpoint


def test_no_page_is_kept_compressed_framed_or_given_to_others(cast_site: Site, cast: Cast) -> None:
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO])
    for endpoint, path in paths(cast_site, cast):
        headers = visitor.get(path, Accept_Encoding="gzip").followed().response.headers
        assert headers["Cache-Control"] == "no-store", endpoint
        assert "Content-Encoding" not in headers, endpoint
        assert headers["X-Content-Type-Options"] == "nosniff", endpoint
        # Their addresses are secrets that no form of these pages needs to tell.
        referrer = "no-referrer" if endpoint == "card_page.show" else "same-origin"
        assert headers["Referrer-Policy"] == referrer, endpoint
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, endpoint
        assert "unsafe" not in policy, endpoint
        assert len(headers.get_list("Set-Cookie")) <= 1, endpoint


def test_no_page_has_a_script_or_style_of_its_own(cast_site: Site, cast: Cast) -> None:
    """The policy would stop them, and the page would not work as it was meant."""
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO])
    for endpoint, path in paths(cast_site, cast):
        document = visitor.get(path).followed().document
        assert document.xpath("//script[not(@src)] | //style | //@style | //@*[starts-with(name(), 'on')]") == [], (
            endpoint
        )
