"""
organisations

One idea per step. It must not break the code of the release before: columns are added empty or with a default, and
removed a release later.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "organisation",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("minimum", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "roster_entry",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_roster_entry_organisation", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organisation_id", "owner_id", name="pk_roster_entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_roster_entry_organisation_id_revision", "roster_entry", ["organisation_id", "revision"])
    op.create_table(
        "membership",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("audience_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.owner_id"], name="fk_membership_profile", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["owner_id", "audience_id"], ["audience.owner_id", "audience.id"], name="fk_membership_audience"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"], name="fk_membership_contact_group"
        ),
        sa.PrimaryKeyConstraint("owner_id", "organisation_id", name="pk_membership"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_membership_owner_id_audience_id", "membership", ["owner_id", "audience_id"])
    op.add_column("address_book", sa.Column("rosters", sa.Text(), nullable=True))
    op.add_column("address_book", sa.Column("names_key", sa.LargeBinary(), nullable=True))
    _keep_blocks()


def downgrade() -> None:
    """Take the step back."""
    op.execute(sa.text("UPDATE entry SET state = 'removed' WHERE state = 'blocked'"))
    op.drop_column("address_book", "names_key")
    op.drop_column("address_book", "rosters")
    op.drop_table("membership")
    op.drop_table("roster_entry")
    op.drop_table("organisation")


def _keep_blocks() -> None:
    """Let the entries of people one of whom blocked the other say so, before any organisation shows them."""
    database = op.get_bind()
    blocks = sa.table("block", sa.column("owner_id"), sa.column("other_id"), sa.column("blocked_at"))
    books = sa.table("address_book", sa.column("viewer_id"), sa.column("id"))
    names = ("viewer_id", "id", "book_id", "href", "uid", "kind", "state", "revision", "changed_at")
    keys = (sa.Column(name, sa.BigInteger(), primary_key=True) for name in names[:2])
    others: Iterator[sa.Column[Any]] = (sa.Column(name) for name in names[2:])
    entries = sa.Table("entry", sa.MetaData(), *keys, *others, info={"spread_by": "viewer_id"})
    known = set(database.scalars(sa.select(books.c.viewer_id).where(books.c.id == 1)))
    there = {tuple(row) for row in database.execute(sa.select(entries.c.viewer_id, entries.c.id))}
    for owner_id, other_id, at in database.execute(sa.select(*blocks.c)).all():
        for viewer_id, entry_id in ((owner_id, other_id), (other_id, owner_id)):
            if (viewer_id, entry_id) in there:
                this = (entries.c.viewer_id == viewer_id, entries.c.id == entry_id)
                database.execute(sa.update(entries).where(*this).values(state="blocked"))
            elif viewer_id in known:
                there.add((viewer_id, entry_id))
                values = {"viewer_id": viewer_id, "id": entry_id, "book_id": 1, "kind": "connection"}
                values |= {"href": f"{uuid.uuid4()}.vcf", "uid": str(uuid.uuid4())}
                # It is news to no device.
                values |= {"state": "blocked", "revision": 1, "changed_at": at}
                database.execute(sa.insert(entries).values(**values))
