"""
who is told by push

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "push_subscription",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("endpoint_digest", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=270), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=65), nullable=False),
        sa.Column("auth_secret", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("wants_content", sa.Boolean(), nullable=False),
        sa.Column("wants_properties", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("news", sa.BigInteger(), nullable=False),
        sa.Column("has_content", sa.Boolean(), nullable=False),
        sa.Column("has_properties", sa.Boolean(), nullable=False),
        sa.Column("has_key", sa.Boolean(), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["viewer_id", "device_id"],
            ["device.viewer_id", "device.id"],
            name="fk_push_subscription_device",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "id", name="pk_push_subscription"),
        sa.UniqueConstraint(
            "viewer_id", "book_id", "endpoint_digest", name="uq_push_subscription_viewer_id_book_id_endpoint_digest"
        ),
    )
    op.create_index("ix_push_subscription_viewer_id_device_id", "push_subscription", ["viewer_id", "device_id"])
    waits = sa.text("waiting_since IS NOT NULL")
    op.create_index(
        "ix_push_subscription_waiting",
        "push_subscription",
        ["viewer_id", "id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("push_subscription")
