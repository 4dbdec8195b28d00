"""Whom devices and browsers want to be told by, when something that their person sees changes."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Digest, Id, Moment, Word


class PushSubscription(Base):
    """
    A registration of one device for one collection (WebDAV-Push), or of one browser for the cards that its person sees.

    It is a device's by *device_id*, or a browser's by *session_id*, with which it ends; a browser has one at most, and
    *language* is the one that its page was in. *public_key* and *auth_secret* are what a message is encrypted by.
    *book_id* is 0 for the person's home. *endpoint* is the push resource, at which whoever knows it can reach the
    device; *host* is the part of it that is no secret, with the port. *key_id* names the VAPID key that the device saw.
    *wants_content* and *wants_properties* are its triggers.

    News are noted where the collection changes: *waiting_since* says since when some wait, absent where none do,
    *has_content*, *has_properties* and *has_key* what they are about, and *news* rises with each, so that whoever sends
    knows whether more came meanwhile. *not_before* is when a worker may take it next; *attempts* counts those that
    failed, *failing_since* the first of them. *told_at* is when the push service last took a message.
    """

    __tablename__ = "push_subscription"
    __table_args__ = (
        ForeignKeyConstraint(["viewer_id", "device_id"], ["device.viewer_id", "device.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["viewer_id", "session_id"], ["browser_session.owner_id", "browser_session.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("viewer_id", "book_id", "endpoint_digest"),
        UniqueConstraint("viewer_id", "session_id"),
        Index(None, "viewer_id", "device_id"),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    device_id: Mapped[int | None] = mapped_column(BigInteger)
    session_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str | None] = mapped_column(String(16))
    book_id: Mapped[Id]
    endpoint: Mapped[str] = mapped_column(Text)
    endpoint_digest: Mapped[Digest]
    host: Mapped[str] = mapped_column(String(270))
    public_key: Mapped[bytes] = mapped_column(LargeBinary(65))
    auth_secret: Mapped[bytes] = mapped_column(LargeBinary(16))
    key_id: Mapped[Word]
    wants_content: Mapped[bool]
    wants_properties: Mapped[bool]
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    news: Mapped[Counter] = mapped_column(default=0)
    has_content: Mapped[bool] = mapped_column(default=False)
    has_properties: Mapped[bool] = mapped_column(default=False)
    has_key: Mapped[bool] = mapped_column(default=False)
    waiting_since: Mapped[int | None] = mapped_column(BigInteger)
    not_before: Mapped[Moment] = mapped_column(default=0)
    attempts: Mapped[Counter] = mapped_column(default=0)
    failing_since: Mapped[int | None] = mapped_column(BigInteger)
    told_at: Mapped[int | None] = mapped_column(BigInteger)


class CardNews(Base):
    """
    Somebody whose card changed, as far as a browser was not told of it yet; or an organisation in which somebody's did.

    *version* is that of the owner's profile up to which it was told, or which was before the change; what is said in
    the end follows from that and from what is then. *news* is what the registration's were when the change was noted.
    Of an organisation by the id *owner_id*, *version* is the revision of its roster, and stays when it was told.
    """

    __tablename__ = "card_news"
    __table_args__ = (
        ForeignKeyConstraint(
            ["viewer_id", "subscription_id"],
            ["push_subscription.viewer_id", "push_subscription.id"],
            ondelete="CASCADE",
        ),
        {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    subscription_id: Mapped[Id] = mapped_column(primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    version: Mapped[Counter]
    news: Mapped[Counter]


class PushHost(Base):
    """
    A host of push services that fails: for *pause* seconds it is left alone, until *closed_until*.

    After that a worker tries it with one message; nobody else does until *tried_until*. Well again, it has no row.
    """

    __tablename__ = "push_host"
    __table_args__ = {"info": {"spread_by": "host"}, "sqlite_with_rowid": False}

    host: Mapped[str] = mapped_column(String(270), primary_key=True)
    pause: Mapped[Counter]
    closed_until: Mapped[Moment]
    tried_until: Mapped[Moment]


#: Finds those with news however many have none.
Index(
    "ix_push_subscription_waiting",
    PushSubscription.viewer_id,
    PushSubscription.id,
    sqlite_where=PushSubscription.waiting_since.is_not(None),
    postgresql_where=PushSubscription.waiting_since.is_not(None),
)
#: Finds the browsers among many viewers, who mostly have none.
Index(
    "ix_push_subscription_browsers",
    PushSubscription.viewer_id,
    sqlite_where=PushSubscription.session_id.is_not(None),
    postgresql_where=PushSubscription.session_id.is_not(None),
)
