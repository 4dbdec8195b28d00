"""What must be true of people as viewers: their address books, the entries in them and the devices that read them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from sync.books import overlays, served
from sync.books.attempts import Attempt
from sync.books.entry_rows import PRIVATE
from sync.errors import InvalidInput
from sync.models import (
    CONTACTS,
    AddressBook,
    Audience,
    Card,
    Connection,
    ContactListKey,
    Device,
    Entry,
    Overlay,
    PrivateCard,
)
from sync.pictures.columns import whole_cards, with_card
from sync.revisions import versions
from sync.revisions.address_books import BLOCKED, HIDDEN, PRESENT, REMOVED
from sync.revisions.shared_states import SHARED
from sync.sharing import cards
from sync.sharing.connections import CONNECTION
from sync.sorting import list_keys
from sync.vcard import parse_one
from sync.verification import late
from sync.verification.owners import is_wrong, renewed_of
from sync.verification.reading import Page, Problem, chunks, matching, names_of

#: Entries that are looked at together, with the cards that something was added to.
_SOME = 200


def accounts_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's address books for connections, their devices and their own entries."""
    books = page.rows(select(AddressBook.viewer_id).where(AddressBook.id == CONTACTS), AddressBook.viewer_id)
    reached = (AddressBook.viewer_id == Device.viewer_id) & (AddressBook.id == CONTACTS)
    ahead = select(Device.viewer_id, Device.id).join(AddressBook, reached)
    devices = page.rows(ahead.where(Device.synced_revision > AddressBook.revision), Device.viewer_id)
    for account_id in page.logins:
        if not books[account_id]:
            yield account_id, "There is no address book for connections."
        for (device_id,) in devices[account_id]:
            ahead_of_it = f"Device {device_id} has a revision that the address book has not reached; "
            yield account_id, ahead_of_it + "if a backup was put back, run `evercard restored`."
    yield from _self(page)


def _self(page: Page) -> Iterator[Problem]:
    own = select(Audience.owner_id, Audience.id).where(Audience.kind == cards.SELF)
    audiences = page.rows(own, Audience.owner_id)
    columns = (Entry.viewer_id, Entry.kind, Entry.state, Entry.card_id)
    entries = page.rows(select(*columns).where(Entry.id == Entry.viewer_id), Entry.viewer_id)
    for account_id, found in entries.items():
        if not found or found[0][0] != cards.SELF:
            yield account_id, "There is no entry for the person's own card."
            continue
        ((_, state, card_id),) = found
        if state != PRESENT or card_id not in {audience_id for (audience_id,) in audiences[account_id]}:
            yield account_id, "The entry for the person's own card does not show it."


def entries_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with what people's address books hold."""
    books = page.rows(select(AddressBook.viewer_id, AddressBook.id, AddressBook.revision), AddressBook.viewer_id)
    own = (PrivateCard.viewer_id == Entry.viewer_id) & (PrivateCard.entry_id == Entry.id)
    added = (Overlay.viewer_id == Entry.viewer_id) & (Overlay.entry_id == Entry.id)
    listed = (ContactListKey.viewer_id == Entry.viewer_id) & (ContactListKey.entry_id == Entry.id)
    entries = select(*_ENTRY, PrivateCard.data, Overlay.content, Overlay.digest, *_LISTED).outerjoin(PrivateCard, own)
    entries = entries.outerjoin(Overlay, added).outerjoin(ContactListKey, listed)
    rows = page.stream(entries, Entry.viewer_id, Entry.id)
    revisions = {(viewer_id, book_id): revision for viewer_id, those in books.items() for book_id, revision in those}
    renewed = renewed_of(page)
    for some in chunks((row for _, those in rows for row in those), _SOME):
        yield from _entries(page, some, revisions)
        yield from (
            (row.viewer_id, problem) for row in some for problem in _list_keys(row, is_renewed=row.viewer_id in renewed)
        )


def late_of(page: Page) -> Iterator[Problem]:
    """Yield which entries wait for a change that has not come, long after."""
    for each in late.entries(page.session, min(page.logins), max(page.logins)):
        if each.holder_id in page.logins:
            waits = "waits for a change that its owner's machine does not have; run `evercard verify --repair`."
            yield each.holder_id, f"The entry {each.href} {waits}"


def versions_of(page: Page) -> Iterator[Problem]:
    """Yield of whom more earlier versions are kept than is known."""
    for viewer_id in versions.miscounted(page.session, min(page.logins), max(page.logins)):
        if viewer_id in page.logins:
            yield viewer_id, "More earlier versions are kept than is known; run `evercard verify --repair`."


_ENTRY = (
    Entry.viewer_id,
    Entry.id,
    Entry.book_id,
    Entry.href,
    Entry.uid,
    Entry.kind,
    Entry.state,
    Entry.revision,
    Entry.changed_at,
    Entry.card_id,
    Entry.digest.label("entry_digest"),
)


