"""Whoever has a page open twice and changes one thing in each has both changed, in whatever form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from lxml import html

from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.forms import ROOT, Visitor, portal_of
from tests.support.site import Site

#: What somebody would write, by the kind of the input; a second text where that is there already.
WRITTEN = {
    "tel": ("+49 30 5555 0777", "+49 30 5555 0778"),
    "email": ("z8@example.org", "z9@example.org"),
    "date": ("2031-01-02", "2031-02-03"),
    "time": ("11:22", "12:33"),
    "number": ("2", "3"),
}
ANYTHING = ("Walnuts", "Hazelnuts")
NOT_TYPED = ("hidden", "password", "file", "submit", "search")
TICKED = ("checkbox", "radio")


def kind_of(node: html.HtmlElement) -> str:
    return str(node.get("type", "text")) if node.tag == "input" else str(node.tag)


def inputs(form: html.FormElement) -> dict[str, Any]:
    """Return what somebody can change in a form, by its name, and its value where it is ticked."""
    return {
        f"{node.get('name')}={node.get('value')}" if kind_of(node) in TICKED else str(node.get("name")): node
        for node in form.xpath(".//input[@name] | .//textarea[@name] | .//select[@name]")
        if kind_of(node) not in NOT_TYPED and node.get("disabled") is None
    }


def said(node: Any) -> object:
    return node.get("checked") is not None if kind_of(node) in TICKED else node.value or ""


def change(form: html.FormElement, key: str) -> dict[str, Any] | None:
    """Change one thing in a form, and return what is sent then; None where there is nothing else to choose."""
    node = inputs(form)[key]
    if kind_of(node) in TICKED:
        if kind_of(node) == "radio" and node.checked:
            return None
        node.checked = not node.checked
    elif node.tag == "select":
        others = [value for value in node.value_options if value != node.value]
        if not others:
            return None
        node.value = others[0]
    else:
        first, second = WRITTEN.get(kind_of(node), ANYTHING)
        node.value = second if node.value == first else first
    values: dict[str, Any] = {}
    for name, value in form.form_values():
        values.setdefault(name, []).append(value)
    return values


class Tabs:
    """A form of a page, which is opened as often as one likes."""

    def __init__(self, visitor: Visitor, path: str, action: str) -> None:
        self.visitor, self.path, self.action = visitor, path, action

    def opened(self) -> html.FormElement | None:
        """Return the form as it is now, in a tab of its own; None where it is not there any more."""
        page = self.visitor.get(self.path)
        there = page.document.forms if page.status == 200 else []
        found = (each for each in there if (each.get("action") or page.response.url.path) == self.action)
        return next((each for each in found if each.method.lower() == "post"), None)

    def lost(self, one: str, other: str) -> str | None:
        """Change one thing here and another there; return what was lost, and None where nothing was stored."""
        here, there = self.opened(), self.opened()
        if here is None or there is None or not {one, other} <= inputs(here).keys():
            return None
        before = said(inputs(here)[one]), said(inputs(there)[other])
        first, second = change(here, one), change(there, other)
        if first is None or second is None or self.visitor.send(self.action, first).status >= 400:
            return None
        between = self.opened()
        if between is None or said(inputs(between)[one]) == before[0]:
            return None
        answer, after = self.visitor.send(self.action, second), self.opened()
        if after is None or answer.status >= 400:
            return ""
        kept = inputs(after)
        if said(kept[one]) != said(inputs(between)[one]):
            return f"{one} of the first tab"
        return "" if said(kept[other]) != before[1] else f"{other} of the second tab"


def forms(site: Site, cast: Cast, visitor: Visitor) -> Iterator[tuple[str, Tabs, list[str]]]:
    """Yield each form in which two things can be changed: its endpoint, itself, and the names of these things."""
    urls, seen = portal_of(site).url_map.bind("evercard.test"), set()
    for endpoint, some in groupby(walk.addresses(site, "GET", cast.ids), itemgetter(0)):
        path = next(some)[1]
        page = visitor.get(path)
        if endpoint in walk.NO_PAGE or page.response.is_redirect:
            continue
        for form in page.document.forms:
            action = str(form.get("action") or page.response.url.path)
            if form.method.lower() != "post" or len(inputs(form)) < 2:
                continue
            sent_to = str(urls.match(action.removeprefix(ROOT).partition("?")[0], method="POST")[0])
            if sent_to not in seen and sent_to != "settings.choose_language":
                seen.add(sent_to)
                yield sent_to, Tabs(visitor, path, action), list(inputs(form))


def test_what_is_changed_in_one_tab_stays_when_something_else_is_in_another(cast_site: Site, cast: Cast) -> None:
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO])
    lost, tried = {}, set()
    for endpoint, tabs, keys in forms(cast_site, cast, visitor):
        for one, other in ((keys[0], keys[-1]), (keys[-1], keys[0]), (keys[0], keys[1])):
            if one == other or (found := tabs.lost(one, other)) is None:
                continue
            tried.add(endpoint)
            if found:
                lost[endpoint] = found
    assert lost == {}
    assert tried >= {
        "administration.organisation",
        "card.edit",
        "people.sort",
        "settings.digest",
        "settings.set_connecting",
        "settings.set_found",
        "sharing.save",
        "sharing.save_person",
    }
