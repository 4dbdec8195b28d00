"""Inserting a row or changing the one that is there: a statement that each database has in a way of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.sqlite import insert

from sync.database.lists import SQLITE


def insert_into(dialect: str, table: Any) -> Any:
    """Return an INSERT that knows ``on_conflict_do_update``."""
    if dialect == SQLITE:
        return insert(table)
    # What is known of PostgreSQL takes a while to load.
    from sqlalchemy.dialects.postgresql import insert as insert_there

    return insert_there(table)
