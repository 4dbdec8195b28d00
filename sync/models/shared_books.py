"""Shared books: address books of an organisation, who may do what with them, and who changed what in them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment, Word


class SharedBook(Base):
    """
    An address book of the organisation *organisation_id*, whose contacts are nobody's cards.

    *id* is one that no account has: under it, as the viewer, are the row of `AddressBook` that says title and revision,
    its entries, and what they were before. *everybody* is what each member may do who has no row of `SharedAccess`:
    ``reader``, ``writer`` or ``none``.
    """

    __tablename__ = "shared_book"
    __table_args__ = {"info": {"spread_by": "id"}, "sqlite_with_rowid": False}

    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    organisation_id: Mapped[Id]
    everybody: Mapped[Word]
    created_at: Mapped[Moment]


class OrganisationBook(Base):
    """An organisation has this shared book."""

    __tablename__ = "organisation_book"
    __table_args__ = {"info": {"spread_by": "organisation_id"}, "sqlite_with_rowid": False}

    organisation_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    book_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)


class SharedAccess(Base):
    """What one person may do with a shared book while they are a member: see `SharedBook.everybody`."""

    __tablename__ = "shared_access"
    __table_args__ = {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False}

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    book_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[Word]


class SharedChange(Base):
    """
    Who changed a contact of a shared book: *account_id*, or `NOBODY` where an administrator did, by the command line.

    *revision* is what the contact has since, *before* what it had, of which `EntryVersion` has the text; 0 for a new
    one. *what* is ``added``, ``changed`` or ``removed``.
    """

    __tablename__ = "shared_change"
    __table_args__ = (
        ForeignKeyConstraint(["book_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        Index(None, "book_id", "revision"),
        {"info": {"spread_by": "book_id"}, "sqlite_with_rowid": False},
    )

    book_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    before: Mapped[Counter]
    account_id: Mapped[Id]
    what: Mapped[Word]
    changed_at: Mapped[Moment]


class SharedCopy(Base):
    """What the device of a writer has of a contact of a shared book, as `DeviceCopy` says it of an own one."""

    __tablename__ = "shared_copy"
    __table_args__ = (
        ForeignKeyConstraint(["book_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        Index(None, "book_id", "entry_id"),
        {"info": {"spread_by": "book_id"}},
    )

    book_id: Mapped[Id] = mapped_column(primary_key=True)
    account_id: Mapped[Id] = mapped_column(primary_key=True)
    device_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    revision: Mapped[Counter]
    sent: Mapped[bytes | None] = mapped_column(LargeBinary)
