"""What a person's devices see: the address book and its entries."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Digest, Id, Moment, Word

#: The id of everybody's first address book, at ``/<login>/contacts/``.
CONTACTS = 1

VIEWER = {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False}


class AddressBook(Base):
    """
    A collection of a person's. The first, `CONTACTS`, is the one that connections appear in.

    *revision* rises by one with every change that the person can see. *epoch* is replaced by another random number
    when revisions may have been handed out that this database does not remember (a restored backup). *path* is its
    name below the principal. *me_card* is the name of the entry that a device declared to be the person's own card,
    absent while none did. *description* is what the person says that it is for, absent while they say nothing.
    *lists_revision* rises by one with every change of what `ListState` has, absent while there was none.
    *rosters* names the organisations that the person is a member of, in the order in which they joined: the id of each
    membership and of the organisation; absent for none. *names_key* is the key of the names of those entries of members
    that have no row yet, absent while it was never needed.

    *viewer_id* is the person, or a `SharedBook`, which is nobody's. What a person has of their own in a shared book,
    the row of that book's id at the path of `sync.revisions.shared_states.path_of` holds: what they added to its
    contacts.
    """

    __tablename__ = "address_book"
    __table_args__ = (UniqueConstraint("viewer_id", "path"), VIEWER)

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    path: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    me_card: Mapped[str | None] = mapped_column(String(255))
    epoch: Mapped[Id]
    revision: Mapped[Counter] = mapped_column(default=0)
    lists_revision: Mapped[int | None] = mapped_column(BigInteger)
    rosters: Mapped[str | None] = mapped_column(Text)
    names_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_at: Mapped[Moment]


class Entry(Base):
    """
    One vCard resource of an address book, present or gone.

    *kind* is ``self``, ``connection``, ``private`` or ``shared``. The id of a ``self`` or ``connection`` entry is the
    account id of the owner of its card, so a pair (viewer, owner) has one entry for ever; that of a ``private`` entry
    is random. One that is ``shared`` says what a reader made of that contact of a shared book which has its id. *state*
    is ``present``; ``removed``: gone for the person's devices, unless an organisation shows them the owner; ``hidden``:
    a connection's or member's entry that the person deleted, gone for the devices as well; ``blocked``: the same,
    because one of the two blocked the other. *revision* is the book's revision of the last change, going included.
    *changed_at* is the time of the last change of what the person sees, served as REV. *card_id* names the card of a
    ``self`` entry, and of a ``connection`` entry whose two people are connected; *digest* is the hash of a ``private``
    entry's bytes, and of what was added to a ``connection`` entry. *uid* is absent when a private entry is gone; that
    of the others stays. *raised_for* is the version of the owner's profile with the last change of theirs that the
    entry tells of, absent where that was before it was noted.
    """

    __tablename__ = "entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["viewer_id", "book_id"], ["address_book.viewer_id", "address_book.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("viewer_id", "book_id", "href"),
        UniqueConstraint("viewer_id", "book_id", "uid"),
        Index(None, "viewer_id", "book_id", "revision"),
        VIEWER,
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    book_id: Mapped[Id]
    href: Mapped[str] = mapped_column(String(255))
    uid: Mapped[str | None] = mapped_column(String(255))
    kind: Mapped[Word]
    state: Mapped[Word]
    revision: Mapped[Counter]
    changed_at: Mapped[Moment]
    card_id: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[Digest | None]
    raised_for: Mapped[int | None] = mapped_column(BigInteger)


class PrivateCard(Base):
    """The bytes of a private entry, exactly as the client sent them."""

    __tablename__ = "private_card"
    __table_args__ = (
        ForeignKeyConstraint(["viewer_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class EntryVersion(Base):
    """
    What an entry had before a device replaced or deleted it.

    *revision* is the entry's at that time. *content* is the bytes of a private entry, or an overlay's text form.
    """

    __tablename__ = "entry_version"
    __table_args__ = (
        ForeignKeyConstraint(["viewer_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    revision: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    replaced_at: Mapped[Moment]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class VersionTotal(Base):
    """
    What a person has of `EntryVersion`, as was known when something was last kept of an entry of this book.

    It is so as long as the revisions of all their books together are *raised*, for whoever keeps something raises one:
    a release that does not know this table as well. *number* and *size*, in octets, may be too high, and never too low;
    nothing was replaced before *oldest*, which is absent where there is nothing.
    """

    __tablename__ = "version_total"
    __table_args__ = (
        ForeignKeyConstraint(
            ["viewer_id", "book_id"], ["address_book.viewer_id", "address_book.id"], ondelete="CASCADE"
        ),
        {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    book_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    raised: Mapped[Counter]
    number: Mapped[Counter]
    size: Mapped[Counter]
    oldest: Mapped[Moment | None]


class Overlay(Base):
    """
    What a viewer added to a connection's entry. Only that viewer ever sees it, and it outlives the connection.

    *content* is `sync.books.overlays.dump`; *digest* its hash. The others are of `sync.models.list_keys.Listed`, of the
    numbers and addresses in it; absent where it was stored before these were noted.
    """

    __tablename__ = "overlay"
    __table_args__ = (
        ForeignKeyConstraint(["viewer_id", "entry_id"], ["entry.viewer_id", "entry.id"], ondelete="CASCADE"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[Digest]
    number_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    reached: Mapped[str | None] = mapped_column(Text)
    digits: Mapped[str | None] = mapped_column(Text)
