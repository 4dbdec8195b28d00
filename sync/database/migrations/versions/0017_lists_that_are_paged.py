"""
lists that are paged

What a list knows of a card or contact is read from its text, which takes the engine: the worker does it for what is
there already, person by person, as it writes cards anew.

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "card_list_key",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        *_listed(),
        sa.ForeignKeyConstraint(
            ["owner_id", "id"], ["card.owner_id", "card.id"], name="fk_card_list_key_card", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_card_list_key"),
    )
    op.create_table(
        "contact_list_key",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        *_listed(),
        sa.ForeignKeyConstraint(
            ["viewer_id", "entry_id"],
            ["private_card.viewer_id", "private_card.entry_id"],
            name="fk_contact_list_key_private_card",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "entry_id", name="pk_contact_list_key"),
    )
    op.add_column("overlay", sa.Column("number_key", sa.LargeBinary(), nullable=True))
    op.add_column("overlay", sa.Column("reached", sa.Text(), nullable=True))
    op.add_column("overlay", sa.Column("digits", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    for name in ("digits", "reached", "number_key"):
        op.drop_column("overlay", name)
    op.drop_table("contact_list_key")
    op.drop_table("card_list_key")


def _listed() -> list[sa.Column[Any]]:
    keys: list[sa.Column[Any]] = [
        sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("sort_key", "number_key")
    ]
    texts = ("called", "keys", "spelled", "reached", "digits")
    return [*keys, *(sa.Column(name, sa.Text(), nullable=False) for name in texts)]
