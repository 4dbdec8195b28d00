"""
directories

Who signs in with the password of their organisation's directory (LDAP), and when it was last looked through; whom an
organisation tells of (SCIM), and by what it proves that it may.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("organisation_identity", sa.Column("source", sa.String(length=16), nullable=True))
    op.add_column("organisation_identity", sa.Column("said", sa.String(length=64), nullable=True))
    op.create_table(
        "organisation_look",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("held_back", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_organisation_look")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scim_token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_scim_token")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scim_user",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_user")),
    )
    op.create_table(
        "scim_key",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_scim_key")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("scim_key")
    op.drop_table("scim_user")
    op.drop_table("scim_token")
    op.drop_table("organisation_look")
    op.drop_column("organisation_identity", "said")
    op.drop_column("organisation_identity", "source")
