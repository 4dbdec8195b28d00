"""What a script sends of a form: it is sent once at a time, and nothing is in the way of another try."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import ASKS, PortalServer, comes_true

#: What stops a double click does not end by itself, however slow the machine is.
NO_END = (
    "((later) => { window.setTimeout = (act, ms, ...rest) => ms === 1500 ? 0 : later(act, ms, ...rest); })(setTimeout)"
)
#: Of what was not taken htmx tells the browser's console as well.
QUIET = "console.error = () => {}"
#: Presses a button, and again as soon as there is an answer.
PRESSES = """
async ([button, times]) => {
  for (let time = 0; time < times; time += 1) {
    const over = new Promise((done) => document.addEventListener("htmx:afterRequest", done, { once: true }));
    document.querySelector(button).click();
    await over;
  }
}
"""
SAVE = "#form-new .acts button"


@pytest.fixture
def page(chromium: Browser, server: PortalServer) -> Iterator[Page]:
    """Yield a browser's window in which Anna is signed in."""
    with browsers.opened(chromium, server) as page:
        sign_in(page)
        yield page


def test_a_form_that_a_script_sent_is_pressed_again_at_once_where_it_was_not_taken(page: Page) -> None:
    """Nobody answered, or a server in trouble, or it is refused; and leaving asks until it is taken."""
    came: list[str] = []

    def answer(route: Route) -> None:
        came.append(route.request.post_data or "")
        if len(came) == 1:
            route.abort()
        elif len(came) == 2:
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.add_init_script(f"{NO_END}; {QUIET}")
    page.goto("card/add/mobile")
    page.route("**/card/add/mobile", answer)
    page.locator("#form-new input[type=tel]").fill("no number")
    page.evaluate(PRESSES, [SAVE, 2])
    comes_true(page, ASKS)
    page.evaluate(PRESSES, [SAVE, 1])
    page.locator("#form-new [aria-invalid=true]").wait_for()
    comes_true(page, ASKS)
    page.locator("#form-new input[type=tel]").fill("+49 30 5555 0444")
    page.evaluate(PRESSES, [SAVE, 1])
    page.locator("#fields :text('+49 30 5555 0444')").first.wait_for()
    assert len(came) == 4
    comes_true(page, f"() => !({ASKS})()")


#: Sends the matrix, looks at what would be meanwhile, and sends it again; says how often it went off.
SENDS = """
async () => {
  const form = document.querySelector("#matrix");
  let sent = 0;
  document.addEventListener("submit", (event) => { event.preventDefault(); sent += 1; });
  form.requestSubmit();
  const over = new Promise((done) => document.addEventListener("htmx:afterRequest", done, { once: true }));
  form.querySelector("input[name=box]:not(:disabled)").dispatchEvent(new Event("change", { bubbles: true }));
  await over;
  form.requestSubmit();
  return sent;
}
"""


def test_a_look_at_what_would_be_is_no_answer_to_the_form_that_was_sent(page: Page) -> None:
    page.add_init_script(f"{NO_END}; {QUIET}")
    page.goto("sharing/")
    page.route("**/sharing/preview", lambda route: route.abort())
    sent = page.evaluate(SENDS)
    assert sent == 1
