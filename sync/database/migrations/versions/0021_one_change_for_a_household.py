"""
one change for a household

Fields that several people have on their cards: who was offered which, on the side of the owner and of the carrier.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "shared_field",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("field_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("is_owed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id", "carrier_id"],
            ["connection.owner_id", "connection.viewer_id"],
            name=op.f("fk_shared_field_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner_id", "field_id", "carrier_id", name=op.f("pk_shared_field")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carried_field",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("source_field_id", sa.BigInteger(), nullable=False),
        sa.Column("field_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("is_owed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.owner_id"], name=op.f("fk_carried_field_profile"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "source_id", "source_field_id", name=op.f("pk_carried_field")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("carried_field")
    op.drop_table("shared_field")
