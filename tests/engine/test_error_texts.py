"""What errors say, because it ends in log files."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from sync.database.engine import Database
from sync.models import Field


def test_an_error_of_the_database_holds_no_value(database: Database) -> None:
    """A statement that fails is told without what it was to store."""
    marker = "+86 138 0013 8000"
    row = Field(owner_id=1, id=1, position=0, kind="mobile", content=marker, changed_at=0)
    with pytest.raises(DBAPIError) as caught:
        database.write(lambda session: session.add(row))
    assert marker not in str(caught.value)
