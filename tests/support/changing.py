"""
Find every function of the engine that changes something, by reading the code.

A function changes something if it puts an INSERT, UPDATE or DELETE together, uses one that its module keeps, or calls a
function that does.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: Where a function gets what it writes with; others are no doors to the engine.
DOORS = ("session", "under_way", "database")
_WORDS = ("insert", "update", "delete")


@dataclass
class _Function:
    first: str
    writes: bool
    uses: set[str]


def changing() -> dict[str, Callable[..., Any]]:
    """Return by their full names the public functions of the engine that change something."""
    found: dict[str, _Function] = {}
    for file in sorted((ROOT / "sync").rglob("*.py")):
        if not {"migrations", "models"} & set(file.parts):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found |= _functions(name, ast.parse(file.read_text("utf-8")))
    grown = True
    while grown:
        grown = False
        for each in found.values():
            if not each.writes and any(found[used].writes for used in each.uses if used in found):
                each.writes = grown = True
    names = [name for name, each in found.items() if each.writes and each.first in DOORS]
    return {name: _loaded(name) for name in names if not name.rpartition(".")[2].startswith("_")}


def _loaded(name: str) -> Callable[..., Any]:
    module, _, function = name.rpartition(".")
    loaded: Callable[..., Any] = inspect.unwrap(getattr(importlib.import_module(module), function))
    return loaded


def _functions(module: str, tree: ast.Module) -> dict[str, _Function]:
    imported = {
        alias.asname or alias.name: f"{each.module}.{alias.name}"
        for each in tree.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    kept = {
        target.id
        for each in tree.body
        if isinstance(each, ast.Assign) and _puts_together(each.value)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    found = {}
    for each in tree.body:
        if isinstance(each, ast.FunctionDef):
            names = {node.id for node in ast.walk(each) if isinstance(node, ast.Name)}
            uses = {imported.get(name, f"{module}.{name}") for name in names}
            for node in ast.walk(each):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
                    uses.add(f"{imported[node.value.id]}.{node.attr}")
            first = each.args.args[0].arg if each.args.args else ""
            found[f"{module}.{each.name}"] = _Function(first, _puts_together(each) or bool(names & kept), uses)
    return found


def _puts_together(tree: ast.AST) -> bool:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id in _WORDS for called in calls)
