"""How the portal looks where no person checks it: what is cut off, its colours, its files, what messengers show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from radicale_plugin.web import avatars
from radicale_plugin.web.assets import STATIC
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.portal.test_pages import paths, shown_as, sign_in
from tests.support import chromium as browsers
from tests.support import looks
from tests.support.chromium import NARROW, WIDE, PortalServer
from tests.support.forms import Visitor
from tests.support.site import Site

TEMPLATES = STATIC.with_name("templates")


def test_the_components_have_no_colour_of_their_own() -> None:
    for name in ("components.css", "portal.css", "matrix.css"):
        style = re.sub(r"url\([^)]*\)|/\*.*?\*/", "", (STATIC / name).read_text(), flags=re.DOTALL)
        raw = set(re.findall(r"#[0-9a-f]{3,8}\b(?=[^{}]*;)", style))
        # Pure white is paper for a camera or a printer, and black a mask; the others are the drawn face's.
        assert raw <= {"#fff", "#000", "#e9b98f", "#33261f", "#2f5f8a", "#d9a57b"}, name


def test_every_drawing_that_is_used_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (STATIC / "sprite.svg").read_text()))
    used = set()
    for file in TEMPLATES.rglob("*.html"):
        used |= set(re.findall(r'icon\("([a-z]+)"', file.read_text()))
    assert used
    assert used <= drawn
    assert {name for names in (avatars._COLOURS,) for name in range(names)} == set(range(12))


def sheets() -> str:
    """Return all style sheets, without what is said about them."""
    text = "".join(file.read_text() for file in sorted(STATIC.glob("*.css")))
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def test_no_class_is_used_that_no_style_sheet_script_or_test_knows() -> None:
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", sheets()))
    others = "".join(file.read_text() for file in (*STATIC.glob("*.js"), *Path(__file__).parent.glob("*.py")))
    used = set()
    for file in TEMPLATES.rglob("*.html"):
        for names in re.findall(r'class="([^"]*)"', re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", file.read_text())):
            used |= set(names.split())
    assert len(used) > 100
    assert [name for name in sorted(used - known) if name not in others] == []


def test_no_class_lays_out_two_things_in_two_ways() -> None:
    """Whoever takes a name that is taken changes a page that they do not look at."""
    plain = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheets())
    laid_out: dict[str, set[str]] = {}
    for names, style in re.findall(r"([^{}]+)\{([^{}]*)\}", plain):
        for name in (each.strip() for each in names.split(",")):
            if re.fullmatch(r"\.[\w-]+", name):
                laid_out.setdefault(name, set()).update(re.findall(r"(?<![\w-])display: ([\w-]+)", style))
    assert {name: kinds for name, kinds in laid_out.items() if len(kinds) > 1} == {}


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Wang Fang", "WF"), ("陈安娜 Anna Chen", "陈"), ("Madonna", "M"), ("大卫·穆勒", "大"), ("李", "李"), ("?", "?")],
)
def test_a_name_has_its_letters_and_always_the_same_colour(name: str, letters: str) -> None:
    assert avatars.initials(name) == letters
    assert avatars.hue(name) == avatars.hue(name)
    assert re.fullmatch("h([0-9]|1[01])", avatars.hue(name))


def test_colours_of_names_are_those_of_their_hash() -> None:
    assert [avatars.hue(name) for name in ("Wang Fang", "Amir Haddad", "Dora Novák")] == ["h0", "h2", "h5"]


WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: What is cut off: the choice of a list, text that ends where its box does, without all of it in a title, and buttons.
CUT_OFF = """
    () => {
        const measure = document.createElement('canvas').getContext('2d');
        const width = (node, text) => {
            measure.font = getComputedStyle(node).font;
            return measure.measureText(text).width;
        };
        const room = (node) => {
            const style = getComputedStyle(node);
            return node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
        };
        const lists = [...document.querySelectorAll('select')].filter(node => node.checkVisibility());
        const cut = lists.filter(node => width(node, node.selectedOptions[0]?.text || '') > room(node) + 1);
        const texts = [...document.querySelectorAll('main *, nav *, header *')].filter(node => {
            const style = getComputedStyle(node);
            return style.textOverflow === 'ellipsis' && node.scrollWidth > node.clientWidth && !node.title;
        });
        const beyond = [...document.querySelectorAll('.list .btn, .vcard .btn')].filter(node => {
            const within = node.closest('.list, .vcard').getBoundingClientRect().right;
            return node.checkVisibility() && node.getBoundingClientRect().right > within;
        });
        return [...cut, ...texts, ...beyond].map(node => node.outerHTML.slice(0, 100));
    }
