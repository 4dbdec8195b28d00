"""One's own card and who sees what on a phone: what matters is in sight, and a finger reaches everything."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from sync.database.engine import Database
from sync.sign_in import credentials
from tests.portal.conftest import PASSWORD, Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, WIDE, PortalServer, comes_true, has_scripts
from tests.support.factories import field, group, person
from tests.support.hands import READERS, Looks, words

SHOWN_BY = 17
GROUPS = [f"Club {number:02}" for number in range(14)]
ROWS = ".own > details"
MIDDLE = {"width": 768, "height": 1024}
READS_ALL = "Anybody who finds you can read it."


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person with many fields and groups. *field_ids* are those of the card, in their order."""

    login: str
    field_ids: list[int]


@pytest.fixture
def somebody(lasting_cast: Cast) -> Somebody:
    """Return a person of this test's own, with 17 e-mail addresses and 14 groups besides those that everybody has."""
    database = Database(lasting_cast.url)
    login = f"somebody-{next(NUMBERS)}"
    me = person(database, login)
    hashed = credentials.hash_password(PASSWORD)
    database.write(lambda session: credentials.set_password_hash(session, me, hashed))
    fields = [field(database, me, "email", f"a{number:02}@example.org") for number in range(SHOWN_BY)]
    for name in GROUPS:
        group(database, me, name)
    database.dispose()
    return Somebody(login, fields)


NUMBERS = itertools.count()


@pytest.fixture
def signed_in(chromium: Browser, lasting_server: PortalServer, somebody: Somebody) -> Callable[..., Any]:
    """Return what opens a window in which somebody is signed in, with a phone's screen unless it is told otherwise."""

    def opened(**options: Any) -> Any:
        given = {"viewport": NARROW, "has_touch": True, **options}
        return browsers.opened(chromium, lasting_server, **given)

    return opened


def top(of: Locator) -> float:
    box = of.bounding_box()
    assert box is not None
    return box["y"]


@READERS
def test_whoever_makes_something_visible_to_strangers_reads_it_before_and_after(
    signed_in: Callable[..., Any], somebody: Somebody, locale: str, *, script: bool
) -> None:
    say = words(locale)
    mail = say("E-mail")
    with signed_in(locale=locale, java_script_enabled=script) as page:
        sign_in(page, somebody.login)
        looks = Looks(page, f"strangers-{locale}")
        # In the matrix.
        page.goto("sharing/")
        word = page.locator(".savebar .opens")
        expect(word).to_be_hidden()
        page.locator(".col.open label").nth(11).click()
        if not script:
            page.get_by_role("button", name=say("Look before saving")).click()
        expect(word).to_have_text(
            say("Strangers will see: %(what)s. Anybody who finds you can read it.") % {"what": mail}
        )
        if script:
            expect(word).to_be_in_viewport(ratio=1)
            looks.at("matrix")
            page.locator(".col.open label").nth(11).click()
            expect(word).to_be_hidden()
            page.locator(".col.open label").nth(11).click()
        page.locator(".savebar").get_by_role("button", name=say("Save"), exact=True).click()
        is_told(page, say, mail)
        # In a row of the card, where the word stands beside the chip.
        page.goto("card/")
        row = page.locator(f"#field-{somebody.field_ids[8]}")
        row.locator("summary").click()
        if not script:
            row.get_by_role("link", name=say("Edit")).click()
        word = row.locator(".opens")
        expect(word).to_be_hidden()
        row.locator(".chip-toggle.open").click()
        expect(word).to_have_text(say(READS_ALL))
        expect(word).to_be_in_viewport(ratio=1)
        looks.at("row")
        row.get_by_role("button", name=say("Save"), exact=True).click()
        is_told(page, say, mail)
        expect(page.locator(f"#field-{somebody.field_ids[8]} .chip.open")).to_be_in_viewport()
        looks.at("saved")
        assert looks.wrong == []


def is_told(page: Page, say: Callable[[str], str], what: str) -> None:
    """Wait until it is told, in sight, that something is saved, and what strangers see."""
    told = page.locator("#told .banner")
    expect(told).to_have_count(2)
    said = say("Strangers see now: %(what)s. Anybody who finds you can read it.") % {"what": what}
    expect(told.last).to_have_text(said)
    for each in told.all():
        expect(each).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("viewport", [NARROW, MIDDLE, WIDE], ids=["360", "768", "1280"])
def test_for_whom_one_ticks_is_in_sight_in_every_row(
    signed_in: Callable[..., Any], somebody: Somebody, viewport: dict[str, int]
) -> None:
    with signed_in(viewport=viewport) as page:
        sign_in(page, somebody.login)
        page.goto("sharing/")
        for name in ("Strangers", "Connections", GROUPS[0], GROUPS[-1]):
            column = page.get_by_role("group", name=name, exact=True)
            if viewport is not WIDE:
                page.locator("nav.strip").get_by_role("link", name=name, exact=True).click()
                expect(column.locator(".top")).to_be_in_viewport(ratio=0.95)
            if viewport is NARROW:
                marked = page.locator("nav.strip [aria-current=true]")
                expect(marked).to_have_text([name])
                expect(marked).to_be_in_viewport(ratio=1)
                comes_true(marked, UPPERMOST)
            for number in (0, 11, SHOWN_BY - 1):
                cell, head = column.locator("label.cell").nth(number), column.locator(".top")
                cell.locator("input").click(trial=True)
                expect(head).to_be_in_viewport(ratio=0.95)
                box = head.bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= top(cell) + 1
                assert is_on_top(head)
                if viewport is not WIDE:
                    for always in page.locator("nav.strip .always a").all():
                        expect(always).to_be_in_viewport(ratio=1)
        assert browsers.look(page) == []


