"""A person's own contacts, which nobody else sees: listed, looked for, looked at, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts.contact_addresses import called_at, name_of, private_cards
from sync.books import entries
from sync.books.entry_rows import PRIVATE
from sync.errors import Conflict, NotFound
from sync.models import Entry, PrivateCard
from sync.revisions.address_books import PRESENT, books_of
from sync.sharing import names

#: How many are on one page.
PAGE = 50


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
    letters: dict[str, int]


def page_of(
    session: Session, viewer_id: int, text: str = "", number: int = 1, *, by_number: bool = False
) -> ContactPage:
    """
    Return a page of a person's own contacts, by name, or by number.

    With *text*, only those in whose name, number or address it is; Chinese names also by pinyin. A number beyond the
    last page is the last one. Every card is looked at, so it is for a page that somebody opened.
    """
    listed = [(entry_id, name_of(card), card) for entry_id, card in private_cards(session, viewer_id)]
    found = [Contact(entry_id, name, called_at(card)) for entry_id, name, card in listed if _is_meant(name, card, text)]
    found.sort(key=lambda each: (*names.sorting_key(each.name), each.entry_id))
    if by_number:
        found.sort(key=lambda each: names.number_key(each.reach))
    pages = max(1, -(-len(found) // PAGE))
    number = min(max(1, number), pages)
    letters: dict[str, int] = {}
    for place, each in enumerate(found):
        letters.setdefault(names.letter_of(each.name), place // PAGE + 1)
    return ContactPage(found[(number - 1) * PAGE : number * PAGE], number, pages, len(found), letters)


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


def _is_meant(name: str, card: str, text: str) -> bool:
    wanted = names.fold(text).strip()
    if not wanted or wanted in names.fold(name) or set(names.keys_of_query(text)) & names.keys_of(name):
        return True
    if names.sounds_like(name, text):
        return True
    digits = "".join(filter(str.isdigit, wanted))
    said = called_at(card, all_of_it=True)
    return wanted in said.casefold() or (len(digits) > 2 and digits in "".join(filter(str.isdigit, said)))
