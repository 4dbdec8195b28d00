"""
browsers that are told

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.drop_index("ix_push_subscription_waiting", "push_subscription")
    with op.batch_alter_table("push_subscription") as table:
        table.alter_column("device_id", existing_type=sa.BigInteger(), nullable=True)
        table.add_column(sa.Column("session_id", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("language", sa.String(length=16), nullable=True))
        table.create_foreign_key(
            "fk_push_subscription_browser_session",
            "browser_session",
            ["viewer_id", "session_id"],
            ["owner_id", "id"],
            ondelete="CASCADE",
        )
        table.create_unique_constraint("uq_push_subscription_viewer_id_session_id", ["viewer_id", "session_id"])
    _create_index("waiting", ["viewer_id", "id"], "waiting_since")
    _create_index("browsers", ["viewer_id"], "session_id")
    op.create_table(
        "card_news",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("news", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["viewer_id", "subscription_id"],
            ["push_subscription.viewer_id", "push_subscription.id"],
            name="fk_card_news_push_subscription",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "subscription_id", "owner_id", name="pk_card_news"),
        sqlite_with_rowid=False,
    )
    op.add_column("job", sa.Column("version", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the step back; browsers are told no more."""
    op.drop_table("card_news")
    op.drop_column("job", "version")
    op.execute("DELETE FROM push_subscription WHERE device_id IS NULL")
    op.drop_index("ix_push_subscription_browsers", "push_subscription")
    op.drop_index("ix_push_subscription_waiting", "push_subscription")
    with op.batch_alter_table("push_subscription") as table:
        table.drop_constraint("uq_push_subscription_viewer_id_session_id", type_="unique")
        table.drop_constraint("fk_push_subscription_browser_session", type_="foreignkey")
        table.drop_column("session_id")
        table.drop_column("language")
        table.alter_column("device_id", existing_type=sa.BigInteger(), nullable=False)
    _create_index("waiting", ["viewer_id", "id"], "waiting_since")


def _create_index(name: str, columns: list[str], there: str) -> None:
    is_there = sa.text(f"{there} IS NOT NULL")
    op.create_index(
        f"ix_push_subscription_{name}",
        "push_subscription",
        columns,
        sqlite_where=is_there,
        postgresql_where=is_there,
    )
