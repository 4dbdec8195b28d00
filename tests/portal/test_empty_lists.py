"""Where a list is empty, a drawing and one button stand in its place, so that nobody is left before nothing."""

from __future__ import annotations

import re

import jinja2
from jinja2 import nodes
from lxml.html import HtmlElement

from radicale_plugin.web.assets import STATIC
from sync.sign_in import administrators
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.portal.test_pages import paths
from tests.support.factories import person
from tests.support.forms import Visitor
from tests.support.site import Site

#: Buttons that say what to do first; a search has one of its own, for whoever looks for somebody else.
FIRST = "//main//*[(self::a or self::button) and (@class='btn' or @class='btn big')][not(ancestor::*[@role='search'])]"
#: A form that makes the first of a list is there on the page, and has the button.
MAKES = "//main//form[@method='post']//button[@class='btn' or @class='btn big']"
TEMPLATES = STATIC.with_name("templates")
LIST = re.compile(r'<[uo]l class="list')
#: Where the first of a list is made or proved on the same page, and where it is good that there is none.
OTHERWISE = {"administration/messages.html", "devices/index.html", "settings/addresses.html"}
#: What has rows for everybody: the ways to set something up, the places of the portal.
ALWAYS = {"devices.index", "home.index", "people.index"}


def rows(document: HtmlElement) -> list[HtmlElement]:
    return document.xpath("//main//*[contains(concat(' ', @class, ' '), ' list ')]/descendant-or-self::*/li")  # type: ignore[no-any-return]


def wrong(endpoint: str, document: HtmlElement) -> list[str]:
    """Return what is wrong with the places of empty lists on a page."""
    found = []
    for empty in document.xpath("//div[@class='empty']"):
        pictures, buttons = empty.xpath("svg[@class='pic']"), empty.xpath(".//a | .//button")
        if len(pictures) != 1 or [each.get("class") for each in buttons] != ["btn"] or not buttons[0].text_content():
            found.append(f"{endpoint}: {len(pictures)} drawings, {len(buttons)} buttons")
        firsts = [each.text_content().strip() for each in document.xpath(FIRST)]
        if len(firsts) != 1:
            found.append(f"{endpoint}: {firsts}")
    return found


def test_every_page_with_an_empty_list_shows_a_drawing_and_one_button(cast: Cast, cast_site: Site) -> None:
    """A page on which Anna has rows, and somebody who has nothing yet has none, shows such a place or makes one."""
    new = person(cast_site.database, "newcomer")
    cast_site.database.write(lambda session: administrators.appoint(session, new))
    anna, newcomer = (Visitor(cast_site).signed_in(each) for each in (cast.ids[walk.WHO], new))
    lines, seen = [], set()
    for endpoint, path in paths(cast_site, cast):
        hers, theirs = (each.get(path).followed() for each in (anna, newcomer))
        lines += wrong(endpoint, hers.document) + wrong(endpoint, theirs.document)
        if (
            theirs.status != 200
            or endpoint in ALWAYS
            or "q=" in path
            or not rows(hers.document)
            or rows(theirs.document)
        ):
            continue
        seen.add(endpoint)
        if not theirs.document.xpath("//div[@class='empty']") and not theirs.document.xpath(MAKES):
            lines.append(f"{endpoint}: nothing where a list would be")
    assert lines == []
    assert seen >= {"activity.contacts", "card.history_page", "ends.index", "household.index", "people.linked"}


def test_in_every_template_such_a_place_stands_for_a_list_that_is_not_there() -> None:
    """Also where no page of the walk is so empty."""
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    lists, without = 0, []
    for file in sorted(TEMPLATES.rglob("*.html")):
        name = str(file.relative_to(TEMPLATES))
        tree = environment.parse(file.read_text())
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "blank":
                assert len(call.args) >= 5 or call.dyn_args, name
        for choice in tree.find_all(nodes.If):
            if choice.else_ and any(LIST.search(each.data) for each in _texts(choice.body)):
                lists += 1
                calls = [call for node in choice.else_ for call in node.find_all(nodes.Call)]
                if not any(isinstance(call.node, nodes.Name) and call.node.name == "blank" for call in calls):
                    without.append(name)
    assert lists > 15
    assert set(without) == OTHERWISE


def _texts(body: list[nodes.Node]) -> list[nodes.TemplateData]:
    """Return the texts that stand in a branch itself, and in no branch or loop within it."""
    outputs = [node for node in body if isinstance(node, nodes.Output)]
    return [each for output in outputs for each in output.nodes if isinstance(each, nodes.TemplateData)]
