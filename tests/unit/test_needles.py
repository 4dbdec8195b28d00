"""What a test says is not in an answer cannot be in it by accident: random ids are made of a to f and digits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What one of the ids of a page begins, ends or goes on with some day. Eight of them come once in 200 million places.
MAY_BE_OF_AN_ID = re.compile("[0-9a-f]{1,7}")


def coin_tosses(source: str) -> Iterator[int]:
    """Yield the lines that say of a text which an id may have in it that it is not there, or how often it is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.expr) and any(map(_is_short, _looked_for(node))):
            yield node.lineno


def _looked_for(node: ast.expr) -> list[ast.expr]:
    """Return what ``x not in y`` and ``y.count(x)`` look for."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn):
        return [node.left]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "count":
        return node.args
    return []


def _is_short(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | bytes):
        return False
    text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    return MAY_BE_OF_AN_ID.fullmatch(text) is not None


def test_nothing_that_must_not_be_there_may_be_a_part_of_an_id() -> None:
    found = {}
    for file in sorted((ROOT / "tests").rglob("*.py")):
        if lines := list(coin_tosses(file.read_text("utf-8"))):
            found[str(file.relative_to(ROOT))] = lines
    assert found == {}


def test_what_may_be_a_part_of_an_id_is_seen() -> None:
    seen = 'assert "138" not in page.text\nassert b"10001" not in body\nassert text.count("42") == 1'
    assert list(coin_tosses(seen)) == [1, 2, 3]
    assert list(coin_tosses('assert "138 0013" not in text\nassert "0a1b2c3d" not in text\nassert "1" in text')) == []
