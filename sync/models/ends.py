"""What ends by itself, and what people who hold a card say of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Digest, Id, Moment
from sync.models.owners import OWNER


class Ending(Base):
    """
    Something that an owner gave ends by itself at *ends_at*.

    With *group_id* alone it is everything that the group may see, with *field_id* besides it is that one grant; with
    *viewer_id* alone it is the connection, with *field_id* besides what this one person is shown as an exception. It
    goes with whatever it is about. *utc_offset* are the minutes by which the owner's clock is ahead of UTC then.
    *asked_at* is when the owner was asked whether it shall end, *answered_at* when they said yes.
    """

    __tablename__ = "ending"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["owner_id", "group_id", "field_id"],
            ["field_grant.owner_id", "field_grant.group_id", "field_grant.field_id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["owner_id", "viewer_id"], ["connection.owner_id", "connection.viewer_id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["owner_id", "viewer_id", "field_id"],
            ["field_exception.owner_id", "field_exception.viewer_id", "field_exception.field_id"],
            ondelete="CASCADE",
        ),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    group_id: Mapped[int | None] = mapped_column(BigInteger)
    viewer_id: Mapped[int | None] = mapped_column(BigInteger)
    field_id: Mapped[int | None] = mapped_column(BigInteger)
    ends_at: Mapped[Moment]
    utc_offset: Mapped[int] = mapped_column(Integer)
    set_at: Mapped[Moment]
    asked_at: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[int | None] = mapped_column(BigInteger)


class NextEnd(Base):
    """
    When something of this owner's ends next: at *due_at*, or later. Whoever has nothing that ends has no row.

    *bucket* is the owner's (see `sync.models.buckets`).
    *ask_at* is when the owner is to be asked next whether something shall end, absent where they were.
    """

    __tablename__ = "next_end"
    __table_args__ = (
        Index(None, "bucket", "due_at"),
        {"info": {"spread_by": "bucket"}, "sqlite_with_rowid": False},
    )

    bucket: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    owner_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    due_at: Mapped[Moment]
    ask_at: Mapped[int | None] = mapped_column(BigInteger)


class FieldDoubt(Base):
    """
    *viewer_id*, who may see the field, says that what it says is not right any more.

    It counts while the field says what it said then, which has the hash *said_of*. *dismissed_at* is when the owner
    said that it is right.
    """

    __tablename__ = "field_doubt"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "field_id"], ["field.owner_id", "field.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["owner_id", "viewer_id"], ["connection.owner_id", "connection.viewer_id"], ondelete="CASCADE"
        ),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    field_id: Mapped[Id] = mapped_column(primary_key=True)
    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    said_of: Mapped[Digest]
    said_at: Mapped[Moment]
    dismissed_at: Mapped[int | None] = mapped_column(BigInteger)
