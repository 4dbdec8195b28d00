"""
groups as lists

What devices see that show a person's groups as lists, which devices do, and what they propose about the groups.

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("device", sa.Column("lists", sa.String(length=16), nullable=True))
    op.add_column("address_book", sa.Column("lists_revision", sa.BigInteger(), nullable=True))
    op.create_table(
        "list_state",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_list_state_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "kind", "id", name="pk_list_state"),
        sa.UniqueConstraint("viewer_id", "uid", name="uq_list_state_viewer_id_uid"),
    )
    op.create_index("ix_list_state_viewer_id_kind_revision", "list_state", ["viewer_id", "kind", "revision"])
    op.create_table(
        "list_proposal",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("is_in", sa.Boolean(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["viewer_id", "group_id"],
            ["contact_group.owner_id", "contact_group.id"],
            name="fk_list_proposal_contact_group",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["viewer_id", "person_id"],
            ["connection.owner_id", "connection.viewer_id"],
            name="fk_list_proposal_connection",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "group_id", "person_id", name="pk_list_proposal"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_list_proposal_viewer_id_person_id", "list_proposal", ["viewer_id", "person_id"])


def downgrade() -> None:
    """Take the step back."""
    for table in ("list_proposal", "list_state"):
        op.drop_table(table)
    op.drop_column("address_book", "lists_revision")
    op.drop_column("device", "lists")
