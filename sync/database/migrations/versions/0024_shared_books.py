"""
shared books

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_OWNER = "fk_address_book_account"


def upgrade() -> None:
    """Apply the step."""
    # The books that organisations share are nobody's.
    with op.batch_alter_table("address_book") as batch_op:
        batch_op.drop_constraint(_OWNER, type_="foreignkey")
    op.add_column("device", sa.Column("shared_books", sa.Boolean(), nullable=True))
    op.create_table(
        "shared_book",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("everybody", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shared_book"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "organisation_book",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "book_id", name="pk_organisation_book"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shared_access",
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["viewer_id"], ["account.id"], name="fk_shared_access_account", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("viewer_id", "book_id", name="pk_shared_access"),
        sqlite_with_rowid=False,
    )
    _create_tables_of_contacts()


def downgrade() -> None:
    """Take the step back; what was shared goes."""
    op.drop_table("shared_copy")
    op.drop_table("shared_change")
    op.drop_table("shared_access")
    op.drop_table("organisation_book")
    op.drop_table("shared_book")
    with op.batch_alter_table("device") as batch_op:
        batch_op.drop_column("shared_books")
    _forget_books_of_nobody()
    with op.batch_alter_table("address_book") as batch_op:
        batch_op.create_foreign_key(_OWNER, "account", ["viewer_id"], ["id"], ondelete="CASCADE")


def _create_tables_of_contacts() -> None:
    op.create_table(
        "shared_change",
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id", "entry_id"], ["entry.viewer_id", "entry.id"], name="fk_shared_change_entry", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("book_id", "entry_id", "revision", name="pk_shared_change"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_shared_change_book_id_revision", "shared_change", ["book_id", "revision"])
    op.create_table(
        "shared_copy",
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["book_id", "entry_id"], ["entry.viewer_id", "entry.id"], name="fk_shared_copy_entry", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("book_id", "account_id", "device_id", "entry_id", name="pk_shared_copy"),
    )
    op.create_index("ix_shared_copy_book_id_entry_id", "shared_copy", ["book_id", "entry_id"])


def _forget_books_of_nobody() -> None:
    """Delete the address books that belong to no account, with what is in them: foreign keys rest in a step."""
    accounts = sa.table("account", sa.column("id"))
    tables = ("contact_list_key", "private_card", "overlay", "entry_version", "edit_conflict", "device_copy", "entry")
    for table in (*tables, "address_book"):
        rows = sa.table(table, sa.column("viewer_id"))
        op.execute(sa.delete(rows).where(rows.c.viewer_id.not_in(sa.select(accounts.c.id))))
