"""What has arrived on a device that is being set up, for the page that waits for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.errors import NotFound
from sync.models import CONTACTS, AddressBook, Device, Entry
from sync.revisions.address_books import PRESENT


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    How far a device has come: it *has_called* as soon as it showed its password, and is connected when it has cards.

    *cards* are those that it was given, 0 before; where it *is_behind*, there are changes that it has not fetched yet.
    """

    label: str
    has_called: bool
    cards: int
    is_behind: bool

    @property
    def is_connected(self) -> bool:
        """Whether the device has been given the address book."""
        return self.cards > 0


def of(session: Session, viewer_id: int, device_id: int) -> Arrival:
    """
    Return how far a person's device has come, as it was noted last: about a second after its request.

    Raises:
        NotFound: The person has no such device, or it is shut out.
    """
    device = session.execute(
        select(Device.label, Device.last_used_at, Device.synced_at, Device.synced_revision).where(
            Device.viewer_id == viewer_id, Device.id == device_id, Device.revoked_at.is_(None)
        )
    ).first()
    if device is None:
        raise NotFound("There is no such device.")
    if device.synced_at is None:
        return Arrival(device.label, device.last_used_at is not None, 0, is_behind=False)
    book = (AddressBook.viewer_id == viewer_id, AddressBook.id == CONTACTS)
    revision = session.scalars(select(AddressBook.revision).where(*book)).one()
    there = (Entry.viewer_id == viewer_id, Entry.book_id == CONTACTS, Entry.state == PRESENT)
    cards = session.scalars(select(func.count()).where(*there)).one()
    return Arrival(device.label, True, cards, is_behind=device.synced_revision < revision)
