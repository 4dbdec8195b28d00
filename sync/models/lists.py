"""Groups as lists: what devices see that show a person's groups, and what they propose about them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Digest, Id, Moment, Word


class ListState(Base):
    """
    What devices that show groups as lists are told of a group, or of the groups that a connected person is in.

    *kind* is ``group`` or ``person``, and *id* that of the group, or the account id of the person. *revision* is what
    `AddressBook.lists_revision` was raised to by its last change, *changed_at* the time of that. *content* has a line
    each for the name of a group and the UIDs of those of its people who are in the address book; or for the names of
    the groups of a person. It is absent when the group is gone. *digest* is its hash. *uid* is that of a group's card,
    which it has for ever.

    They are kept up to date while a device of the person's shows lists.
    """

    __tablename__ = "list_state"
    __table_args__ = (
        UniqueConstraint("viewer_id", "uid"),
        Index(None, "viewer_id", "kind", "revision"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    uid: Mapped[str | None] = mapped_column(String(64))
    revision: Mapped[Counter]
    changed_at: Mapped[Moment]
    digest: Mapped[Digest | None]
    content: Mapped[str | None] = mapped_column(Text)


class ListProposal(Base):
    """
    A device of the person's put somebody on the list of a group, or took them off it: *is_in* says which.

    Nothing follows from that until the person agrees in the portal. *device_id* is the device, which may be gone.
    """

    __tablename__ = "list_proposal"
    __table_args__ = (
        ForeignKeyConstraint(
            ["viewer_id", "group_id"], ["contact_group.owner_id", "contact_group.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["viewer_id", "person_id"],
            ["connection.owner_id", "connection.viewer_id"],
            ondelete="CASCADE",
            name="fk_list_proposal_connection",
        ),
        Index(None, "viewer_id", "person_id"),
        {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    group_id: Mapped[Id] = mapped_column(primary_key=True)
    person_id: Mapped[Id] = mapped_column(primary_key=True)
    is_in: Mapped[bool]
    device_id: Mapped[Id]
    proposed_at: Mapped[Moment]
