"""
who learns what

Errands are what requests leave to the worker. Nobody is found by number any more until they have said so: until now
everybody was who had decided nothing, and what they did decide cannot be told from that.

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "errand",
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "id", name=op.f("pk_errand")),
        info={"spread_by": "bucket"},
    )
    with op.batch_alter_table("errand", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_errand_bucket_due_at"), ["bucket", "due_at"], unique=False)
    op.add_column("preferences", sa.Column("phone_decided", sa.Boolean(), nullable=True))
    preferences = sa.Table(
        "preferences",
        sa.MetaData(),
        sa.Column("owner_id", sa.BigInteger(), primary_key=True),
        sa.Column("found_by_phone", sa.Boolean()),
        info={"spread_by": "owner_id"},
    )
    op.execute(sa.update(preferences).values(found_by_phone=sa.false()))
    for name in ("own_search_key", "search_key"):
        table = sa.table(name, sa.column("key", sa.String()))
        op.execute(sa.delete(table).where(table.c.key.startswith("sms:")))


def downgrade() -> None:
    """Take the step back. Whom nobody finds by number is not found again by that."""
    op.drop_column("preferences", "phone_decided")
    with op.batch_alter_table("errand", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_errand_bucket_due_at"))
    op.drop_table("errand")
