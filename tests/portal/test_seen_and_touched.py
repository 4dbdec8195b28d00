"""That the walk through the pages measures what it says (`tests.support.looks`), and what no page shows there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from radicale_plugin.web import avatars
from tests.portal.test_pages import shown_as
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, WIDE, PortalServer
from tests.support.looks import Measured

LIGHT = {"viewport": NARROW, "color_scheme": "light"}
#: Nothing but this is on the page, as if a template had it; the policy of the pages allows no style in it.
ALONE = """
given => {
  document.querySelectorAll("body > *").forEach(each => each.remove());
  const main = document.createElement("main");
  main.id = "content";
  main.innerHTML = given;
  document.body.append(main);
  for (const node of main.querySelectorAll("[css]")) node.style.cssText = node.getAttribute("css");
}
"""
DRAWING = '<svg class="i" viewBox="0 0 24 24"><path d="M3 12h18"/></svg>'
#: What the walk has no page for, or only on some days: what is said, waits, is wrong, or is chosen.
PARTS = f"""
<div class="stack">
{"".join(f'<span class="av {size} h{number}">王</span>' for number in range(12) for size in ("s", "", "xl"))}
<p class="banner told">{DRAWING}<span>Saved. <a href="#content">Look at it</a></span></p>
<p class="banner bad told error">{DRAWING}<span>Not saved. <a href="#content">Why?</a></span></p>
<p class="banner warn">{DRAWING}<span>Seen by strangers. <a href="#content">Who?</a></span></p>
<p class="opens">{DRAWING}<span>Anybody sees this.</span></p>
<div class="chips"><span class="chip">family</span><span class="chip open">{DRAWING}Strangers</span>
<span class="chip all">{DRAWING}Connections</span><span class="chip me">{DRAWING}Only me</span></div>
<div class="chips">{
    "".join(
        f'<label class="chip-toggle {kind}"><input type="checkbox"{state}><span>{DRAWING}family</span></label>'
        for kind in ("", "open")
        for state in ("", " checked", " checked disabled")
    )
}</div>
<p><span class="badge">3</span> <span class="new"></span> <span class="good">✓ Up to date</span></p>
<label class="field"><span>Name</span><input class="input" aria-invalid="true" value="?" placeholder="Name">
<small>So that others know you</small><span class="error">{
    DRAWING
}Too short</span><span class="wrong">Too short</span></label>
<label class="check"><input class="tick" type="checkbox"> Photo</label>
<label class="check"><input class="tick" type="checkbox" checked> Photo</label>
<label class="check"><input class="tick" type="radio" checked> Photo</label>
<label class="check"><input class="switch" type="checkbox"> Photo</label>
<label class="check"><input class="switch" type="checkbox" checked> Photo</label>
<p><span class="implied"></span></p>
<section class="wait"><div class="ring go">{DRAWING}</div><h2>Waiting</h2><p>for your phone</p></section>
<section class="wait"><div class="ring ok">{DRAWING}</div><h2>Connected</h2></section>
<section class="deep"><h2>Wang Fang</h2><p>wants to be connected</p></section>
<div class="savebar"><span>1 change</span><button class="btn">Save</button></div>
<div class="toast">Saved <button>Undo</button></div>
<p class="quoted">Hello</p><pre>BEGIN:VCARD</pre><p><del>1</del> <ins>2</ins></p>
<p class="acts">{
    "".join(
        f'<button class="btn {kind}">OK</button><button class="btn {kind}" aria-label="OK">{DRAWING}</button>'
        for kind in ("", "quiet", "soft", "plain", "danger", "danger-full", "icon", "big")
    )
}</p>
</div>
"""
#: Each of what is measured, done wrong, by what is said of it.
FAULTS = {
    "text 1.0": '<p css="color: #fff; background: #fff">Faint</p>',
    "text 2.": '<div css="background: #fff"><p css="color: #000; opacity: .4">Faint by opacity</p></div>',
    "text 3.": '<div css="background: #fff"><p css="color: #0007; font-size: 3rem">Large</p></div>',
    "drawn text": '<svg viewBox="0 0 9 9"><path d="M0 0h9v9H0" fill="#777"/><text y="8" fill="#666">A</text></svg>',
    "edge of a control": '<input class="input" value="Name" css="border-color: #eee; background: #fff">',
    "edge of a control 1": '<label class="chip-toggle"><input type="radio"><span css="border: 0">A</span></label>',
    "mark of a control": '<label><input class="tick" type="radio" checked css="background: #eee">A</label>',
    "drawing": f'<p css="background: #fff; color: #ddd">{DRAWING}</p>',
    "a control of no text": '<button class="btn plain" aria-label="Save"></button>',
    "chosen, and told": '<ul><li><a href="#a" aria-current="page">A</a></li><li><a href="#b">B</a></li></ul>',
    "no ring": '<p><a class="btn" href="#a" css="outline: 0">No ring</a></p>',
    "ring 1.": '<p css="background: #fff"><a href="#a" css="outline-color: #eee">Faint ring</a></p>',
    "ring cut off": '<p css="overflow: clip"><a class="btn block" href="#a">Cut off</a></p>',
    "nothing seen of": '<p><button class="vh">Search</button></p>',
    "too small to touch, ": '<p><button css="height: 44px; width: 20px; padding: 0">!</button></p>',
    "too small to touch, 3": '<ul><li><a href="#a" css="display: block; height: 24px">Alone</a></li></ul>',
}


@pytest.fixture(scope="module")
def page(chromium: Browser, lasting_server: PortalServer) -> Iterator[Page]:
    """Yield a page of the portal, on which anything can be put."""
    with browsers.opened(chromium, lasting_server, viewport=NARROW, reduced_motion="reduce") as page:
        page.goto("sign-in")
        yield page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_seldom_shown_can_be_seen_and_touched(page: Page, theme: str) -> None:
    assert all(f'h{number}"' in PARTS for number in range(avatars._COLOURS))
    measured = Measured()
    page.evaluate(ALONE, PARTS)
    for size in (NARROW, WIDE):
        shown_as(page, {"viewport": size, "color_scheme": theme})
        assert measured.wrong(page, f"{theme} {size['width']}", touch=size == NARROW) == []
    assert len(measured.seen) > 20
    assert measured.wrong_on_paper(page) == []


def test_what_is_done_wrong_is_said(page: Page) -> None:
    shown_as(page, LIGHT)
    for said, fault in FAULTS.items():
        page.evaluate(ALONE, fault)
        found = Measured().wrong(page, "light", touch=True)
        assert any(line.startswith(f"light: {said}") for line in found), (said, found)


def test_links_in_running_text_and_those_that_are_there_larger_may_be_small(page: Page) -> None:
    shown_as(page, LIGHT)
    running = '<p>Look at <a href="#a">this</a> first.</p>'
    page.evaluate(ALONE, f'{running}<p><a href="#b">B</a></p><p><a class="btn" href="#b">B</a></p>')
    assert Measured().wrong(page, "light", touch=True) == []
