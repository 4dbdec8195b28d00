"""
calendars of birthdays

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "calendar_feed",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("with_private", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_calendar_feed_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "id", name="pk_calendar_feed"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("calendar_feed")
