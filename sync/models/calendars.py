"""Calendars of other people's birthdays, which a program fetches by a secret address."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Id, Moment


class CalendarFeed(Base):
    """
    A secret address under which a person's birthdays can be fetched.

    *secret_hash* is the BLAKE2b hash of its secret. *language* is the BCP 47 tag of what it says. *with_private* means
    that the person's own contacts are in it, too, and *with_members* that the members of their organisations are;
    absent is no.
    """

    __tablename__ = "calendar_feed"
    __table_args__ = {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False}

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(String(100))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    language: Mapped[str] = mapped_column(String(35))
    with_private: Mapped[bool] = mapped_column(Boolean)
    with_members: Mapped[bool | None] = mapped_column(Boolean)
    created_at: Mapped[Moment]
