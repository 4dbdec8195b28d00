"""What stands on the pages as it is read, sentence by sentence, and not as it lies in the catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lxml import html

from radicale_plugin.web import language
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.forms import Page, Visitor
from tests.support.site import Site

#: What does not end a line of text.
INLINE = frozenset(("a", "abbr", "b", "bdi", "code", "del", "em", "i", "ins", "kbd", "span", "strong", "sup", "time"))
#: What is no text of the page's own: what somebody typed, and what belongs to machines.
FOREIGN = ("pre", "script", "style", "svg", "textarea", "title")
#: A space after a mark that brings its own, and marks of English after 汉字.
WRONG = re.compile(r"[，。：；！？、）] +\S|[\u4e00-\u9fff](?:[,;:!?]|\.(?!\w))")


def lines(page: Page) -> Iterator[str]:
    """Yield the lines of text of a page, each with what stands within it."""
    body = page.document.find("body")
    assert body is not None
    said = "".join(pieces(body))
    yield from (line for text in said.split("\n") if (line := " ".join(text.split())))


def pieces(node: html.HtmlElement) -> Iterator[str]:
    """Yield the text in an element, with an end of line around whatever is no part of one."""
    if not isinstance(node.tag, str) or node.tag in FOREIGN:
        return
    apart = node.tag not in INLINE or set(node.get("class", "").split()) & {"btn", "chip", "chip-toggle", "filter"}
    around = "\n" if apart else ""
    yield around + re.sub(r"\s+", " ", node.text or "")
    for child in node:
        yield from pieces(child)
        yield re.sub(r"\s+", " ", child.tail or "")
    yield around


def pages(site: Site, cast: Cast, language: str) -> Iterator[tuple[str, Page]]:
    """Yield every page with its endpoint, as Anna sees it and as nobody does."""
    for visitor in (Visitor(site, language=language).signed_in(cast.ids[walk.WHO]), Visitor(site, language=language)):
        for endpoint, path in walk.addresses(site, "GET", cast.ids):
            if endpoint not in walk.NO_PAGE:
                page = visitor.get(path).followed()
                assert page.status == 200, endpoint
                yield endpoint, page


@pytest.fixture
def chinese(cast_site: Site, cast: Cast) -> set[str]:
    """Return the lines of all pages in Chinese."""
    return {line for _endpoint, page in pages(cast_site, cast, "zh-CN") for line in lines(page)}


def test_chinese_sentences_have_chinese_marks_and_no_space_after_them(chinese: set[str]) -> None:
    assert sorted(line for line in chinese if WRONG.search(line)) == []


def test_nothing_on_a_chinese_page_is_left_in_english(chinese: set[str]) -> None:
    texts = [text for text, said in language.texts("zh-Hans").items() if said != text and "%(" not in text]
    sentences = [text for text in texts if text.count(" ") > 1]
    assert sorted(line for line in chinese if line in texts or any(text in line for text in sentences)) == []


def test_whoever_reads_is_addressed_alike_in_every_chinese_sentence() -> None:
    familiar = re.compile("你(?!们)")
    assert [said for said in language.texts("zh-Hans").values() if familiar.search(said)] == []
