"""
what ends

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ENDING_KEYS = {
    "fk_ending_contact_group": (["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"]),
    "fk_ending_field_grant": (
        ["owner_id", "group_id", "field_id"],
        ["field_grant.owner_id", "field_grant.group_id", "field_grant.field_id"],
    ),
    "fk_ending_connection": (["owner_id", "viewer_id"], ["connection.owner_id", "connection.viewer_id"]),
    "fk_ending_field_exception": (
        ["owner_id", "viewer_id", "field_id"],
        ["field_exception.owner_id", "field_exception.viewer_id", "field_exception.field_id"],
    ),
}


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "ending",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("viewer_id", sa.BigInteger(), nullable=True),
        sa.Column("field_id", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("utc_offset", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint(own, others, name=name, ondelete="CASCADE")
            for name, (own, others) in _ENDING_KEYS.items()
        ),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_ending"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "next_end",
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("ask_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "owner_id", name="pk_next_end"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_next_end_bucket_due_at", "next_end", ["bucket", "due_at"])
    op.create_table(
        "field_doubt",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("field_id", sa.BigInteger(), nullable=False),
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("said_of", sa.String(length=64), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("dismissed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id", "field_id"], ["field.owner_id", "field.id"], name="fk_field_doubt_field", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "viewer_id"],
            ["connection.owner_id", "connection.viewer_id"],
            name="fk_field_doubt_connection",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner_id", "field_id", "viewer_id", name="pk_field_doubt"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("field_doubt")
    op.drop_table("next_end")
    op.drop_table("ending")
