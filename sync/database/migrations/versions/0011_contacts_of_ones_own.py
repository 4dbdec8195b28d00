"""
contacts of ones own

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "kept_apart",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_kept_apart_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "entry_id", "other_id", name="pk_kept_apart"),
    )
    op.create_table(
        "merged_entry",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("gone_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("merged_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_merged_entry_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "gone_id", name="pk_merged_entry"),
    )
    op.create_index("ix_merged_entry_viewer_id_merged_at", "merged_entry", ["viewer_id", "merged_at"])
    op.add_column("invitation", sa.Column("source", sa.String(length=64), nullable=True))
    op.add_column("invitation", sa.Column("group_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    # Whoever still waits for their turn would never be invited, nor could they be once more.
    op.execute("DELETE FROM invitation WHERE source IS NOT NULL")
    op.drop_column("invitation", "group_id")
    op.drop_column("invitation", "source")
    op.drop_table("merged_entry")
    op.drop_table("kept_apart")