#: With names of their own: both tables have some of the columns.
_LISTED = (
    *(getattr(ContactListKey, name).label(f"contact_{name}") for name in list_keys.ListKeys._fields),
    *(getattr(Overlay, name).label(f"added_{name}") for name in list_keys.Numbers._fields),
)


def _list_keys(row: Any, *, is_renewed: bool) -> Iterator[str]:
    """Yield what is wrong with what lists know of an entry."""
    contact = tuple(getattr(row, f"contact_{name}") for name in list_keys.ListKeys._fields)
    added = tuple(getattr(row, f"added_{name}") for name in list_keys.Numbers._fields)
    cases: tuple[tuple[str | None, tuple[Any, ...], Callable[[str], object]], ...] = (
        (_text_of(row.data), contact, list_keys.of_contact),
        (row.content, added, list_keys.of_overlay),
    )
    for text, known, right in cases:
        stored = None if known[0] is None else known
        if text is not None and is_wrong(stored, right, text, is_renewed=is_renewed):
            yield f"What lists know of the entry {row.href} is not what it says."


def _text_of(data: bytes | None) -> str | None:
    return data.decode(errors="replace") if data is not None else None


def _entries(page: Page, rows: Sequence[Any], revisions: Mapping[tuple[int, int], int]) -> Iterator[Problem]:
    held = _Held(page, [row for row in rows if row.kind == CONNECTION])
    for row in rows:
        if not 0 < row.revision <= revisions.get((row.viewer_id, row.book_id), 0):
            yield row.viewer_id, f"The entry {row.href} has a revision that its address book has not reached."
        if row.kind == PRIVATE:
            problems = _private(row, row.data)
        elif row.kind == CONNECTION:
            problems = held.problems_of(row)
        else:
            problems = iter(() if row.kind in (cards.SELF, SHARED) else ("is of a kind that does not exist.",))
        for problem in problems:
            yield row.viewer_id, f"The entry {row.href} {problem}"


class _Held:
    """Entries that show cards of others."""

    def __init__(self, page: Page, rows: Sequence[Any]) -> None:
        """Read what is to be known of all of them."""
        key = (Connection.owner_id, Connection.viewer_id)
        pairs = [(row.id, row.viewer_id) for row in rows if row.state != REMOVED]
        self._connected = {tuple(row) for row in matching(page.session, select(*key), key, pairs)}
        self._names = names_of(page.session, {pair[0] for pair in pairs if pair not in self._connected})
        shown = [(row.id, row.card_id) for row in rows if row.content is not None and row.card_id is not None]
        columns, texts = (Card.owner_id, Card.id), (Card.body_3, Card.body_4)
        found = whole_cards(matching(page.session, with_card(select(*columns), *texts), columns, shown), *texts)
        self._bodies = {(owner_id, card_id): bodies for owner_id, card_id, *bodies in found}

    def problems_of(self, row: Any) -> Iterator[str]:
        """Yield what is wrong with one of them."""
        if row.data is not None or not row.uid:
            yield "is a connection's and is kept like a private one."
        yield from _overlay(row, self._bodies.get((row.id, row.card_id), ()))
        if row.state in (REMOVED, BLOCKED):
            if row.card_id is not None:
                yield f"is {row.state} and still names a card."
        elif row.state == HIDDEN and row.card_id is None:
            # A member of an organisation, whom the person took off their devices.
            return
        elif (row.id, row.viewer_id) not in self._connected:
            yield f"shows the card of {self._names[row.id]} without a connection."


def _overlay(row: Any, bodies: Sequence[str]) -> Iterator[str]:
    if row.entry_digest != row.digest:
        yield "has a hash that is not that of its overlay."
    if row.content is None:
        return
    try:
        overlays.load(row.content)
    except (InvalidInput, ValueError, TypeError):
        yield "has an overlay that cannot be read."
        return
    if row.digest != overlays.digest_of(row.content):
        yield "has an overlay whose hash is not that of its text."
    for version, body in zip(("3.0", "4.0"), bodies, strict=False):
        with Attempt() as attempt:
            served.held(body, row.content, version, row.uid or "", row.changed_at)
        if attempt.trouble:
            yield f"cannot be served whole in vCard {version}: {attempt.trouble}."


def _private(entry: Any, data: bytes | None) -> Iterator[str]:
    if entry.card_id is not None:
        yield "is private and names a card."
    if entry.state != PRESENT:
        if entry.state != REMOVED or data is not None or entry.uid is not None or entry.entry_digest is not None:
            yield "is deleted and something of it is left."
        return
    if data is None:
        yield "has lost its text."
        return
    if entry.entry_digest != hashlib.sha256(data).hexdigest()[:32]:
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
