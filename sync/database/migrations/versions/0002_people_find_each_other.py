"""
people find each other

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("account", sa.Column("leaving_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "allowance",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_allowance")),
        info={"spread_by": "key"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "directory_key",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "account_id", name=op.f("pk_directory_key")),
        info={"spread_by": "key"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("template", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "id", name=op.f("pk_message")),
        info={"spread_by": "bucket"},
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_bucket_due_at"), ["bucket", "due_at"], unique=False)

    op.create_table(
        "suppression",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_suppression")),
        info={"spread_by": "digest"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ticket",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_ticket")),
        info={"spread_by": "digest"},
    )
    op.create_table(
        "address",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_address_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "channel", "value", name=op.f("pk_address")),
        info={"spread_by": "owner_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_block_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "other_id", name=op.f("pk_block")),
        info={"spread_by": "owner_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "invitation",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_invitation_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "channel", "value", name=op.f("pk_invitation")),
        info={"spread_by": "owner_id"},
    )
    op.create_table(
        "invitation_link",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("at_once", sa.Boolean(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["account.id"], name=op.f("fk_invitation_link_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "id", name=op.f("pk_invitation_link")),
        info={"spread_by": "owner_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "linked_entry",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["viewer_id"], ["account.id"], name=op.f("fk_linked_entry_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("viewer_id", "owner_id", "entry_id", name=op.f("pk_linked_entry")),
        info={"spread_by": "viewer_id"},
    )
    with op.batch_alter_table("linked_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_linked_entry_viewer_id_linked_at"), ["viewer_id", "linked_at"], unique=False
        )

    op.create_table(
        "listing",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_listing_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "key", name=op.f("pk_listing")),
        info={"spread_by": "owner_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "portal_session",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["account.id"], name=op.f("fk_portal_session_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "id", name=op.f("pk_portal_session")),
        info={"spread_by": "owner_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "preferences",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("found_by_login", sa.Boolean(), nullable=False),
        sa.Column("found_by_email", sa.Boolean(), nullable=False),
        sa.Column("found_by_phone", sa.Boolean(), nullable=False),
        sa.Column("found_by_name", sa.Boolean(), nullable=False),
        sa.Column("connecting", sa.String(length=16), nullable=False),
        sa.Column("question", sa.String(length=200), nullable=True),
        sa.Column("answer_hash", sa.String(length=255), nullable=True),
        sa.Column("newcomers_group_id", sa.BigInteger(), nullable=True),
        sa.Column("told_of_requests", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_preferences_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_preferences")),
        info={"spread_by": "owner_id"},
    )
    op.create_table(
        "public_friend",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("friend_id", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["account.id"], name=op.f("fk_public_friend_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "friend_id", name=op.f("pk_public_friend")),
        info={"spread_by": "owner_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "request",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("introducer_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name=op.f("fk_request_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "direction", "other_id", name=op.f("pk_request")),
        info={"spread_by": "owner_id"},
    )
    # ### end Alembic commands ###
    # Everybody is found by their login until they decide otherwise.
    account = sa.table("account", sa.column("id"), sa.column("login"), sa.column("disabled_at"))
    listing = sa.table("listing", sa.column("owner_id"), sa.column("key"))
    directory_key = sa.table("directory_key", sa.column("key"), sa.column("account_id"))
    key = sa.literal("login:") + account.c.login
    found = account.c.disabled_at.is_(None)
    op.execute(listing.insert().from_select(["owner_id", "key"], sa.select(account.c.id, key).where(found)))
    op.execute(directory_key.insert().from_select(["key", "account_id"], sa.select(key, account.c.id).where(found)))


def downgrade() -> None:
    """Take the step back."""
    # ### commands auto generated by Alembic - please adjust! ###
    op.drop_table("request")
    op.drop_table("public_friend")
    op.drop_table("preferences")
    op.drop_table("portal_session")
    op.drop_table("listing")
    with op.batch_alter_table("linked_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_linked_entry_viewer_id_linked_at"))

    op.drop_table("linked_entry")
    op.drop_table("invitation_link")
    op.drop_table("invitation")
    op.drop_table("block")
    op.drop_table("address")
    op.drop_table("ticket")
    op.drop_table("suppression")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_bucket_due_at"))

    op.drop_table("message")
    op.drop_table("directory_key")
    op.drop_table("allowance")
    op.drop_column("account", "leaving_at")
    # ### end Alembic commands ###
