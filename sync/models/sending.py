"""What goes out to people by e-mail and text message, and the one-time tokens that the links in it carry."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Digest, Id, Moment, Word


class Message(Base):
    """
    One message that is still to be sent; the row goes when it was.

    *channel* and *recipient* are as in `sync.models.Address`. *template* names what it says and *values* is
    the JSON object of what is filled in. *due_at* is when a worker may claim it next, as for
    `sync.models.Job`.
    """

    __tablename__ = "message"
    __table_args__ = (Index(None, "bucket", "due_at"), {"info": {"spread_by": "bucket"}})

    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[Word]
    recipient: Mapped[str] = mapped_column(String(254))
    template: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(16))
    values: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]
    due_at: Mapped[Moment]
    attempts: Mapped[Counter] = mapped_column(default=0)


class Errand(Base):
    """
    Something that was asked for, and whose doing depends on people of whom whoever asked must learn nothing.

    *kind* names who does it and *values* is the JSON object of what it needs; the row goes when it was done. *due_at*
    is when a worker may take it next.
    """

    __tablename__ = "errand"
    __table_args__ = (Index(None, "bucket", "due_at"), {"info": {"spread_by": "bucket"}})

    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Word]
    values: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]
    due_at: Mapped[Moment]
    attempts: Mapped[Counter] = mapped_column(default=0)


class GivenUp(Base):
    """
    A message or an errand that was given up, kept for an administrator who may put it back.

    *source* says which of the two it was. *kind* is a message's template or an errand's kind; the other columns are
    those of `Message`, of which an errand has no *channel*, *recipient* and *language*. *reason* is a sentence that
    names nobody.
    """

    __tablename__ = "given_up"
    __table_args__ = {"info": {"spread_by": "bucket"}}

    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[Word]
    kind: Mapped[str] = mapped_column(String(32))
    channel: Mapped[Word]
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16))
    values: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]
    failed_at: Mapped[Moment]
    attempts: Mapped[Counter]
    reason: Mapped[str] = mapped_column(String(200))


class Suppression(Base):
    """Nothing is ever sent to this address again: its owner said so. *digest* is a keyed hash of the address."""

    __tablename__ = "suppression"
    __table_args__ = {"info": {"spread_by": "digest"}, "sqlite_with_rowid": False}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    created_at: Mapped[Moment]


class OneTimeToken(Base):
    """
    What a link that was sent allows, until it is used or expires. *digest* is the hash of the link's secret.

    *account_id* is whom it speaks for, absent for somebody without an account. *values* is the JSON object of whatever
    *purpose* needs. *tries_left* counts down for codes that are typed.
    """

    __tablename__ = "one_time_token"
    __table_args__ = {"info": {"spread_by": "digest"}}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    values: Mapped[str] = mapped_column(Text)
    tries_left: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
