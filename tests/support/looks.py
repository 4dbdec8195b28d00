"""
What of a page in a browser cannot be seen or touched (WCAG 2.2).

- Text has a contrast of 4.5 to what it stands on, whatever its size: through all that is behind it, in placeholders,
  in drawings, and before and after elements. What is disabled may be fainter.
- What is typed into or ticked has an edge or a ground of 3 to what is around it, so have marks and drawings. Whatever
  else can be pressed is known by its text or its drawing. What is chosen among others is told by more than a faint
  colour.
- Whatever has the focus has a ring of 3 to what is beside it, of which nothing that matters is cut off.
- On a phone whatever can be pressed is 44 pixels high and wide, with its label or what it covers. A link in running
  text may be as high as its line, and one that leads to the same place as a larger one may be small.

Nothing may move while this is measured: the window is opened with ``reduced_motion="reduce"``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

MEASURES = Path(__file__).with_suffix(".js").read_text()
#: All that can be opened is open, several of a kind at once.
OPEN = """
() => document.querySelectorAll("details").forEach(each => { each.removeAttribute("name"); each.open = true })
"""
#: A mouse is over everything, as far as style sheets know.
POINTED_AT = """
() => {
  const over = rules => [...rules].forEach(rule => {
    const selector = rule.selectorText;
    if (selector?.includes(":hover")) rule.selectorText = selector.replaceAll(":hover", "[data-over]");
    else if (rule.cssRules) over(rule.cssRules);
  });
  [...document.styleSheets].forEach(sheet => over(sheet.cssRules));
  document.querySelectorAll("*").forEach(each => each.setAttribute("data-over", ""));
}
"""


@dataclass(slots=True)
class Measured:
    """What is wrong in several looks of several pages. A kind of thing is focused once in each look."""

    seen: list[str] = field(default_factory=list)

    def wrong(self, page: Page, look: str, *, focus: bool = True, touch: bool = False) -> list[str]:
        """Return what is wrong with the page as it is shown."""
        return self._asked(page, {"name": look, "focus": focus, "touch": touch})

    def wrong_on_paper(self, page: Page) -> list[str]:
        """Return what cannot be read of the page when it is printed."""
        page.emulate_media(media="print")
        wrong = self._asked(page, {"name": "print", "paper": True})
        page.emulate_media(media="screen")
        return wrong

    def _asked(self, page: Page, asked: dict[str, object]) -> list[str]:
        answer = page.evaluate(MEASURES, {**asked, "seen": self.seen})
        self.seen = answer["seen"]
        return [f"{asked['name']}: {line}" for line in answer["wrong"]]


def open_all(page: Page) -> None:
    """Open the menus of a page and whatever else can be opened."""
    page.evaluate(OPEN)


def point_at_all(page: Page) -> None:
    """Let the page look as if a mouse were over everything; it stays so until it is loaded anew."""
    page.evaluate(POINTED_AT)
