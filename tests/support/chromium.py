"""
A real browser at the real portal.

`PortalServer` is the server with its portal. `launched` starts Debian's Chromium; `look` says what is wrong with a page
for those who cannot see it well, have a narrow screen, or trust nobody: violations of the accessibility rules that axe
knows, content wider than the screen, and anything that the browser's console or network had to complain about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.support.server import Server
from tests.support.waiting import until

PROGRAM = Path("/usr/bin/chromium")
#: Pictures for whoever wants to look: of stories and of what is wrong, and of every page where they are asked for.
OUTPUT = Path(__file__).parents[2] / "test-output" / "portal"
KEEPS_PICTURES = os.environ.get("EVERCARD_TEST_PICTURES") == "true"
NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 900}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Milliseconds that a page may take where the machine does much else, for what it does and what is expected of it.
PATIENCE = 60_000

#: The rules of axe whose answers depend on the screen and its colours, and not on the document alone.
OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]

#: Whether a page asks when it is left.
ASKS = """
() => {
  const leaving = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(leaving);
  return leaving.defaultPrevented;
}
"""

#: Colours that change do so in a moment, in which they are neither the ones nor the others.
SETTLED = """() => Promise.all(
    document.getAnimations().filter(each => each instanceof CSSTransition).map(each => each.finished.catch(() => {}))
).then(() => {})"""

expect.set_options(timeout=PATIENCE)


class PortalServer(Server):
    """The server with its portal, at `url` + ``/.web/``."""

    web = "radicale_plugin.web"


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser; the test is skipped where there is none, and fails where CI=true."""
    if not PROGRAM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed.")
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, server: Server, **options: Any) -> Iterator[Page]:
    """
    Open a window of its own, with no cookies; *options* are those of Playwright's ``new_context``.

    Afterwards nothing may have been complained about, and nothing asked of another server.
    """
    given: dict[str, Any] = {"base_url": f"{server.url}/.web/", "locale": "en-US", "viewport": WIDE, **options}
    context = browser.new_context(**given)
    context.set_default_timeout(PATIENCE)
    complaints = watched(context, server)
    yield context.new_page()
    context.close()
    assert complaints == []


def watched(context: BrowserContext, server: Server) -> list[str]:
    """Return a list that whatever a page should not do is added to."""
    complaints: list[str] = []

    def check_request(url: str) -> None:
        if not url.startswith((server.url, "data:", "blob:")):
            complaints.append(f"asked {url}")

    def check_console(kind: str, text: str) -> None:
        # Statuses such as 400 for a form that is shown again are no mistake of the page.
        if kind == "error" and not text.startswith("Failed to load resource"):
            complaints.append(text)

    context.on("request", lambda request: check_request(request.url))
    context.on("console", lambda message: check_console(message.type, message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    return complaints


def comes_true(where: Page | Locator, script: str) -> None:
    """Wait until a function of JavaScript, given what *where* is if it is a part of the page, answers with truth."""
    until(lambda: bool(where.evaluate(script)), PATIENCE / 1000)


def has_scripts(page: Page) -> bool:
    """Whether scripts run in the window of a page."""
    return bool(page.evaluate("matchMedia('(scripting: enabled)').matches"))


def look(page: Page) -> list[str]:
    """
    Return what is wrong with the page as it is shown, one line each.

    Where no scripts run, axe does not either: then only its width is looked at.
    """
    if not has_scripts(page):
        return _too_wide(page)
    page.evaluate(AXE_SCRIPT)
    return _wrong(page, {})


def look_again(page: Page) -> list[str]:
    """Return what is wrong with a page that was looked at, now that the screen or its colours are others."""
    page.evaluate(SETTLED)
    return _wrong(page, {"runOnly": {"type": "rule", "values": OF_LOOKS}})


def _wrong(page: Page, options: dict[str, Any]) -> list[str]:
    # Only what is wrong comes back: what is right is many times as much. Nothing has to be fetched beforehand, since
    # no style sheet is another site's.
    given = {"resultTypes": ["violations"], "preload": False, **options}
    wrong = []
    for violation in page.evaluate("given => axe.run(given).then(found => found.violations)", given):
        said = f"{violation['id']}: {violation['help']}"
        wrong += [f"{said}: {node['html'][:200]} {node['target']}" for node in violation["nodes"]]
    return wrong + _too_wide(page)


def _too_wide(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{wide} pixels wider than the screen"] if wide > 0 else []


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page in `OUTPUT`."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    file = OUTPUT / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower()).strip('-')}.jpg"
    page.screenshot(path=file, full_page=True, type="jpeg", quality=75, animations="allow", caret="initial")
