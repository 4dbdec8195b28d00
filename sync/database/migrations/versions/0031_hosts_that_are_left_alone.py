"""
hosts that are left alone

Which hosts of push services fail, known to all processes that send. It fills by itself; the version before goes on
knowing it for each process.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "push_host",
        sa.Column("host", sa.String(length=270), nullable=False),
        sa.Column("pause", sa.BigInteger(), nullable=False),
        sa.Column("closed_until", sa.BigInteger(), nullable=False),
        sa.Column("tried_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_push_host"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("push_host")
