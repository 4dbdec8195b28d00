"""Cards that people without an account are shown by a secret address."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment
from sync.models.owners import OWNER


class CardLink(Base):
    """
    Whoever has its address sees the owner's card as the group does; *audience_id* is the audience of the group alone.

    *uid* is that of the vCard. *epoch* and *revision* are those of the address book in which it can be followed, and
    *changed_at*, its REV, is when the revision was raised. It is over at *ends_at*, said by a clock that is ahead of
    UTC by *utc_offset* minutes; absent for one without an end. *opened*, *downloaded* and *fetched* count how often its
    page was shown, its vCard downloaded, and the card fetched by programs that follow it; *used_on* is the last day on
    which any of it was, in days since 1970. Nothing is kept of who it was.
    """

    __tablename__ = "card_link"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["owner_id", "audience_id"], ["audience.owner_id", "audience.id"], ondelete="CASCADE"),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    group_id: Mapped[Id]
    audience_id: Mapped[Id]
    label: Mapped[str] = mapped_column(String(100))
    uid: Mapped[str] = mapped_column(String(36))
    epoch: Mapped[Id]
    revision: Mapped[Counter] = mapped_column(default=1)
    changed_at: Mapped[Moment]
    ends_at: Mapped[int | None] = mapped_column(BigInteger)
    utc_offset: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[Moment]
    opened: Mapped[Counter] = mapped_column(default=0)
    downloaded: Mapped[Counter] = mapped_column(default=0)
    fetched: Mapped[Counter] = mapped_column(default=0)
    used_on: Mapped[int | None] = mapped_column(Integer)
