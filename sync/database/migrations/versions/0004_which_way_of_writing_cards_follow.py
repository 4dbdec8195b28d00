"""
which way of writing cards follow

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: What was an extension is known as a relation now.
_RELATIVES = ("x:x-spouse", "x:x-manager", "x:x-assistant")


def upgrade() -> None:
    """Apply the step."""
    op.add_column("profile", sa.Column("rendering", sa.BigInteger(), nullable=False, server_default="0"))
    for table in ("field", "field_state"):
        kinds = sa.table(table, sa.column("kind", sa.String()))
        op.execute(kinds.update().where(kinds.c.kind.in_(_RELATIVES)).values(kind="related"))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("profile", "rendering")
