"""Every form in a browser: leaving it asks, a double click sends it once, and a lost network loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.portal import walk
from tests.portal.conftest import Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import PortalServer, comes_true
from tests.support.site import Site

TYPED = "Walnuts and <b>tea</b>"
#: Of what was not sent htmx tells the browser's console as well.
QUIET = "console.error = () => {}"
#: Returns the forms that do not ask when they are left with something changed in them.
TOUCH = """
() => [...document.forms].filter((form) => form.method === "post").flatMap((form) => {
  const kinds = /^(text|tel|email|url|textarea|checkbox|select-one)$/;
  const typed = [...form.elements].find((each) => kinds.test(each.type));
  if (!typed || typed.hidden) return [];
  const asks = () => {
    const leaving = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(leaving);
    return leaving.defaultPrevented;
  };
  const before = asks();
  typed.dispatchEvent(new Event("input", { bubbles: true }));
  const after = asks();
  form.dispatchEvent(new Event("reset", { bubbles: true }));
  return before || !after ? [form.getAttribute("action") || location.pathname] : [];
})
"""
#: Sends each form without a network; says which went off, or are not told of in sight, or lost what was typed.
LOST = """
async (text) => {
  const off = (is) => Object.defineProperty(navigator, "onLine", { get: () => !is, configurable: true });
  const seen = (node) => {
    const { top, bottom } = node.getBoundingClientRect();
    return node.offsetParent && top < innerHeight && bottom > 0;
  };
  const wrong = [];
  let went = null;
  addEventListener("submit", (event) => { went = event.target; });
  off(true);
  for (const form of [...document.forms].filter((each) => each.method === "post")) {
    const typed = [...form.elements].find((each) => /^(text|tel|textarea)$/.test(each.type));
    const [before, button] = [typed && typed.value, [...form.elements].find((each) => each.type === "submit")];
    if (!button || button.disabled || !button.checkVisibility()) continue;
    if (typed) typed.value = text;
    form.noValidate = true;
    form.requestSubmit(button);
    const told = document.querySelectorAll(".not-sent");
    if (went === form || told.length !== 1 || !seen(told[0]) || (typed && typed.value !== text)) {
      wrong.push([form.getAttribute("action"), told.length]);
    }
    told.forEach((each) => each.remove());
    if (typed) typed.value = before;
  }
  off(false);
  return wrong;
}
"""
#: Types into each form and sends it twice, as a double click does; says how often each went off that did not once.
SENDS = """
(text) => {
  const [count, stays] = [new Map(), new Set()];
  addEventListener("submit", (event) => {
    // What a script sends leaves the page as it is.
    if (event.defaultPrevented) stays.add(event.target);
    count.set(event.target, (count.get(event.target) || 0) + 1);
    event.preventDefault();
  });
  const wrong = [];
  const forms = [...document.forms].filter((form) => form.method === "post" && !form.matches(".languages"));
  for (const form of forms) {
    for (const each of form.elements) if (/^(text|tel|textarea)$/.test(each.type)) each.value = text;
    form.noValidate = true;
    const button = [...form.elements].find((each) => each.type === "submit" && !each.disabled);
    form.requestSubmit(button);
    form.requestSubmit(button);
    if (count.get(form) !== 1) wrong.push([form.getAttribute("action"), count.get(form)]);
  }
  const typed = forms.filter((form) => [...form.elements].some((each) => /^(text|tel|textarea)$/.test(each.type)));
  const last = forms.at(-1);
  const leaves = last && last === typed.at(-1) && !stays.has(last);
  const named = last && last.elements.csrf_token.value;
  return [wrong, forms.length, leaves ? last.getAttribute("action") || location.pathname : null, named];
}
"""
#: Whether the form for an address has what was typed, and what the server knows it by if it arrived.
SAYS = """
([action, text, named]) => [...document.forms].some((form) => form.method === "post" &&
  (form.getAttribute("action") || location.pathname) === action && form.elements.csrf_token.value === named &&
  [...form.elements].filter((each) => /^(text|tel|textarea)$/.test(each.type)).every((each) => each.value === text))
"""


@pytest.fixture
def page(chromium: Browser, server: PortalServer) -> Iterator[Page]:
    """Yield a browser's window in which Anna is signed in, and from which no form arrives any more."""
    with browsers.opened(chromium, server) as page:
        sign_in(page)
        page.add_init_script(QUIET)
        page.route("**/*", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
        yield page


def test_every_form_asks_before_it_is_left_goes_off_once_and_only_with_a_network_and_keeps_what_was_typed(
    page: Page, cast_site: Site, cast: Cast
) -> None:
    silent, wrong, lost, forms, kept, seen = {}, {}, {}, 0, 0, set()
    for endpoint, path in walk.addresses(cast_site, "GET", cast.ids):
        if endpoint in walk.NO_PAGE or endpoint in seen:
            continue
        seen.add(endpoint)
        page.goto(path.removeprefix("/") or ".", wait_until="domcontentloaded")
        if not endpoint.startswith("signing.") and (found := page.evaluate(TOUCH)):
            silent[endpoint] = found
        if found := page.evaluate(LOST, TYPED):
            lost[endpoint] = found
        twice, number, action, named = page.evaluate(SENDS, TYPED)
        forms += number
        if twice:
            wrong[endpoint] = twice
        if action is None:
            continue
        page.goto("about:blank")
        page.go_back()
        comes_true(page, f"() => ({SAYS})({json.dumps([action, TYPED, named])})")
        kept += 1
    assert silent == {}
    assert wrong == {}
    assert lost == {}
    assert forms > 80
    assert kept > 15


def test_whoever_saves_a_field_without_a_network_is_told_beside_the_button(page: Page) -> None:
    page.goto("card/add/mobile")
    text, button = page.locator("#form-new input[type=tel]"), page.locator("#form-new .acts button")
    told = page.get_by_text("This did not reach the server")
    text.fill("+49 30 5555 0777")
    button.click()
    expect(told).to_be_in_viewport()
    expect(text).to_have_value("+49 30 5555 0777")
    page.unroute("**/*")
    button.click()
    page.locator("#fields :text('+49 30 5555 0777')").first.wait_for()
    expect(told).to_have_count(0)
