"""
What somebody does with pages in a real browser, counted, and pictures of what they saw meanwhile.

    hand, looks = Hand(page), Looks(page, "first-hour-en")
    hand.tap(page.get_by_role("button", name="Save"))
    looks.at("saved")
    assert (hand.taps, looks.wrong) == (1, [])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator, Page, expect

from radicale_plugin.web import language
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, WIDE

#: With scripts and without: a story ends either way.
SCRIPTS = pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
#: The same of a story that is told in each language: without scripts in one of them.
READERS = pytest.mark.parametrize(
    ("locale", "script"),
    [("en-US", True), ("zh-CN", True), ("zh-CN", False)],
    ids=["en-US", "zh-CN", "zh-CN without scripts"],
)


@dataclass
class Hand:
    """What somebody does with a page, counted. Putting the cursor into a field is part of typing."""

    page: Page
    taps: int = 0
    typed: int = 0

    def open(self, link: str) -> None:
        """Follow a link in a message."""
        self.page.goto(link)
        self.taps += 1

    def tap(self, what: Locator) -> None:
        """Press something."""
        what.click()
        self.taps += 1

    def choose(self, name: str, label: str) -> None:
        """Choose from a list, which is one press on it and one on the choice."""
        self.page.locator(f"main [name={name}]").select_option(label=label)
        self.taps += 2

    def type(self, name: str, text: str) -> None:
        """Fill in a field of the form, by typing or by pasting."""
        self.page.locator(f"main [name={name}]").fill(text)
        self.typed += 1


@dataclass
class Looks:
    """Pictures of pages, in both themes and at both widths, and what is wrong with them."""

    page: Page
    title: str
    wrong: list[str] = field(default_factory=list)

    def at(self, name: str) -> None:
        """Look at the page as it is; where no scripts run, only at its width on a phone."""
        if not browsers.has_scripts(self.page):
            self.wrong += [f"{name}: {line}" for line in browsers.look(self.page)]
            return
        for width, viewport in (("360", NARROW), ("1280", WIDE)):
            for theme in ("light", "dark"):
                self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
                self.page.emulate_media(color_scheme=theme)
                browsers.picture(self.page, f"{self.title}-{name}-{width}-{theme}")
                self.wrong += [f"{name} {width} {theme}: {line}" for line in browsers.look(self.page)]
        self.page.set_viewport_size(NARROW)  # type: ignore[arg-type]


def words(locale: str) -> Callable[[str], str]:
    """Return what gives a text of the portal as it stands on the pages of a browser of *locale*."""
    tag = next(tag for tag in language.LANGUAGES if tag[:2] == locale[:2])
    texts = language.texts(tag)
    return lambda text: text if tag == language.DEFAULT else texts[text]


class Window:
    """A browser of somebody's, who is signed in."""

    def __init__(self, page: Page, login: str, password: str, locale: str, story: str) -> None:
        """Sign in; pictures are named by the story."""
        self.page, self.hand, self.say, self.name = page, Hand(page), words(locale), f"{story}-{login}-{locale}"
        page.goto("sign-in")
        page.locator("input[name=login]").fill(login)
        page.locator("input[name=password]").fill(password)
        page.locator("main form button").first.click()
        page.locator("nav.nav").wait_for()

    def link(self, text: str) -> None:
        """Follow a link."""
        self.hand.tap(self.page.get_by_role("link", name=self.say(text)).first)

    def press(self, text: str) -> None:
        """Press a button."""
        self.hand.tap(self.page.get_by_role("main").get_by_role("button", name=self.say(text)).first)

    def sees(self, text: str, **values: str) -> None:
        """Wait until the page says this in its language."""
        self.reads(self.say(text) % values)

    def is_told(self, text: str) -> None:
        """Wait until the page tells that this was done."""
        expect(self.page.locator("#told")).to_contain_text(self.say(text))

    def reads(self, text: str) -> None:
        """Wait until the page has just this text."""
        expect(self.page.get_by_role("main")).to_contain_text(text)

    def look(self, name: str) -> None:
        """Find nothing wrong with the page."""
        if browsers.has_scripts(self.page):
            browsers.picture(self.page, f"{self.name}-{name}")
        assert browsers.look(self.page) == []
