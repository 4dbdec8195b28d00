"""What fingers, a mouse's wheel, a list of ways to send, and a printer do at the portal, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.portal import walk
from tests.portal.conftest import Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer, comes_true
from tests.support.site import Site

#: Two fingers on the picture, which go from one distance to another.
PINCH = """
([from, to]) => {
  const canvas = document.querySelector("canvas");
  const box = canvas.getBoundingClientRect();
  const at = (kind, finger, aside) => canvas.dispatchEvent(new PointerEvent(kind, {
    pointerId: finger, bubbles: true, clientX: box.x + box.width / 2 + aside, clientY: box.y + box.height / 2,
  }));
  canvas.setPointerCapture = () => {};
  at("pointerdown", 1, -from);
  at("pointerdown", 2, from);
  at("pointermove", 1, -to);
  at("pointermove", 2, to);
  at("pointerup", 1, -to);
  at("pointerup", 2, to);
}
"""
#: A browser that has a list of ways to send something, and what it was given.
SHARES = "navigator.share = async (what) => { window.shared = what; }"


@pytest.fixture
def page(chromium: Browser, server: PortalServer) -> Iterator[Page]:
    """Yield a phone's browser in which Anna is signed in."""
    with browsers.opened(chromium, server, viewport=NARROW) as page:
        sign_in(page)
        yield page


@pytest.fixture
def paths(cast_site: Site, cast: Cast) -> dict[str, str]:
    """Return where each page is, by its endpoint."""
    found = reversed(walk.addresses(cast_site, "GET", cast.ids))
    return {endpoint: path.removeprefix("/") for endpoint, path in found}


def test_a_photo_is_cut_out_by_dragging_by_two_fingers_and_by_the_wheel(page: Page) -> None:
    written = io.BytesIO()
    image = Image.new("RGB", (900, 600), "#20639b")
    image.paste("#ed553b", (600, 0, 900, 600))
    image.save(written, "JPEG")
    page.goto("card/photo")
    chosen = FilePayload(name="picture.jpg", mimeType="image/jpeg", buffer=written.getvalue())
    page.get_by_label("Picture", exact=True).set_input_files(chosen)
    canvas = page.locator("canvas")
    expect(canvas).to_be_visible()
    expect(canvas).to_have_css("border-radius", "50%")
    colour = "node => node.getContext('2d').getImageData(128, 128, 1, 1).data"
    comes_true(canvas, f"{colour}[2] > 120")

    page.evaluate(PINCH, [20, 40])
    expect(page.get_by_label("Closer")).to_have_value("200")
    page.evaluate(PINCH, [40, 20])
    expect(page.get_by_label("Closer")).to_have_value("100")

    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    # Who pulls the picture to the left sees what was to the right.
    page.mouse.move(middle[0] - box["width"] / 2 + 2, middle[1], steps=5)
    page.mouse.up()
    comes_true(canvas, f"{colour}[0] > 200")
    comes_true(page.get_by_label("From left to right"), "node => Number(node.value) > 90")

    page.mouse.move(*middle)
    page.mouse.wheel(0, -300)
    comes_true(page.get_by_label("Closer"), "node => Number(node.value) > 150")


def test_a_link_is_sent_by_what_the_phone_sends_with_where_it_can(page: Page, paths: dict[str, str]) -> None:
    page.goto(paths["links.one"])
    send = page.get_by_role("button", name="Send the link").first
    expect(send).to_be_hidden()
    page.add_init_script(SHARES)
    page.reload()
    send.click()
    comes_true(page, "() => Boolean(window.shared)")
    shared: dict[str, Any] = page.evaluate("window.shared")
    assert shared["title"] == "陈安娜 Anna Chen"
    expect(page.locator("#address")).to_have_value(shared["url"])


#: What of a page is not paper and ink: where something darker lies under text, text that is pale, and what is pressed.
ON_PAPER = """
() => {
  const bright = colour => {
    const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
    return alpha === 0 ? null : (red + green + blue) / 3;
  };
  const wrong = [];
  for (const node of document.querySelectorAll("body, body *")) {
    if (!node.checkVisibility() || node.closest("svg, .av")) continue;
    const { color, backgroundColor } = getComputedStyle(node);
    const speaks = [...node.childNodes].some(each => each.nodeType === 3 && each.textContent.trim());
    const under = bright(backgroundColor);
    if (speaks && bright(color) > 100) wrong.push(`pale: ${node.textContent}`);
    if (under !== null && under < 255) wrong.push(`dark under ${node.className || node.tagName}`);
    if (speaks && node.closest("button, .btn, summary .end")) wrong.push(`pressed: ${node.textContent}`);
  }
  return wrong;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_card_and_the_sheet_for_a_wall_are_printed_black_on_white_on_one_page_without_what_is_around_them(
    page: Page, paths: dict[str, str], scheme: Literal["light", "dark"]
) -> None:
    printed = {"links.sheet": ".wall .qr", "card_page.show": ".vcard", "people.one": ".list", "contacts.one": ".list"}
    for endpoint, stays in {**printed, "card.index": ".own"}.items():
        page.goto(paths[endpoint])
        page.emulate_media(media="print", color_scheme=scheme)
        expect(page.locator(stays).first).to_be_visible()
        for around in ("aside", ".nav", "footer", ".bar .btn", ".skip", ".quick", ".segment", ".addmore"):
            for each in page.locator(around).all():
                expect(each).to_be_hidden()
        comes_true(page, f"() => ({ON_PAPER})().length === 0")
        # An A4 page in pixels of style sheets, without its margins.
        page.set_viewport_size({"width": 718, "height": 1046})
        if endpoint != "card.index":
            comes_true(page, "() => document.documentElement.scrollHeight <= 1046")
        page.emulate_media(media="screen", color_scheme="light")


def test_all_groups_of_the_matrix_are_on_the_paper(page: Page, paths: dict[str, str]) -> None:
    page.goto(paths["sharing.index"])
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1046})
    comes_true(page, "() => document.documentElement.scrollWidth <= 718")
    comes_true(page.locator(".matrix"), "node => node.scrollHeight <= node.clientHeight + 1")
