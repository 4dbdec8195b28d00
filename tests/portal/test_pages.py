"""Every page, for everybody: in both languages, light and dark, wide and narrow, without a mouse or without sight."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.portal import walk
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support import looks
from tests.support.chromium import NARROW, WIDE, PortalServer
from tests.support.forms import Visitor
from tests.support.looks import Measured
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


def sign_in(page: Page, who: str = walk.WHO) -> None:
    page.goto("sign-in")
    page.locator("input[name=login]").fill(who)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.locator("nav.nav").wait_for()


#: In each language, how a page is loaded, and how else it is looked at then: another theme on another screen.
PAIRS = {"en": (LOOKS[0], LOOKS[2]), "zh": (LOOKS[3], LOOKS[1])}


def walked(site: Site, cast: Cast, language: str) -> list[tuple[str, str]]:
    """Return the endpoint and path of every page; of its further states, every second for the one and the other."""
    chosen, states = [], Counter[str]()
    for endpoint, path in paths(site, cast):
        if states[endpoint] == 0 or states[endpoint] % len(PAIRS) == list(PAIRS).index(language):
            chosen.append((endpoint, path))
        states[endpoint] += 1
    return chosen


def shown_as(page: Page, options: dict[str, Any]) -> Page:
    """Let the page have another screen and theme, without loading it anew."""
    page.set_viewport_size(options["viewport"])
    page.emulate_media(color_scheme=options["color_scheme"])
    return page


# A few dozen pages in one browser, on a machine that has other things to do.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("signed_in", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize("language", PAIRS)
def test_every_page_can_be_used_by_everybody(
    chromium: Browser, server: PortalServer, cast_site: Site, cast: Cast, language: str, *, signed_in: bool
) -> None:
    """
    Every page is looked at in both languages, and every state of it wide and narrow, light and dark.

    It is loaded once for two looks. What depends on the screen and its colours is asked for both; all else, of which
    each language asks on another screen, for the first. At last everything is opened, and measured in both looks, with
    a mouse over it where there is one, and on paper.
    """
    loaded, other = PAIRS[language]
    wrong = []
    measured = Measured()
    with browsers.opened(chromium, server, **loaded, reduced_motion="reduce") as page:
        if signed_in:
            sign_in(page)
        for number, (endpoint, path) in enumerate((*walked(cast_site, cast, language), ("error", "/nowhere"))):
            shown_as(page, loaded).goto(path.removeprefix("/") or ".")
            if not signed_in and page.url.partition("?")[0].endswith("/sign-in") and endpoint != "signing.sign_in":
                continue
            for options, look in ((loaded, browsers.look), (other, browsers.look_again)):
                name = f"{endpoint}-{number}-{named(options)}-{'inside' if signed_in else 'outside'}"
                found = look(shown_as(page, options))
                wrong += [f"{name}: {line}" for line in found]
                if found or browsers.KEEPS_PICTURES:
                    browsers.picture(page, name)
            looks.open_all(page)
            for options in (other, loaded):
                is_narrow = options["viewport"] == NARROW
                shown = shown_as(page, options)
                wrong += [f"{endpoint}: {line}" for line in measured.wrong(shown, named(options), touch=is_narrow)]
            wrong += [f"{endpoint}: {line}" for line in measured.wrong_on_paper(page)]
            looks.point_at_all(page)
            wide = next(options for options in (loaded, other) if options["viewport"] == WIDE)
            shown = shown_as(page, wide)
            wrong += [f"{endpoint}: {line}" for line in measured.wrong(shown, "under a mouse", focus=False)]
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
