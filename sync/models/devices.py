"""What each device was handed and sent, and what came of it when several changed the same."""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment

#: The revision that stands for what a device has of an entry where that was let go of, to keep a budget.
NOT_KEPT = -1


class DeviceCopy(Base):
    """
    What a device has of an entry, by the entry's *revision* when the device was handed it or stored it.

    There is none of what has been the same ever since; *revision* is `NOT_KEPT` where what it was is let go of. *sent*
    is the card that the device sent last, where what became of it is another one, which the device was not handed yet:
    it goes on from that.
    """

    __tablename__ = "device_copy"
    __table_args__ = (
        ForeignKeyConstraint(["viewer_id", "device_id"], ["device.viewer_id", "device.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["viewer_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        Index(None, "viewer_id", "entry_id"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    device_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    revision: Mapped[Counter]
    sent: Mapped[bytes | None] = mapped_column(LargeBinary)


class EditConflict(Base):
    """
    Two of a person's devices, or one and the portal, changed one field without knowing of each other.

    *won* is what *device_id*, which was later, made of it, and *lost* what it had become before: each as its kind,
    a line feed and `FieldContent.dump`, absent where the field was deleted. *kind* is that of either.
    """

    __tablename__ = "edit_conflict"
    __table_args__ = (
        ForeignKeyConstraint(["viewer_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        Index(None, "viewer_id", "entry_id"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[Id]
    device_id: Mapped[Id]
    found_at: Mapped[Moment]
    kind: Mapped[str] = mapped_column(String(64))
    won: Mapped[str | None] = mapped_column(Text)
    lost: Mapped[str | None] = mapped_column(Text)


class DeadProperty(Base):
    """
    A property that a client gave to a resource, and that means nothing to this server (RFC 4918, 4).

    *book_id* is 0 for the person's home, *entry_id* 0 for an address book. *name* is the full name, *content* the
    element as markup.
    """

    __tablename__ = "dead_property"
    __table_args__ = {"info": {"spread_by": "viewer_id"}}

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    book_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    content: Mapped[str] = mapped_column(Text)