#: Whether nothing hides the beginning of something.
UPPERMOST = """node => {
  const { left, top, height } = node.getBoundingClientRect();
  return node.contains(document.elementFromPoint(left + 12, top + height / 2));
}"""


def is_on_top(what: Locator) -> bool:
    """Whether nothing hides the first letters of something."""
    script = """node => {
        const { left, top } = node.querySelector("b").getBoundingClientRect();
        return node.contains(document.elementFromPoint(left + 4, top + 4));
    }"""
    return bool(what.evaluate(script))


#: What of the matrix is cut off at an edge, and whether something fades there.
SIGNS = """() => {
  const matrix = document.querySelector(".matrix");
  const { clientHeight, scrollHeight, clientWidth, scrollWidth } = matrix;
  const next = [...matrix.querySelectorAll(".col > .top")].map((each) => each.getBoundingClientRect())
    .some((each) => each.left < innerWidth - 8 && each.right > innerWidth);
  const scroller = document.querySelector(".scroller");
  const fades = (side) => getComputedStyle(scroller, side).backgroundImage.includes("gradient");
  const strip = document.querySelector(".strip.phone");
  return {
    below: scrollHeight > clientHeight ? fades("::before") : null,
    beside: scrollWidth > clientWidth ? next || fades("::after") : null,
    strip: strip.scrollWidth > strip.clientWidth ? getComputedStyle(strip).maskImage.includes("gradient") : null,
  };
}"""


@pytest.mark.parametrize(
    ("viewport", "strip"), [(NARROW, True), (MIDDLE, True), (WIDE, None)], ids=["360", "768", "1280"]
)
def test_what_is_cut_off_of_the_matrix_has_a_sign(
    signed_in: Callable[..., Any], somebody: Somebody, viewport: dict[str, int], *, strip: bool | None
) -> None:
    with signed_in(viewport=viewport) as page:
        sign_in(page, somebody.login)
        page.goto("sharing/")
        wanted = json.dumps({"below": True, "beside": True, "strip": strip}, separators=(",", ":"))
        comes_true(page, f"() => JSON.stringify(({SIGNS})()) === '{wanted}'")


def test_without_scripts_the_heading_stays_and_names_lead_to_their_columns(
    signed_in: Callable[..., Any], somebody: Somebody
) -> None:
    with signed_in(java_script_enabled=False) as page:
        sign_in(page, somebody.login)
        assert not has_scripts(page)
        page.goto("sharing/")
        page.locator("nav.strip").get_by_role("link", name=GROUPS[9]).click()
        column = page.get_by_role("group", name=GROUPS[9])
        for number in (11, SHOWN_BY - 1):
            column.locator("label.cell").nth(number).scroll_into_view_if_needed()
            expect(column.locator(".top")).to_be_in_viewport(ratio=0.95)


class Finger:
    """A finger on a phone's screen."""

    def __init__(self, page: Page) -> None:
        """Hold it over the page."""
        self._wire = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touched = [{"x": x, "y": y} for x, y in points]
        self._wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    def press(self, x: float, y: float) -> None:
        """Put it down."""
        self._send("touchStart", (x, y))

    def move(self, x: float, y: float) -> None:
        """Move it."""
        self._send("touchMove", (x, y))

    def lift(self) -> None:
        """Take it away."""
        self._send("touchEnd")


def test_a_finger_drags_a_row_past_what_is_in_sight(signed_in: Callable[..., Any], somebody: Somebody) -> None:
    with signed_in() as page:
        sign_in(page, somebody.login)
        page.goto("card/")
        finger, rows = Finger(page), page.locator(ROWS)
        drag(page, finger, rows.last, edge=100, until="y => y.top > 60", to=rows.first)
        expect(rows.first.locator(".val")).to_have_text("a16@example.org")
        expect(rows.last.locator(".val")).to_have_text("a15@example.org")
        drag(page, finger, rows.nth(1), edge=650, until="y => y.bottom < 640", to=rows.last)
        expect(rows.last.locator(".val")).to_have_text("a00@example.org")
        expect(rows.first.locator(".val")).to_have_text("a16@example.org")


def drag(page: Page, finger: Finger, row: Locator, *, edge: float, until: str, to: Locator) -> None:
    """Drag *row* to an edge of the screen, wait there until the box of *to* has come, and let go over it."""
    grip = row.locator(".grip")
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    finger.press(x, box["y"] + box["height"] / 2)
    for part in (0.3, 0.6, 1):
        start = box["y"] + box["height"] / 2
        finger.move(x, start + (edge - start) * part)
    comes_true(to, f"node => ({until})(node.getBoundingClientRect())")
    target = to.bounding_box()
    assert target is not None
    # In the middle of the screen the page stands still.
    finger.move(x, min(max(target["y"] + target["height"] / 2, 100), 640))
    expect(to).to_have_class("target" if edge < 400 else "target below")
    finger.lift()
