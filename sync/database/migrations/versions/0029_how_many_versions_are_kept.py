"""
how many versions are kept

Known, so that nobody counts them with each change of a contact. It is right only while nothing else was raised, so
nothing is to be filled in, and the version before may go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "version_total",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("raised", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["viewer_id", "book_id"],
            ["address_book.viewer_id", "address_book.id"],
            name="fk_version_total_address_book",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "book_id", name="pk_version_total"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("version_total")
