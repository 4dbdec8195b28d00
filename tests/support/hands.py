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

from playwright.sync_api import Locator, Page

from radicale_plugin.web import language
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, WIDE


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
        """Look at the page as it is."""
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
