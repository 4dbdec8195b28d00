"""What must be true of a person as a viewer: the address book, its entries and the devices that read it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.books import overlays, served
from sync.books.attempts import Attempt
from sync.books.entry_rows import PRIVATE
from sync.errors import InvalidInput
from sync.models import CONTACTS, AddressBook, Audience, Card, Connection, Device, Entry, Overlay, PrivateCard
from sync.revisions.address_books import PRESENT, REMOVED
from sync.sharing import cards
from sync.sharing.connections import CONNECTION
from sync.vcard import parse_one
from sync.verification.owners import login_of


def account(session: Session, account_id: int) -> Iterator[str]:
    """Yield what is wrong with a person's address book for connections, its devices and the person's own entry."""
    book = session.get(AddressBook, (account_id, CONTACTS))
    if book is None:
        yield "There is no address book for connections."
    else:
        yield from _devices(session, book)
    yield from _self(session, account_id)


def _devices(session: Session, book: AddressBook) -> Iterator[str]:
    ahead = select(Device.id).where(Device.viewer_id == book.viewer_id, Device.synced_revision > book.revision)
    for device_id in session.scalars(ahead):
        yield (
            f"Device {device_id} has a revision that the address book has not reached; "
            "if a backup was put back, run `evercard restored`."
        )


def _self(session: Session, account_id: int) -> Iterator[str]:
    audiences = select(Audience.id).where(Audience.owner_id == account_id, Audience.kind == cards.SELF)
    entry = session.get(Entry, (account_id, account_id))
    if entry is None or entry.kind != cards.SELF:
        yield "There is no entry for the person's own card."
    elif entry.state != PRESENT or entry.card_id not in session.scalars(audiences).all():
        yield "The entry for the person's own card does not show it."


def entries_of(session: Session, viewer_id: int) -> Iterator[str]:
    """Yield what is wrong with what a person's address books hold."""
    revisions = {
        book.id: book.revision
        for book in session.scalars(select(AddressBook).where(AddressBook.viewer_id == viewer_id))
    }
    own = (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id)
    statement = select(Entry, PrivateCard.data).outerjoin(PrivateCard, own).where(Entry.viewer_id == viewer_id)
    for entry, data in session.execute(statement.execution_options(yield_per=100)):
        if not 0 < entry.revision <= revisions.get(entry.book_id, 0):
            yield f"The entry {entry.href} has a revision that its address book has not reached."
        if entry.kind == PRIVATE:
            problems = _private(entry, data)
        elif entry.kind == CONNECTION:
            problems = _held(session, entry, data)
        else:
            problems = iter(() if entry.kind == cards.SELF else ("is of a kind that does not exist.",))
        for problem in problems:
            yield f"The entry {entry.href} {problem}"


def _held(session: Session, entry: Entry, data: bytes | None) -> Iterator[str]:
    if data is not None or not entry.uid:
        yield "is a connection's and is kept like a private one."
    card = session.get(Card, (entry.id, entry.card_id)) if entry.card_id is not None else None
    yield from _overlay(entry, session.get(Overlay, (entry.viewer_id, entry.id)), card)
    if entry.state == REMOVED:
        if entry.card_id is not None:
            yield "is removed and still names a card."
    elif session.get(Connection, (entry.id, entry.viewer_id)) is None:
        yield f"shows the card of {login_of(session, entry.id)} without a connection."


def _overlay(entry: Entry, overlay: Overlay | None, card: Card | None) -> Iterator[str]:
    if entry.digest != (overlay.digest if overlay is not None else None):
        yield "has a hash that is not that of its overlay."
    if overlay is None:
        return
    try:
        overlays.load(overlay.content)
    except (InvalidInput, ValueError, TypeError):
        yield "has an overlay that cannot be read."
        return
    if overlay.digest != overlays.digest_of(overlay.content):
        yield "has an overlay whose hash is not that of its text."
    for version, body in (("3.0", card.body_3), ("4.0", card.body_4)) if card is not None else ():
        with Attempt() as attempt:
            served.held(body, overlay.content, version, entry.uid or "", entry.changed_at)
        if attempt.trouble:
            yield f"cannot be served whole in vCard {version}: {attempt.trouble}."


def _private(entry: Entry, data: bytes | None) -> Iterator[str]:
    if entry.card_id is not None:
        yield "is private and names a card."
    if entry.state != PRESENT:
        if entry.state != REMOVED or data is not None or entry.uid is not None or entry.digest is not None:
            yield "is deleted and something of it is left."
        return
    if data is None:
        yield "has lost its text."
        return
    if entry.digest != hashlib.sha256(data).hexdigest()[:32]:
        yield "has a hash that is not that of its text."
    try:
        uid = parse_one(data).uid
    except InvalidInput as error:
        yield f"cannot be read: {error}"
        return
    if uid != entry.uid:
        yield "is filed under another UID than its own."
    for version in ("3.0", "4.0"):
        with Attempt() as attempt:
            served.private(data, version, uid or "", entry.changed_at)
        if attempt.trouble:
            yield f"cannot be served whole in vCard {version}: {attempt.trouble}."
