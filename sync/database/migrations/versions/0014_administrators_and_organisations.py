"""
administrators and organisations

Who is an administrator, and what administrators did with people's accounts; who signs in by the provider of their
organisation, and which of their fields it fills.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("account", sa.Column("administrator_since", sa.BigInteger(), nullable=True))
    op.create_table(
        "administrator_act",
        sa.Column("owner_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "id", name=op.f("pk_administrator_act")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_administrator_act_owner_id_done_at"), "administrator_act", ["owner_id", "done_at"], unique=False
    )
    op.add_column("field", sa.Column("claim", sa.String(length=64), nullable=True))
    op.create_table(
        "organisation_identity",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("missing_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_organisation_identity")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("organisation_identity")
    op.drop_column("field", "claim")
    op.drop_table("administrator_act")
    op.drop_column("account", "administrator_since")
