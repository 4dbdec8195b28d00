"""Raw SQL for a change that many see: one transaction of the driver's, one statement for each table that changes."""

from __future__ import annotations

import time

from benchmarks import people
from sync.database.engine import Database

_ENTRY = """
UPDATE entry SET changed_at = {at}, revision = (
    SELECT revision FROM address_book WHERE address_book.viewer_id = entry.viewer_id AND address_book.id = 1
) WHERE id = {owner} AND viewer_id IN ({viewers})
"""
_RAW = (
    "UPDATE profile SET version = version + 1, changed_at = {at} WHERE owner_id = {owner}",
    "UPDATE field SET content = content, changed_at = {at} WHERE owner_id = {owner} AND id = {field}",
    "UPDATE card SET body_3 = body_3 || '', body_4 = body_4 || '', changed_at = {at} WHERE owner_id = {owner}",
    "UPDATE address_book SET revision = revision + 1, changed_at = {at} WHERE id = 1 AND viewer_id IN ({viewers})",
    _ENTRY,
)
_VIEWERS = "SELECT viewer_id FROM connection WHERE owner_id = {owner} UNION ALL SELECT {owner}"


def change(database: Database, hub: people.Hub) -> None:
    """Change the rows that a change of the field that everybody sees changes."""
    values = {"at": int(time.time()), "owner": hub.id, "field": hub.shown_to_all}
    with database.engine.raw_connection() as connection:
        cursor = connection.cursor()
        if database.is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for statement in _RAW:
            cursor.execute(statement.format(**values, viewers=_VIEWERS.format(**values)))
        if database.is_sqlite:
            cursor.execute("COMMIT")
        connection.commit()
