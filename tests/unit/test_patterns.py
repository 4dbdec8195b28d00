"""Regular expressions: whatever a client sends, none of them takes more than proportional time for it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sync.vcard import scan
from tests.support.hostile import slow_inputs

ROOT = Path(__file__).parents[2]
PACKAGES = ("radicale_plugin", "sync")
#: Functions that make a pattern of what they are given, with something to give them.
MAKERS = {"sync.vcard.scan": lambda: scan._pattern(frozenset(("TEL", "X-A", "NOTE")))}
SEARCHING = frozenset(("search", "sub", "subn", "finditer", "findall", "split"))


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module of the two packages by its name."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py") if "migrations" not in file.parts]
    return {name_of(file): ast.parse(text) for file in files if "re." in (text := file.read_text())}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def calls_of_re(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the function and the line of each call of the module ``re``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            base = node.func.value
            if isinstance(base, ast.Name) and base.id == "re":
                yield node.func.attr, node.lineno


@cache
def uses() -> dict[str, set[str]]:
    """Return how patterns are used anywhere, as ``match``, ``fullmatch`` and ``search``, by their names."""
    found: dict[str, set[str]] = {}
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                way = "search" if node.attr in SEARCHING else node.attr
                if way in ("search", "match", "fullmatch"):
                    found.setdefault(node.value.id, set()).add(way)
    return found


@cache
def patterns() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """Return every pattern that a module has, with how it is used; where that cannot be told, in every way."""
    found: dict[str, tuple[re.Pattern[Any], frozenset[str]]] = {}
    every = frozenset(("match", "fullmatch", "search"))
    for name in modules():
        if any(called == "compile" for called, _line in calls_of_re(modules()[name])):
            for variable, value in vars(importlib.import_module(name)).items():
                if isinstance(value, re.Pattern):
                    found[f"{name}.{variable}"] = value, frozenset(uses().get(variable, every))
        if name in MAKERS:
            made = MAKERS[name]()
            assert made is not None
            found[f"{name} (made)"] = made, every
    return found


@pytest.mark.parametrize("name", patterns())
def test_no_pattern_takes_more_than_proportional_time(name: str) -> None:
    pattern, ways = patterns()[name]
    assert list(slow_inputs(pattern, sorted(ways))) == []


def test_every_pattern_is_one_that_is_tested() -> None:
    """Each is compiled where its module is read, and not by the way."""
    elsewhere = [f"{name}:{line}" for name in modules() for line in hidden(name)]
    assert elsewhere == []


def hidden(name: str) -> list[int]:
    """Return the lines of a module where a pattern is used or made that `patterns` does not find."""
    tree = modules()[name]
    top = {
        node.value.lineno
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
    }
    lines = [line for called, line in calls_of_re(tree) if called != "escape" and line not in top]
    return lines[1:] if name in MAKERS else lines


@pytest.mark.parametrize(
    ("pattern", "way"),
    [
        (r'\s*([^\s=;,"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s=;,"]*))\s*)?(?:;|\Z)', "match"),
        (r"\s*(?:(\()|(\))|<([^<>\s]+)>)", "search"),
        (r"([+-]?\d{1,2}(?:\.\d+)?)\s*[,;\s]\s*([+-]?\d{1,3}(?:\.\d+)?)", "fullmatch"),
        (r"The (.*?) is (.*?) of (.*?)\.", "fullmatch"),
        (r"TZID=[^\r]*:", "search"),
        (r"(a|aa)+b", "match"),
        (r'TEL(?:;[^=:"]*=?"?[^":]*"?)*:', "match"),
        (r"\n+[ \t]", "search"),
    ],
)
def test_what_is_slow_is_found(pattern: str, way: str) -> None:
    """The patterns that once stood here, and what stopped other servers."""
    assert any(slow_inputs(re.compile(pattern), [way]))
