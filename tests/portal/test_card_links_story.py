"""
A card for somebody without an account, on two phones in a real browser: from making the link to its end.

Anna makes a link to what her colleagues see; somebody who was never here opens it, and sees just that, until she ends
it.
"""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.portal.conftest import PASSWORD, Cast
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer
from tests.support.hands import READERS, Hand, Looks, words

ENDED = "The link is ended: it shows nobody anything any more. Who has downloaded the card keeps it."
OVER = (
    "Perhaps the address was not copied as a whole, or whoever shared the card does not share it any more. "
    "Ask them for a new link."
)


@READERS
def test_a_card_is_shown_to_somebody_without_an_account_until_its_owner_ends_it(
    chromium: Browser, server: PortalServer, cast: Cast, locale: str, *, script: bool
) -> None:
    say, options = (
        words(locale),
        {"locale": locale, "viewport": NARROW, "has_touch": True, "java_script_enabled": script},
    )
    with browsers.opened(chromium, server, **options) as page:
        page.goto("sign-in")
        page.locator("input[name=login]").fill("anna")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main form button").first.click()
        hand, looks = Hand(page), Looks(page, f"card-links-{locale}")
        hand.tap(page.locator("nav.nav").get_by_role("link", name=say("Share")))
        hand.tap(page.get_by_role("link", name=say("A card for anybody")))
        expect(page.get_by_role("main")).to_contain_text(say("Make a link"))
        looks.at("new")
        hand.choose("group_id", "colleagues")
        hand.type("label", "办公室门口")
        hand.type("day", "2031-05-20")
        hand.tap(page.get_by_role("main").get_by_role("button", name=say("Make a link")))
        address = page.locator("#address").input_value()
        looks.at("made")
        assert (hand.taps, looks.wrong) == (5, [])
        with browsers.opened(chromium, server, **options) as other:
            looks = Looks(other, f"card-page-{locale}")
            other.goto(address)
            main = other.get_by_role("main")
            expect(main).to_contain_text("anna@z.example")
            expect(main).not_to_contain_text("6222 0000 0000 0138")
            expect(main).not_to_contain_text("anna@y.example")
            looks.at("card")
            other.get_by_text(say("Follow this card"), exact=True).click()
            expect(other.locator("#secret")).to_be_visible()
            looks.at("followed")
            with other.expect_download() as saved:
                other.get_by_role("link", name=say("Save to contacts")).click()
            text = saved.value.path().read_text("utf-8")
            assert "anna@z.example" in text
            assert "anna@y.example" not in text
            for tag, name in (("en-US", "English"), ("zh-CN", "简体中文")) if locale == "zh-CN" else ():
                other.get_by_role("link", name=name).click()
                expect(other.get_by_role("link", name=words(tag)("Save to contacts"))).to_be_visible()
            page.get_by_role("button", name=say("End this link")).click()
            expect(page.locator("#told")).to_contain_text(say(ENDED))
            other.reload()
            expect(other.get_by_role("main")).to_contain_text(say(OVER))
            looks.at("over")
            assert looks.wrong == []
