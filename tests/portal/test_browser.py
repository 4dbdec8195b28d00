"""What people do at the portal, in a real browser: with a mouse, with the keyboard alone, and without JavaScript."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.portal.conftest import PASSWORD
from tests.support import chromium as browsers
from tests.support import newcomers
from tests.support.chromium import NARROW, PortalServer
from tests.support.hands import SCRIPTS


@SCRIPTS
def test_somebody_signs_up_changes_the_password_and_comes_back(
    chromium: Browser, lasting_server: PortalServer, *, script: bool
) -> None:
    login = "cleo" if script else "clea"
    with browsers.opened(chromium, lasting_server, java_script_enabled=script) as page:
        page.goto(".")
        page.get_by_role("link", name="Make my card").click()
        newcomers.sign_up(page, login, PASSWORD)
        expect(page.get_by_role("status").first).to_have_text(f"Welcome! You sign in as {login}.")
        page.goto("account/")
        page.get_by_label("Password until now").fill(PASSWORD)
        page.get_by_label("New password").fill("another password")
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("status").first).to_contain_text("Your password was changed.")
        page.goto("settings/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status").first).to_have_text("You are signed out.")
        page.goto("account/")
        sign_in(page, login, "another password")
        expect(page.get_by_role("heading", level=1)).to_have_text("Password and browsers")


def test_the_keyboard_is_enough(chromium: Browser, lasting_server: PortalServer) -> None:
    """From the first key on: past the menu to the content, through the form, and sent."""
    with browsers.opened(chromium, lasting_server, viewport=NARROW) as page:
        page.goto("sign-in")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the content")
        expect(page.locator(":focus")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("anna")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello, 陈安娜 Anna Chen")


def test_the_browser_s_language_is_spoken_until_another_is_chosen(
    chromium: Browser, lasting_server: PortalServer
) -> None:
    with browsers.opened(chromium, lasting_server, locale="zh-CN") as page:
        page.goto("sign-in")
        expect(page.get_by_role("heading", level=1)).to_have_text("登录")
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        # The language stays theirs.
        sign_in(page, "bo")
        page.get_by_role("button", name="简体中文").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("您好，陈博 Chen Bo")


def test_a_wrong_password_is_told_at_the_field(chromium: Browser, lasting_server: PortalServer) -> None:
    with browsers.opened(chromium, lasting_server) as page:
        page.goto("sign-in")
        sign_in(page, "anna", "wrong password")
        field = page.get_by_label("Password")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description("The login or the password is wrong.")
        assert browsers.look(page) == []


def test_a_page_of_another_site_can_do_nothing(chromium: Browser, lasting_server: PortalServer) -> None:
    """The browser says where a form comes from, and the cookie does not travel with it."""
    with browsers.opened(chromium, lasting_server) as page:
        page.goto("sign-in")
        sign_in(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello, 陈安娜 Anna Chen")
        target = f"{lasting_server.url}/.web/sign-out"
        page.goto("about:blank")
        page.set_content(f'<form method="post" action="{target}"><button>Win</button></form>')
        page.get_by_role("button", name="Win").click()
        expect(page.get_by_role("alert")).to_contain_text("This form was not opened at")
        page.goto(".")
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello, 陈安娜 Anna Chen")


def sign_in(page: Page, login: str = "anna", password: str = PASSWORD) -> None:
    page.get_by_label("Login or e-mail address").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
