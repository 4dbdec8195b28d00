"""What Alembic runs for each command, on the connection that `sync.database.migrations` hands over."""

from __future__ import annotations

from alembic import context

from sync.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
