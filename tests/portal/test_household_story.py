"""
A family's landline on the cards of two of them, on two phones in a real browser: from offering it to leaving.

Anna offers Bo, her father, the number that both have; he agrees, she changes it once, and he leaves.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from playwright.sync_api import Browser, Page, expect

from sync.database.engine import Database
from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer
from tests.support.factories import served
from tests.support.hands import READERS, Window
from tests.support.waiting import until

OLD, NEW = "+86 10 5555 0120", "+86 10 5555 0188"


def bo_as_anna_has_him(database: Database, cast: Cast) -> str:
    """Return the card of Bo's that is in Anna's address book."""
    entry = served(database, cast.ids["anna"], cast.ids["bo"])
    assert entry is not None
    return entry.text


@READERS
def test_a_landline_is_offered_agreed_to_changed_once_for_both_and_kept_by_who_leaves(
    chromium: Browser, server: PortalServer, cast: Cast, locale: str, *, script: bool
) -> None:
    def opened() -> AbstractContextManager[Page]:
        options = {"locale": locale, "viewport": NARROW, "has_touch": True, "java_script_enabled": script}
        return browsers.opened(chromium, server, **options)

    with opened() as one, opened() as other:
        anna, bo = (
            Window(page, login, PASSWORD, locale, "household") for page, login in ((one, "anna"), (other, "bo"))
        )
        one.goto(f"people/{cast.ids['bo']}")
        anna.link("Share a number or address of your home with them")
        anna.look("offering")
        # What a home has comes first.
        expect(one.locator("main select[name=field] option:checked")).to_contain_text(OLD)
        anna.press("Offer it")
        anna.sees("%(name)s is asked", name="陈博 Chen Bo")
        anna.look("asked")
        other.reload()
        bo.link("Somebody of your household has news for you.")
        bo.reads(OLD)
        bo.look("offered")
        # Bo has this number himself: it is what follows, unless he wants it twice.
        expect(other.locator("main select[name=instead]")).not_to_have_value("")
        bo.press("Have it on my card")
        bo.sees("Follows %(name)s", name="陈安娜 Anna Chen")
        bo.look("carried")
        one.goto("card/")
        row = one.locator(".own > details", has_text="0120")
        row.locator("summary").click()
        if not script:
            row.get_by_role("link", name=anna.say("Edit")).click()
        row.locator("input[name=text]").fill(NEW)
        row.get_by_role("button", name=anna.say("Save")).click()
        database = Database(cast.url)
        until(lambda: NEW in bo_as_anna_has_him(database, cast))
        database.dispose()
        other.reload()
        bo.reads(NEW)
        bo.press("Keep it as my own")
        bo.look("left")
        other.goto("card/")
        bo.reads(NEW)
        one.goto("household/")
        anna.sees("%(name)s does not follow this any more.", name="陈博 Chen Bo")
        anna.look("told")
