"""
what devices have

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "device_copy",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["viewer_id", "device_id"],
            ["device.viewer_id", "device.id"],
            name="fk_device_copy_device",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["viewer_id", "entry_id"],
            ["entry.viewer_id", "entry.id"],
            name="fk_device_copy_entry",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "device_id", "entry_id", name="pk_device_copy"),
    )
    op.create_index("ix_device_copy_viewer_id_entry_id", "device_copy", ["viewer_id", "entry_id"])
    op.create_table(
        "edit_conflict",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("won", sa.Text(), nullable=True),
        sa.Column("lost", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["viewer_id", "entry_id"],
            ["entry.viewer_id", "entry.id"],
            name="fk_edit_conflict_entry",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("viewer_id", "id", name="pk_edit_conflict"),
    )
    op.create_index("ix_edit_conflict_viewer_id_entry_id", "edit_conflict", ["viewer_id", "entry_id"])
    op.create_table(
        "dead_property",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_dead_property_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "book_id", "entry_id", "name", name="pk_dead_property"),
    )
    op.add_column("profile_state", sa.Column("revision", sa.BigInteger(), nullable=True))
    # What is now was told to devices with the last change of the own entry, or before.
    op.execute(
        """
        UPDATE profile_state SET revision = (
            SELECT entry.revision FROM entry
            WHERE entry.viewer_id = profile_state.owner_id AND entry.id = profile_state.owner_id
        )
        WHERE version = (SELECT max(other.version) FROM profile_state AS other
            WHERE other.owner_id = profile_state.owner_id)
        """
    )
    # Who was handed everything up to now has what entries are now.
    op.execute(
        """
        INSERT INTO device_copy (viewer_id, device_id, entry_id, revision)
        SELECT entry.viewer_id, device.id, entry.id, entry.revision
        FROM entry JOIN device ON device.viewer_id = entry.viewer_id
        WHERE entry.book_id = 1 AND entry.state = 'present' AND device.synced_revision >= entry.revision
            AND (entry.kind = 'self' OR EXISTS (
                SELECT 1 FROM entry_version
                WHERE entry_version.viewer_id = entry.viewer_id AND entry_version.entry_id = entry.id
            ))
        """
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("profile_state", "revision")
    op.drop_table("dead_property")
    op.drop_table("edit_conflict")
    op.drop_table("device_copy")
