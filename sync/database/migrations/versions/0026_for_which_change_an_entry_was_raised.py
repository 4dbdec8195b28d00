"""
for which change an entry was raised

Whoever reads an entry and its card from two machines tells by it whether the card is older than what the entry says.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("entry", sa.Column("raised_for", sa.BigInteger()))
    op.add_column("roster_entry", sa.Column("raised_for", sa.BigInteger()))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("roster_entry", "raised_for")
    op.drop_column("entry", "raised_for")
