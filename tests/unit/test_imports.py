"""Imports go one way, downwards: from room to room in the order that CONTRIBUTING.md gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("radicale_plugin", "sync")
#: Text in, text out: they may know each other, and of the rest of this project nothing.
PURE = ("sync.errors", "sync.fields", "sync.merging", "sync.vcard")
#: The rooms from top to bottom, as the table in CONTRIBUTING.md has them.
ROOMS = re.findall(
    r"^\| `((?:radicale_plugin|sync)\.\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
)
#: Names under which a configuration knows Radicale's plugins; they only name what is in `radicale_plugin.plugins`.
NAMES_OF_PLUGINS = ("radicale_plugin.auth", "radicale_plugin.rights", "radicale_plugin.storage")
#: Lines of code that a room has at most, migrations aside: beyond that it is two rooms.
LARGEST_ROOM = 2_500


def module_name(file: Path) -> str:
    """Return the dotted name under which *file* is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))}


def is_part_of(module: str, *packages: str) -> bool:
    """Whether *module* is one of *packages*, or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the statements that run when a module of this *body* is imported: no function's, none for type checkers."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.If(test=ast.Attribute(attr="TYPE_CHECKING")):
                yield from at_import(statement.orelse)
                continue
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from at_import(getattr(statement, name, []))
        for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
            yield from at_import(part.body)


def imported(statements: Iterable[ast.AST], package: str) -> set[str]:
    """
    Return the full names of what *statements* of a module inside *package* import.

    ``from a import b`` imports ``a.b`` where that is a module of this project, and ``a`` otherwise.
    """
    names = set[str]()
    for statement in statements:
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            base = resolve_name("." * statement.level + (statement.module or ""), package)
            names.update(full if (full := f"{base}.{alias.name}") in FILES else base for alias in statement.names)
    return names


def package_of(module: str) -> str:
    """Return the package that a relative import in *module* starts from."""
    return module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]


def tree(module: str) -> ast.Module:
    """Return the parsed source of *module*."""
    return ast.parse(FILES[module].read_text("utf-8"))


def offences(importers: str | tuple[str, ...], *forbidden: str) -> list[str]:
    """Return a line for each import of something *forbidden* by one of the *importers*."""
    wanted = (importers,) if isinstance(importers, str) else importers
    return [
        f"{module} imports {name}"
        for module in FILES
        if is_part_of(module, *wanted)
        for name in sorted(imported(ast.walk(tree(module)), package_of(module)))
        if is_part_of(name, *forbidden)
    ]


def test_the_engine_knows_neither_radicale_nor_the_plugins() -> None:
    assert offences("sync", "radicale", "radicale_plugin") == []


def test_the_plugins_hold_no_table_and_no_query() -> None:
    assert offences("radicale_plugin", "sqlalchemy", "alembic", "sqlite3", "psycopg", "sync.models") == []


def test_the_pure_parts_know_no_database() -> None:
    assert offences(PURE, "sqlalchemy", "alembic", "sqlite3", "psycopg") == []


def test_the_pure_parts_know_only_each_other() -> None:
    impure = [module for module in FILES if not is_part_of(module, *PURE) and module != "sync"]
    assert offences(PURE, *impure) == []


def room_of(module: str) -> str:
    """Return the room that *module* is in, or an empty text where it is in none."""
    return next((room for room in ROOMS if is_part_of(module, room)), "")


def test_every_module_is_in_a_room() -> None:
    outside = {module for module in FILES if not room_of(module)} - {*PACKAGES, *NAMES_OF_PLUGINS}
    assert outside == set()


def test_every_room_is_there_and_says_what_it_is_for() -> None:
    assert len(ROOMS) == len(set(ROOMS)) > 10
    assert [room for room in ROOMS if room not in FILES or not ast.get_docstring(tree(room))] == []


def test_no_room_imports_one_above_it() -> None:
    found = [offence for rank, room in enumerate(ROOMS) for offence in offences(room, *ROOMS[:rank])]
    assert found == []


def test_no_room_of_the_engine_is_too_large_to_know() -> None:
    sizes = dict.fromkeys(ROOMS, 0)
    for module, file in FILES.items():
        if room_of(module).startswith("sync.") and "migrations" not in module:
            sizes[room_of(module)] += len(file.read_text("utf-8").splitlines())
    assert {room: size for room, size in sizes.items() if size > LARGEST_ROOM} == {}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {
        module: imported(at_import(tree(module).body), package_of(module)) & FILES.keys() - {module} for module in FILES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(error.args[1]))


def test_the_configuration_holds_no_python() -> None:
    assert sorted(str(file) for file in (ROOT / "config").rglob("*.py")) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import sqlalchemy.orm", {"sqlalchemy.orm"}),
        ("from sync import errors", {"sync.errors"}),
        ("from sync.errors import NotFound", {"sync.errors"}),
        ("from . import errors", {"sync.errors"}),
        ("from .errors import NotFound", {"sync.errors"}),
        ("if TYPE_CHECKING:\n    import sqlalchemy", {"sqlalchemy"}),
        ("def late():\n    with open('x'):\n        import radicale", {"radicale"}),
    ],
)
def test_an_import_is_found_wherever_it_stands(source: str, expected: set[str]) -> None:
    assert imported(ast.walk(ast.parse(source)), "sync") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("try:\n    import lxml\nexcept ImportError:\n    import html", {"lxml", "html"}),
        ("class Inner:\n    import radicale", {"radicale"}),
        ("if TYPE_CHECKING:\n    import sqlalchemy\nelse:\n    import json", {"json"}),
        ("def late():\n    import radicale", set()),
    ],
)
def test_only_an_import_that_runs_with_the_module_can_close_a_circle(source: str, expected: set[str]) -> None:
    assert imported(at_import(ast.parse(source).body), "sync") == expected
