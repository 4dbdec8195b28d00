"""
news by mail

The digest with how far its reader knows what changed, text messages for requests, and what was given up of what was to
be sent.

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "digest",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_digest_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", name="pk_digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "digest_seen",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["digest.viewer_id"], name="fk_digest_seen_digest", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "owner_id", name="pk_digest_seen"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "given_up",
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "id", name="pk_given_up"),
    )
    op.add_column("preferences", sa.Column("requests_by_sms", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("preferences", "requests_by_sms")
    for table in ("given_up", "digest_seen", "digest"):
        op.drop_table(table)
