"""
who looks after organisations

Members who may invite into their organisation and remove others; of which organisation an act of an administrator is;
and up to which revision of a roster it is not known any more who left.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("membership", sa.Column("administrator_since", sa.BigInteger(), nullable=True))
    op.add_column("administrator_act", sa.Column("organisation", sa.String(length=100), nullable=True))
    op.add_column("organisation", sa.Column("let_go", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("organisation", "let_go")
    op.drop_column("administrator_act", "organisation")
    op.drop_column("membership", "administrator_since")
