"""
what address books are for

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("address_book", sa.Column("description", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("address_book", "description")
