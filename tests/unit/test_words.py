"""Things have the names that the glossary in CONTRIBUTING.md gives them, and none that it calls retired."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from radicale_plugin.options import SCHEMA
from sync.models import Base
from sync.settings import Settings

ROOT = Path(__file__).parents[2]


def retired() -> set[str]:
    """Return the words of the table of retired ones, in the singular."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("| retired | now |\n|---|---|\n")[2].partition("\n\n")[0]
    return {row.split("|")[1].partition("(")[0].strip().removesuffix("s") for row in table.splitlines()}


def words_of(name: str) -> set[str]:
    """Return the words that a name in code is made of, in the singular."""
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]?[a-z]+", name)}


def used(names: set[str]) -> dict[str, set[str]]:
    """Return those of *names* that use a retired word, with what they use."""
    return {name: found for name in names if (found := words_of(name) & retired())}


def test_the_glossary_names_retired_words() -> None:
    assert {"ticket", "visit", "sighting"} <= retired()
    assert used({"sync.tickets", "VisitRow", "portal.session"}) == {"sync.tickets": {"ticket"}, "VisitRow": {"visit"}}


def test_no_module_and_no_template_has_a_retired_name() -> None:
    files = [file for package in ("radicale_plugin", "sync") for file in (ROOT / package).rglob("*")]
    assert used({str(file.relative_to(ROOT)) for file in files if file.suffix in (".py", ".html", ".po")}) == {}


def test_no_table_and_no_column_has_a_retired_name() -> None:
    tables = Base.metadata.tables.values()
    assert used({f"{table.name}.{column.name}" for table in tables for column in table.columns}) == {}


def test_no_option_has_a_retired_name() -> None:
    options = {name for section in SCHEMA.values() for name in section}
    assert used(options | {field.name for field in dataclasses.fields(Settings)}) == {}
