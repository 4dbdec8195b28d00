"""Who is signed in to the portal, and how much of what anybody has tried lately."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Id, Moment
from sync.models.owners import OWNER


class BrowserSession(Base):
    """
    A browser that a person is signed in with. *secret_hash* is that of the cookie's secret.

    *last_seen_at* is kept to the hour; *browser* is what it said it is.
    """

    __tablename__ = "browser_session"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    browser: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class RateLimit(Base):
    """
    How much of something one account, source or pair may do still.

    *key* names the thing and who does it; *full_at* is when, in milliseconds since 1970, the rate limit will be whole
    again: the later, the less is left. A row whose time has come may be dropped.
    """

    __tablename__ = "rate_limit"
    __table_args__ = {"info": {"spread_by": "key"}, "sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    full_at: Mapped[int] = mapped_column(BigInteger)
