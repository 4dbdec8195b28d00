"""
which way of writing cards follow

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("profile", sa.Column("rendering", sa.BigInteger(), nullable=True))
    # What was an extension is known as a relation now.
    op.execute("UPDATE field SET kind = 'related' WHERE kind IN ('x:x-spouse', 'x:x-manager', 'x:x-assistant')")
    op.execute("UPDATE field_state SET kind = 'related' WHERE kind IN ('x:x-spouse', 'x:x-manager', 'x:x-assistant')")


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("profile", "rendering")
