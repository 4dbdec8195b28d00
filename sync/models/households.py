"""Fields that several people have on their cards, of which one of them is the owner."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Id, Moment, Word
from sync.models.owners import OWNER

#: Of a shared and of a carried field: it was offered; it is carried.
OFFERED, CARRIED = "offered", "carried"
#: How it ended: the carrier has it for themselves; the owner took it back; the two are not connected any more.
LEFT, TAKEN_BACK, PARTED = "left", "taken back", "parted"


class SharedField(Base):
    """
    An owner lets *carrier_id*, whom they are connected to, have a field of theirs on their own card.

    *state* is ``offered``, ``carried``, ``declined`` or ``left``; since *changed_at*. While it *is_owed*, the field
    changed or went, and the carrier's card does not follow yet. Its other side is a `CarriedField`.
    """

    __tablename__ = "shared_field"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "carrier_id"], ["connection.owner_id", "connection.viewer_id"], ondelete="CASCADE"
        ),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    field_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    carrier_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[Word]
    changed_at: Mapped[Moment]
    is_owed: Mapped[bool] = mapped_column(default=False)


class CarriedField(Base):
    """
    *owner_id* was offered the field *source_field_id* of *source_id*, and has it as *field_id* once they agreed.

    *state* is ``offered``, ``carried``, or how it ended: ``left``, ``taken back`` or ``parted``; since *changed_at*.
    The field is its carrier's own then. While it *is_owed*, the carrier left, and the other side does not know yet.
    """

    __tablename__ = "carried_field"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    source_field_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    field_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[Word]
    changed_at: Mapped[Moment]
    is_owed: Mapped[bool] = mapped_column(default=False)
