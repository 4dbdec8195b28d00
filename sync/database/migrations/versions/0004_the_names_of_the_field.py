"""
the names of the field

Tables and a column get the names that a newcomer would look for. Nothing is copied, so no row can be lost.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = {
    "allowance": "rate_limit",
    "directory_key": "search_key",
    "listing": "own_search_key",
    "portal_session": "browser_session",
    "seen_audience": "disclosed_audience",
    "shown_field": "disclosed_field",
    "ticket": "one_time_token",
}


def upgrade() -> None:
    """Apply the step."""
    for before, after in TABLES.items():
        op.rename_table(before, after)
    op.alter_column("account", "leaving_at", new_column_name="deletion_began_at")


def downgrade() -> None:
    """Take the step back."""
    op.alter_column("account", "deletion_began_at", new_column_name="leaving_at")
    for before, after in TABLES.items():
        op.rename_table(after, before)
