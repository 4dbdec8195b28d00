"""
What one person decided about one other whom an organisation shows them: rows of their own that count before a roster.

They are `sync.models.Entry` like those of connections, under the name that the other has in the person's address book
already, and show no card: one that is removed leaves it to the roster, one that is hidden or blocked does not.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from sync.models import CONTACTS, AddressBook, Entry, now
from sync.revisions import address_books, rosters
from sync.revisions.address_books import BLOCKED, HIDDEN, REMOVED
from sync.sharing.connections import CONNECTION

#: Beyond which every device is: a row of this revision is news to none.
_FIRST = 1


def take(session: Session, viewer_id: int, owner_id: int) -> None:
    """Make sure that the viewer has an entry of the owner. The caller holds the lock of the address book."""
    if is_there(session, viewer_id, owner_id):
        return
    href, uid = rosters.name_for(session, viewer_id, owner_id)
    values = {"href": href, "uid": uid, "kind": CONNECTION, "state": REMOVED, "revision": _FIRST, "changed_at": now()}
    session.execute(insert(Entry).values(viewer_id=viewer_id, id=owner_id, book_id=CONTACTS, **values))


def is_there(session: Session, viewer_id: int, owner_id: int) -> bool:
    """Whether the viewer has an entry of the owner, in whatever state."""
    here = select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.id == owner_id)
    return session.scalars(here).first() is not None


def is_hidden(session: Session, viewer_id: int, owner_id: int) -> bool:
    """Whether the viewer hid the owner, to whom they are not connected."""
    here = (Entry.viewer_id == viewer_id, Entry.id == owner_id, Entry.state == HIDDEN, Entry.card_id.is_(None))
    return session.scalars(select(Entry.id).where(*here)).first() is not None


def hide(session: Session, viewer_id: int, owner_id: int) -> None:
    """Take somebody whom an organisation shows off the viewer's devices."""
    address_books.lock(session, viewer_id, CONTACTS)
    take(session, viewer_id, owner_id)
    _set(session, viewer_id, owner_id, HIDDEN)


def show(session: Session, viewer_id: int, owner_id: int) -> None:
    """Leave somebody whom the viewer hid, and is not connected to, to their organisations again."""
    address_books.lock(session, viewer_id, CONTACTS)
    _set(session, viewer_id, owner_id, REMOVED)


def block(session: Session, viewer_id: int, owner_id: int, *, is_blocked: bool) -> None:
    """Let no organisation show the owner to the viewer, or leave it to them again."""
    address_books.lock(session, viewer_id, CONTACTS)
    if session.scalars(select(AddressBook.viewer_id).where(AddressBook.viewer_id == viewer_id)).first() is None:
        return
    take(session, viewer_id, owner_id)
    _set(session, viewer_id, owner_id, BLOCKED if is_blocked else REMOVED)


def _set(session: Session, viewer_id: int, owner_id: int, state: str) -> None:
    this = (Entry.viewer_id == viewer_id, Entry.id == owner_id)
    before = session.scalars(select(Entry.state).where(*this)).one()
    session.execute(update(Entry).where(*this).values(state=state, card_id=None))
    # Whom no organisation shows to the viewer, or the viewer hid, is gone already.
    if REMOVED in (before, state) and before != state and rosters.shows(session, viewer_id, owner_id):
        at = now()
        address_books.raise_revisions(session, [viewer_id], at)
        address_books.stamp(session, [viewer_id], owner_id, at)
