"""
How cards and contacts stand in lists, and what they are found by.

These rows say nothing that is not in the text that they are of, and are written with it. They are tables of their own
because a card may hold a picture, which a database would read past to come to what stands behind it.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Id
from sync.models.owners import OWNER_WITH_TEXT


class Listed:
    """
    What lists know of a card or contact; the columns are those of `sync.sorting.list_keys.ListKeys`.

    *sort_key* and *number_key* are compared byte by byte: the order by name and that by number. The others are what is
    typed is looked for in: *called* is the name as it is compared, *keys* all by which the name is found as a whole,
    *spelled* a Chinese name in letters, each syllable beginning with a capital one, *reached* the numbers and
    addresses, and *digits* only their digits.
    """

    sort_key: Mapped[bytes] = mapped_column(LargeBinary)
    number_key: Mapped[bytes] = mapped_column(LargeBinary)
    called: Mapped[str] = mapped_column(Text)
    keys: Mapped[str] = mapped_column(Text)
    spelled: Mapped[str] = mapped_column(Text)
    reached: Mapped[str] = mapped_column(Text)
    digits: Mapped[str] = mapped_column(Text)


class CardListKey(Listed, Base):
    """How the card of one audience stands in the lists of those who are in it. The owner's own card is in no list."""

    __tablename__ = "card_list_key"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "id"], ["card.owner_id", "card.id"], ondelete="CASCADE"),
        OWNER_WITH_TEXT,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class ContactListKey(Listed, Base):
    """How a private entry stands in the list of its owner."""

    __tablename__ = "contact_list_key"
    __table_args__ = (
        ForeignKeyConstraint(
            ["viewer_id", "entry_id"], ["private_card.viewer_id", "private_card.entry_id"], ondelete="CASCADE"
        ),
        {"info": {"spread_by": "viewer_id"}},
    )

    viewer_id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-2)
    entry_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)
