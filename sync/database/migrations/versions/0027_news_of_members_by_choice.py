"""
news of members by choice

Whether the digest and browsers tell a member of what fellow members change, and from which revision of the roster on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("membership", sa.Column("digest_from", sa.BigInteger(), nullable=True))
    op.add_column("membership", sa.Column("browsers_from", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("membership", "browsers_from")
    op.drop_column("membership", "digest_from")
