"""The e-mail that tells somebody, at most once a day, whose cards changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment

_OF_VIEWER = {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False}


class Digest(Base):
    """
    What a person decided about the digest, and how far they know what changed; absent until they decide.

    *hour* is the hour of the day in *time_zone*, a name of the IANA's database. *next_at* is when the next one is due,
    and *sent_at* when the last one was posted, as the message *message_id*. *revision* is the address book's up to
    which its owner was told, or has looked.
    """

    __tablename__ = "digest"
    __table_args__ = _OF_VIEWER

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    is_wanted: Mapped[bool] = mapped_column(Boolean)
    hour: Mapped[int] = mapped_column(Integer)
    time_zone: Mapped[str] = mapped_column(String(64))
    next_at: Mapped[Moment]
    sent_at: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    revision: Mapped[Counter]


class DigestSeen(Base):
    """
    The version of *owner_id*'s profile up to which *viewer_id* was told of its changes, or has looked.

    Of an organisation by the id *owner_id* it is the revision of its roster.
    """

    __tablename__ = "digest_seen"
    __table_args__ = _OF_VIEWER

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("digest.viewer_id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Counter]
