"""
groups of directories

Whom a directory has in the group of an organisation, so that they are invited once; and whether a membership came of
that, and ends with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("membership", sa.Column("brought_by", sa.String(length=16), nullable=True))
    op.create_table(
        "directory_member",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["profile.owner_id"], name="fk_directory_member_profile", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "organisation_id", name="pk_directory_member"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("directory_member")
    op.drop_column("membership", "brought_by")
