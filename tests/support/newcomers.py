"""Signing up as a new person does it, in both steps, with forms or in a real browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page as BrowserPage

from tests.support.forms import Page


def signed_up(page: Page, action: str, /, login: str, password: str, **about: Any) -> Page:
    """
    Fill in the two steps of *page*, whose form goes to *action*, and return what comes after them.

    *about* is for the first step; a name is made up where there is none. What the first step refuses is returned.
    """
    second = page.submit(action, **{"name": f"Called {login}"[:100], **about})
    if second.status != 200:
        return second
    return second.submit(action, login=login, password=password)


def sign_up(page: BrowserPage, login: str, password: str, name: str = "Cleo") -> None:
    """Do the two steps in the page that the browser shows, whatever its language."""
    page.locator("input[name=name]").fill(name)
    page.locator("main form button.big").click()
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button.big").click()
