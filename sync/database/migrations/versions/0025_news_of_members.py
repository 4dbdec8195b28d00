"""
news of members

The last changes of what members show their organisations; up to which of them somebody was not shown them; and which
calendars have the birthdays of members.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("membership", sa.Column("told_from", sa.BigInteger(), nullable=True))
    op.add_column("calendar_feed", sa.Column("with_members", sa.Boolean(), nullable=True))
    op.create_table(
        "roster_change",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_roster_change_organisation",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "revision", "owner_id", name="pk_roster_change"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("roster_change")
    op.drop_column("calendar_feed", "with_members")
    op.drop_column("membership", "told_from")