"""


#: Texts of a page of which one lies upon another, each with that. What hovers over the page is none of them.
OVERLAPS = """() => {
    const floats = node => {
        for (let each = node.parentElement; each; each = each.parentElement)
            if (['fixed', 'sticky', 'absolute'].includes(getComputedStyle(each).position)) return true
        return !node.parentElement.checkVisibility()
    }
    const ends = node => {
        let end = Infinity
        for (let each = node.parentElement; each; each = each.parentElement)
            if (getComputedStyle(each).overflowY !== 'visible') end = Math.min(end, each.getBoundingClientRect().bottom)
        return end
    }
    const lines = []
    const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const node = texts.currentNode, range = document.createRange()
        if (!node.data.trim() || floats(node)) continue
        range.selectNodeContents(node)
        // What a font may need above and below its letters can be more than a line has.
        const high = parseFloat(getComputedStyle(node.parentElement).lineHeight)
        for (const box of range.getClientRects()) {
            const middle = (box.top + box.bottom) / 2, [top, bottom] = [middle - high / 2, middle + high / 2]
            if (middle < ends(node)) lines.push([node, {left: box.left, right: box.right, top, bottom}])
        }
    }
    const upon = (one, other) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2
        && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 2
    return lines.flatMap(([one, box], place) => lines.slice(place + 1)
        .filter(([other, its]) => other !== one && upon(box, its))
        .map(([other]) => [one.data.trim().slice(0, 40), other.data.trim().slice(0, 40)]))
}"""


#: Numbers and words that stand on two lines, of those that are short enough for one.
TORN = r"""() => {
    const kinds = [/\+\d[\d ]{5,22}\d/, /\be[-\u2011]mail/, /\d+ (?:second|minute|hour|day)s? ago/,
        /(?<![\w@./:=-])[a-z]{2,12}(?![\w@./:=-])/]
    const whole = RegExp(kinds.map(kind => kind.source).join('|'), 'gi')
    const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT), torn = []
    while (texts.nextNode()) {
        if (texts.currentNode.parentElement.closest('pre')) continue
        for (const found of texts.currentNode.data.matchAll(whole)) {
            const range = document.createRange()
            range.setStart(texts.currentNode, found.index)
            range.setEnd(texts.currentNode, found.index + found[0].length)
            if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) torn.push(found[0])
        }
    }
    return torn
}"""


# The same pages, as narrow as a telephone can be.
@pytest.mark.timeout(900)
def test_no_page_scrolls_sideways_or_cuts_or_tears_a_text_or_writes_over_another_at_320_pixels(
    chromium: Browser, server: PortalServer, cast_site: Site, cast: Cast
) -> None:
    wrong: dict[str, object] = {}
    with browsers.opened(chromium, server, viewport={"width": 320, "height": 640}) as page:
        sign_in(page)
        for endpoint, path in paths(cast_site, cast):
            page.goto(path.removeprefix("/") or ".")
            if (wide := page.evaluate(WIDER)) > 0:
                wrong[endpoint] = wide
            if cut := page.evaluate(CUT_OFF):
                wrong[f"{endpoint}, cut off"] = cut
            if upon := page.evaluate(OVERLAPS):
                wrong[f"{endpoint}, one upon another"] = upon
            if torn := page.evaluate(TORN):
                wrong[f"{endpoint}, on two lines"] = torn
            looks.open_all(page)
            if (found := [page.evaluate(WIDER), *page.evaluate(CUT_OFF)]) != [0]:
                wrong[f"{endpoint}, with everything opened"] = found
        page.goto("sharing/")
        page.locator("main .matrix input.tick:not(:checked)").first.check()
        expect(page.locator(".savebar > span")).to_contain_text("1")
        if torn := page.evaluate(TORN):
            wrong["sharing.index, on two lines when it is changed"] = torn
    assert wrong == {}


def test_beside_what_cannot_be_taken_back_stands_how_to_leave_it(cast_site: Site, cast: Cast) -> None:
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO])
    seen = set()
    for endpoint, path in paths(cast_site, cast):
        for button in visitor.get(path).followed().document.xpath("//main//button[@class='btn danger-full']"):
            seen.add(endpoint)
            assert button.xpath("following-sibling::a[@class='btn quiet'][@href]"), endpoint
    assert seen >= {"administration.end_organisation", "groups.delete", "people.block", "settings.leave"}


def test_what_is_told_is_as_wide_as_what_it_is_about(chromium: Browser, server: PortalServer) -> None:
    widths = "() => ['#told', 'main > .narrow'].map(each => document.querySelector(each).getBoundingClientRect().width)"
    with browsers.opened(chromium, server, viewport=WIDE) as page:
        sign_in(page)
        for path in ("devices/", "settings/", "groups/", "activity/", "contacts/new"):
            page.goto(path)
            told, about = page.evaluate(widths)
            assert told == about, path


def test_the_files_that_a_browser_looks_for_are_there(site: Site) -> None:
    for path, kind in (
        ("/favicon.ico", "image/x-icon"),
        ("/apple-touch-icon.png", "image/png"),
        ("/robots.txt", "text/plain; charset=utf-8"),
    ):
        answer = site.call("GET", path)
        assert (answer.status, answer.header("Content-Type")) == (200, kind)
        assert answer.body
    assert b"Disallow: /\n" in site.call("GET", "/robots.txt").body


def test_the_portal_can_be_put_on_a_home_screen(site: Site) -> None:
    visitor = Visitor(site)
    (address,) = visitor.get("/").document.xpath("//link[@rel='manifest']/@href")
    answer = visitor.get(str(address).removeprefix("/.web")).response
    assert answer.headers["Content-Type"] == "application/manifest+json"
    told = json.loads(answer.text)
    assert told["start_url"] == "/.web/"
    for icon in told["icons"]:
        assert visitor.get(icon["src"].removeprefix("/.web")).response.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(("locale", "said"), [("en-US", "three phones show"), ("zh-CN", "三部手机都显示")])
def test_the_first_page_shows_what_evercard_does_in_one_picture(
    chromium: Browser, lasting_server: PortalServer, locale: str, said: str
) -> None:
    """Whoever is not signed in sees it on the first screen of a computer, in the colours of the theme."""
    with browsers.opened(chromium, lasting_server, locale=locale, viewport=WIDE) as page:
        page.goto(".")
        picture = page.locator("main").get_by_role("img")
        expect(picture).to_have_accessible_name(re.compile(said))
        papers = []
        for theme in ("light", "dark"):
            shown_as(page, {"viewport": WIDE, "color_scheme": theme})
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] > 400
            assert box["y"] + box["height"] <= WIDE["height"]
            papers.append(picture.locator(".frame").first.evaluate("node => getComputedStyle(node).fill"))
        assert len(set(papers)) == 2
        shown_as(page, {"viewport": NARROW, "color_scheme": "light"})
        browsers.comes_true(picture, "node => node.getBoundingClientRect().width > 300")


def test_the_first_page_is_for_an_index(site: Site) -> None:
    assert Visitor(site).get("/").document.xpath("//meta[@name='robots']") == []


#: Pages that belong to no place: the first one, and those that letters and programs lead to.
NOWHERE = ("card_page", "home", "mail_links", "password_reset", "signing")


def test_every_page_marks_one_place_of_the_menu_on_a_wide_screen_and_one_on_a_narrow_one(
    cast_site: Site, cast: Cast
) -> None:
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO])
    seen = set()
    for endpoint, path in paths(cast_site, cast):
        if endpoint in seen or endpoint.partition(".")[0] in NOWHERE:
            continue
        seen.add(endpoint)
        menu = visitor.get(path).followed().document.xpath("//nav[@class='nav']//li")
        narrow = [node for node in menu if node.get("class") != "wide"]
        assert len(narrow) == 5
        assert len([node for node in menu if node.xpath("a[@aria-current]")]) == 1, endpoint
        assert len([node for node in narrow if node.xpath("a[@aria-current or @class='near']")]) == 1, endpoint
    assert len(seen) > 40
