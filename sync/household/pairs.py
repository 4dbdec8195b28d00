"""The two rows of a field that somebody shares with somebody, read and written under the locks of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from sync.database.engine import all_or_nothing
from sync.fields import FieldContent
from sync.models import CarriedField, Field, SharedField, now
from sync.sharing import changes


class Share(NamedTuple):
    """A field of an owner's, and who carries it or was offered it."""

    owner_id: int
    field_id: int
    carrier_id: int

    @property
    def of_owner(self) -> tuple[ColumnElement[bool], ...]:
        """What finds the owner's row."""
        return (
            SharedField.owner_id == self.owner_id,
            SharedField.field_id == self.field_id,
            SharedField.carrier_id == self.carrier_id,
        )

    @property
    def of_carrier(self) -> tuple[ColumnElement[bool], ...]:
        """What finds the carrier's row."""
        return (
            CarriedField.owner_id == self.carrier_id,
            CarriedField.source_id == self.owner_id,
            CarriedField.source_field_id == self.field_id,
        )


class Source(NamedTuple):
    """A field that is shared: of which kind it is, what it says, and what of the person's organisation fills it."""

    kind: str
    content: str
    claim: str | None

    @property
    def said(self) -> FieldContent:
        """What it says."""
        return FieldContent.load(self.kind, self.content)


@contextmanager
def both(session: Session, share: Share) -> Iterator[None]:
    """Do the statements of the block all or not at all, while nobody changes anything of the two people."""
    with all_or_nothing(session):
        for each in sorted((share.owner_id, share.carrier_id)):
            changes.hold(session, each)
        yield


def source_of(session: Session, share: Share) -> Source | None:
    """Return the field that is shared, None where it is gone."""
    return field(session, share.owner_id, share.field_id)


def field(session: Session, owner_id: int, field_id: int) -> Source | None:
    """Return a field of somebody's, None where there is none."""
    chosen = select(Field.kind, Field.content, Field.claim).where(Field.owner_id == owner_id, Field.id == field_id)
    row = session.execute(chosen).first()
    return Source(*row) if row else None


def shared_state(session: Session, share: Share) -> str | None:
    """Return how it stands by the owner's row, None where there is none."""
    return session.scalars(select(SharedField.state).where(*share.of_owner)).first()


def carried_state(session: Session, share: Share) -> tuple[str, int | None] | None:
    """Return how it stands by the carrier's row and which of their fields it is, None where there is no row."""
    row = session.execute(select(CarriedField.state, CarriedField.field_id).where(*share.of_carrier)).first()
    return (row[0], row[1]) if row else None


def put_shared(session: Session, share: Share, state: str) -> None:
    """Write how it stands from now on into the owner's row, with which nothing is owed then."""
    values = {"state": state, "changed_at": now(), "is_owed": False}
    session.execute(update(SharedField).where(*share.of_owner).values(**values))


def put_carried(session: Session, share: Share, state: str, field_id: int | None) -> None:
    """Write how it stands from now on into the carrier's row, with which nothing is owed then."""
    values = {"state": state, "changed_at": now(), "is_owed": False, "field_id": field_id}
    session.execute(update(CarriedField).where(*share.of_carrier).values(**values))


def begin(session: Session, share: Share, state: str) -> None:
    """Write both rows anew."""
    forget_shared(session, share)
    forget_carried(session, share)
    values = {"state": state, "changed_at": now(), "is_owed": False}
    session.execute(insert(SharedField).values(**share._asdict(), **values))
    mine = {"owner_id": share.carrier_id, "source_id": share.owner_id, "source_field_id": share.field_id}
    session.execute(insert(CarriedField).values(**mine, **values))


def forget_shared(session: Session, share: Share) -> None:
    """Delete the owner's row."""
    session.execute(delete(SharedField).where(*share.of_owner))


def forget_carried(session: Session, share: Share) -> None:
    """Delete the carrier's row."""
    session.execute(delete(CarriedField).where(*share.of_carrier))
