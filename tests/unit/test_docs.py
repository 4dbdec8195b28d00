"""The documents say what the code does."""

from __future__ import annotations

from pathlib import Path

from radicale_plugin.options import SCHEMA
from sync.fields import CATALOGUE

ROOT = Path(__file__).parents[2]


def test_every_kind_of_field_is_documented_as_it_is_written() -> None:
    """The table of fields has each kind, in the order of the catalogue, with how it is written in both versions."""
    lines = (ROOT / "docs" / "fields.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert rows == [
        [f"`{kind.key}`", kind.title, "yes" if kind.repeatable else "", kind.in_3, kind.in_4]
        for kind in CATALOGUE.values()
    ]


def test_every_option_is_in_the_configuration_with_its_default() -> None:
    """The configuration file names each option of Evercard's own, commented out, with the value it has otherwise."""
    lines = (ROOT / "config" / "evercard.conf").read_text(encoding="utf-8").splitlines()
    for option, schema in SCHEMA["storage"].items():
        assert f"#{option} = {schema['value']}".rstrip() in [line.rstrip() for line in lines]
