"""The letters beside a list: each leads to the page and place of whom it stands for; all can be read and hit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from sync.database.engine import Database
from sync.queries import connected_people
from tests.portal.conftest import Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support import forms
from tests.support.chromium import NARROW, WIDE, PortalServer
from tests.support.factories import connect, person, put, vcard
from tests.support.forms import Visitor
from tests.support.meeting import show_strangers
from tests.support.site import Site

#: Names and the letters under which they stand: Chinese ones as they are read, numbers and signs under one for all.
NAMES = {"Bo": "B", "李雷": "L", "王芳": "W", "7 Sisters": "#", "Zoe": "Z", "Émile": "E", "陈安娜 Anna Chen": "C"}
#: So many of one letter come first that all the others stand on the next page.
BEFORE = connected_people.PAGE


def places(visitor: Visitor, path: str, within: str) -> dict[str, list[str]]:
    """Return by each letter that is a link which names are at the place where it leads."""
    page = visitor.get(path)
    (letters,) = page.document.xpath(within)
    assert "".join(node.text for node in letters) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ#"
    found = {}
    for link in letters.xpath("a"):
        to, _, anchor = str(link.get("href")).partition("#")
        there = visitor.get(to.removeprefix(forms.ROOT)) if to else page
        (heading,) = there.document.xpath(f"//h2[@id='{anchor}']")
        assert heading.text == link.text
        found[link.text] = [node.text for node in heading.xpath("following-sibling::ul[1]//a[@class='cover']")]
    return found


@pytest.mark.parametrize("within", ["//nav[@class='rail']", "//details//nav[@aria-label='A–Z']"])
@pytest.mark.parametrize("path", ["/people/", "/contacts/"])
def test_each_letter_leads_to_its_people_on_whatever_page_they_are(site: Site, path: str, within: str) -> None:
    anna = person(site.database, "anna")
    names = [*(f"Ada {number:02}" for number in range(BEFORE)), *NAMES]
    if path == "/contacts/":
        for number, name in enumerate(names):
            put(site.database, anna, f"{number}.vcf", vcard(f"u{number}", name=name))
    else:
        for name in names:
            other = person(site.database)
            show_strangers(site.database, other, "name", name)
            connect(site.database, anna, other)
    visitor = Visitor(site).signed_in(anna)
    found = places(visitor, path, within)
    assert found.keys() == {"A", *NAMES.values()}
    assert found["A"][0] == "Ada 00"
    assert {letter: some for letter, some in found.items() if letter != "A"} == {
        letter: [name] for name, letter in NAMES.items()
    }
    # From the last page, too, where the first letter is on another one.
    assert places(visitor, f"{path}?page=2", within).keys() == found.keys()


def too_small(page: Page, selector: str, least: float) -> list[str]:
    """Return what cannot be hit of what can be pressed."""
    script = """([selector, least]) => [...document.querySelectorAll(selector)].filter(node => {
        const { width, height } = node.getBoundingClientRect();
        return width < least - 0.5 || height < least - 0.5;
    }).map(node => node.outerHTML)"""
    found: list[str] = page.evaluate(script, [selector, least])
    return found


def test_the_letters_can_be_read_and_hit_on_a_phone_and_on_a_computer(
    chromium: Browser, server: PortalServer, cast: Cast
) -> None:
    database = Database(cast.url)
    for name in ("Ada", "Bert", "李雷", "Dora", "王芳", "Fritz", "Gina", "Hans", "7 Sisters", "Jana", "Karl", "Zoe"):
        other = person(database)
        show_strangers(database, other, "name", name)
        connect(database, cast.ids["anna"], other)
    database.dispose()
    wrong = []
    for viewport in (NARROW, WIDE):
        with browsers.opened(chromium, server, viewport=viewport, has_touch=viewport == NARROW) as page:
            sign_in(page)
            page.goto("people/")
            letters = page.locator(".azm nav" if viewport == NARROW else ".rail")
            if viewport == NARROW:
                page.locator(".azm > summary").click()
                wrong += too_small(page, ".azm nav a, .azm > summary", 44)
            else:
                # A mouse hits what is 24 high (WCAG 2.5.8).
                wrong += too_small(page, ".rail a", 24)
            expect(letters).to_be_visible()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                wrong += [f"{scheme}: {line}" for line in browsers.look(page)]
            browsers.picture(page, f"alphabet-{viewport['width']}")
            # A letter that is no link is told from one that is by more than its colour.
            weights = letters.evaluate(
                "node => ['a', 'span'].map(kind => getComputedStyle(node.querySelector(kind)).fontWeight)"
            )
            assert int(weights[0]) > int(weights[1])
            letters.get_by_text("Z", exact=True).click()
            expect(page).to_have_url(re.compile("#at-Z$"))
            expect(page.locator("#at-Z")).to_be_in_viewport()
            expect(page.locator(".azm nav")).not_to_be_visible()
    assert wrong == []
