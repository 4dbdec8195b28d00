"""Statements compiled once for all tests of a process: most have a database of their own, which would do it anew."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from typing_extensions import override


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
    """Let all databases that this process opens from now on share what was compiled."""
    kept = _Compiled()

    def create_sharing(*given: Any, **options: Any) -> Engine:
        made = create_engine(*given, **options)
        made.update_execution_options(compiled_cache=kept)
        return made

    pytest.MonkeyPatch().setattr("sync.database.engine.create_engine", create_sharing)
