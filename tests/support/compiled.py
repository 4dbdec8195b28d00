"""
What is compiled once for all tests of a process: statements, and the addresses of a portal.

Most tests have a database and a portal of their own, which would do it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from typing_extensions import override
from werkzeug.routing import Rule


class _Compiled(MutableMapping[Any, Any]):
    """What SQLAlchemy keeps for each engine, kept for each kind of database: all of a kind here are set up alike."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    @staticmethod
    def _key(key: Any) -> Any:
        dialect, *rest = key
        return dialect.name, *rest

    @override
    def __getitem__(self, key: Any) -> Any:
        return self._kept[self._key(key)]

    @override
    def __setitem__(self, key: Any, compiled: Any) -> None:
        self._kept[self._key(key)] = compiled

    @override
    def __delitem__(self, key: Any) -> None:
        del self._kept[self._key(key)]

    @override
    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept)

    @override
    def __len__(self) -> int:
        return len(self._kept)


def share() -> None:
    """Let all databases and portals that this process opens from now on share what was compiled."""
    _share_statements()
    _share_builders()


def _share_builders() -> None:
    """Keep what werkzeug compiles of each rule, which asks the rule itself for all that is another in each portal."""
    compile_builder = Rule._compile_builder
    kept: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def compile_once(rule: Rule, *kind: bool) -> Callable[..., tuple[str, str]]:
        # What a rule has by default is compiled into it, as its converters write it.
        assert not rule.defaults
        key = (rule.rule, *rule._trace, *kind)
        if key not in kept:
            kept[key] = compile_builder(rule, *kind)
        return kept[key]

    pytest.MonkeyPatch().setattr(Rule, "_compile_builder", compile_once)


def _share_statements() -> None:
    kept = _Compiled()

    def create_sharing(*given: Any, **options: Any) -> Engine:
        made = create_engine(*given, **options)
        made.update_execution_options(compiled_cache=kept)
        return made

    pytest.MonkeyPatch().setattr("sync.database.engine.create_engine", create_sharing)
