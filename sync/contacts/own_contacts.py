"""A person's own contacts, which nobody else sees: listed, looked for, looked at, and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import Session

from sync.books import entries
from sync.books.entry_rows import PRIVATE
from sync.database.lists import among
from sync.errors import Conflict, NotFound
from sync.models import ContactListKey, Entry, PrivateCard
from sync.queries import paging
from sync.queries.paging import Place, Sorted
from sync.revisions.address_books import PRESENT, books_of
from sync.sorting import list_keys, names
from sync.vcard import headlines

#: How many are on one page.
PAGE = 50
#: Fewer digits than this are in so many numbers that nobody means one by them.
_FEW_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of a person's own. *reach* is a number or an address that it has; both may be empty."""

    entry_id: int
    name: str
    reach: str


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Some contacts: page *number*, counted from 1, of *pages*; *total* are all, and *letters* have pages."""

    contacts: Sequence[Contact]
    number: int
    pages: int
    total: int
    letters: Mapping[str, int]

    @property
    def first(self) -> int | None:
        """What stands first on this page, None for nothing."""
        return self.contacts[0].entry_id if self.contacts else None

    @property
    def last(self) -> int | None:
        """What stands last on this page, None for nothing."""
        return self.contacts[-1].entry_id if self.contacts else None


def page_of(
    session: Session, viewer_id: int, text: str = "", place: int | Place = 1, *, by_number: bool = False
) -> ContactPage:
    """
    Return a page of a person's own contacts, by name, or by number.

    With *text*, only those in whose name, number or address it is; Chinese names also by pinyin. A number beyond the
    last page is the last one.
    """
    place = Place(place) if isinstance(place, int) else place
    cut = paging.cut(_sorted(session, viewer_id, text, by_number=by_number), place, PAGE)
    found = _contacts(session, viewer_id, cut.ids)
    return ContactPage([found[each] for each in cut.ids], cut.number, cut.pages, cut.total, cut.letters)


def everybody(session: Session, viewer_id: int) -> Iterator[Contact]:
    """Yield all of a person's own contacts, by name; some are in memory at a time."""
    ids = _sorted(session, viewer_id, "", by_number=False).every()
    for start in range(0, len(ids), PAGE):
        some = ids[start : start + PAGE]
        found = _contacts(session, viewer_id, some)
        yield from (found[each] for each in some)


def text_of(session: Session, viewer_id: int, entry_id: int) -> tuple[str, str]:
    """
    Return the card of one of a person's own contacts, and the digest of how it is now.

    Raises:
        NotFound: There is no such contact.
    """
    entry = _entry(session, viewer_id, entry_id)
    data = session.scalars(
        select(PrivateCard.data).where(PrivateCard.viewer_id == viewer_id, PrivateCard.entry_id == entry_id)
    ).one()
    return data.decode(errors="replace"), _seen(entry)


def delete(session: Session, viewer_id: int, entry_id: int, seen: str) -> None:
    """
    Delete a contact, which is kept for a while as one that a device deleted.

    Raises:
        NotFound: There is no such contact.
        Conflict: It was changed since *seen*.
    """
    with session.begin_nested():
        entry = _entry(session, viewer_id, entry_id)
        if _seen(entry) != seen:
            raise Conflict("This contact was changed meanwhile. Look at it again.")
        book = next(book for book in books_of(session, viewer_id) if book.id == entry.book_id)
        entries.remove(session, book, entry.href, lambda _etag: None)


def _entry(session: Session, viewer_id: int, entry_id: int) -> Entry:
    entry = session.get(Entry, (viewer_id, entry_id), populate_existing=True)
    if entry is None or entry.kind != PRIVATE or entry.state != PRESENT:
        raise NotFound("There is no such contact.")
    return entry


def _seen(entry: Entry) -> str:
    return entry.digest or ""


def _sorted(session: Session, viewer_id: int, text: str, *, by_number: bool) -> Sorted:
    rows = _LISTED.where(PrivateCard.viewer_id == viewer_id)
    meant = _is_meant(session, text) if text else None
    if by_number:
        return Sorted(session, rows, meant, PrivateCard.entry_id, (_BY_NUMBER, _BY_NAME, PrivateCard.entry_id))
    return Sorted(session, rows, meant, PrivateCard.entry_id, (_BY_NAME, PrivateCard.entry_id), _BY_NAME)


def _is_meant(session: Session, text: str) -> ColumnElement[bool]:
    said = names.fold(text).strip()
    digits = list_keys.digits_of(said)
    meant = [paging.is_called(session, ContactListKey, text), paging.contains(session, ContactListKey.reached, said)]
    if len(digits) >= _FEW_DIGITS:
        meant.append(paging.contains(session, ContactListKey.digits, digits))
    return or_(*meant)


def _contacts(session: Session, viewer_id: int, ids: Collection[int]) -> dict[int, Contact]:
    chosen = select(PrivateCard.entry_id, PrivateCard.data).where(
        PrivateCard.viewer_id == viewer_id, among(session, PrivateCard.entry_id, ids)
    )
    found = {}
    for entry_id, data in session.execute(chosen):
        name, reaches = headlines.headline(data.decode(errors="replace"))
        found[entry_id] = Contact(entry_id, name, "".join(reaches[:1]))
    return found


#: What an earlier release stored is there, but not in its place until it is written anew.
_LISTED = select(PrivateCard.entry_id).outerjoin(
    ContactListKey,
    (ContactListKey.viewer_id == PrivateCard.viewer_id) & (ContactListKey.entry_id == PrivateCard.entry_id),
)
_BY_NAME = func.coalesce(ContactListKey.sort_key, literal(b""))
_BY_NUMBER = func.coalesce(ContactListKey.number_key, literal(list_keys.NO_NUMBER))
