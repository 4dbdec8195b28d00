"""
directories

Who signs in with the password of their organisation's directory (LDAP), and when it was last looked through.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column(
        "organisation_identity", sa.Column("source", sa.String(length=16), server_default="oidc", nullable=False)
    )
    op.add_column("organisation_identity", sa.Column("said", sa.String(length=64), nullable=True))
    op.create_table(
        "organisation_look",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("held_back", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_organisation_look")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("organisation_look")
    op.drop_column("organisation_identity", "said")
    op.drop_column("organisation_identity", "source")
