"""A page in a browser may still be loading: what is claimed of it is waited for (`expect`, `until`, `comes_true`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: What Playwright answers of this moment.
OF_THIS_MOMENT = {
    "all_inner_texts",
    "all_text_contents",
    "bounding_box",
    "evaluate",
    "evaluate_all",
    "get_attribute",
    "inner_html",
    "inner_text",
    "input_value",
    "is_checked",
    "is_disabled",
    "is_enabled",
    "is_hidden",
    "is_visible",
    "text_content",
}


def claimed_at_once(source: str) -> Iterator[int]:
    """Yield the lines of assertions that ask a page once, as it is at this moment."""
    for claim in ast.walk(ast.parse(source)):
        if isinstance(claim, ast.Assert) and any(map(_asks, ast.walk(claim.test))):
            yield claim.lineno


def _asks(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    counts = node.func.attr == "count" and not node.args
    return counts or node.func.attr in OF_THIS_MOMENT


def test_no_story_asserts_what_may_still_come() -> None:
    found = {}
    for file in sorted((ROOT / "tests").rglob("*.py")):
        source = file.read_text("utf-8")
        if "from playwright" in source and (lines := list(claimed_at_once(source))):
            found[str(file.relative_to(ROOT))] = lines
    assert found == {}


def test_an_assertion_that_does_not_wait_is_seen() -> None:
    seen = "assert page.locator('img').evaluate('x') > 1\nassert rows.count() == 2\nassert 'a' in main.inner_text()"
    assert list(claimed_at_once(seen)) == [1, 2, 3]
    assert list(claimed_at_once("assert text.count('a') == 1\nexpect(rows).to_have_count(2)\nassert names == []")) == []
