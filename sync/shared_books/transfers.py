"""Moving and copying contacts into a shared book, out of it, and inside of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from sqlalchemy.orm import Session

from sync.books import entry_rows, transfers
from sync.database.engine import all_or_nothing
from sync.errors import Refused
from sync.revisions.address_books import PRESENT, Book
from sync.shared_books import access, layers, past

Place = tuple[Book, str]


def transfer(
    session: Session,
    source: Place,
    target: Place,
    *,
    keep: bool,
    overwrite: bool,
    check: Callable[[str | None], None] = lambda _: None,
) -> bool:
    """
    Do what `sync.books.transfers.transfer` does, where one of the books or both are shared.

    What a writer moves out of a shared book is gone from it for everybody; what a reader has of their own in it they
    may move as any private contact.

    Raises:
        NotFound, Refused, PreconditionFailed, UIDConflict: As that; or a reader would move what is everybody's.
    """
    with all_or_nothing(session), contextlib.ExitStack() as stack:
        places = [_resolved(session, *place) for place in (source, target)]
        by = source[0].viewer_id
        for base in sorted({book for book, _ in places if book.viewer_id != by}, key=lambda book: book.viewer_id):
            stack.enter_context(past.noted(session, base, by))
        return transfers.transfer(session, *places, keep=keep, overwrite=overwrite, check=check)


def _resolved(session: Session, book: Book, name: str) -> Place:
    """Return the very address book that an entry of this name is in, or would be."""
    if book.shared is None:
        return book, name
    book = access.seen_again(session, book)
    base = access.base_of(book)
    there = entry_rows.find(session, base, name)
    is_there = there is not None and there.state == PRESENT
    if not is_there and name in layers.read(session, book).own:
        return access.layer_of(book), name
    if book.shared is not None and book.shared.is_writer:
        return base, name
    if is_there:
        raise Refused("This contact is everybody's; whoever may change the address book can move it.")
    return layers.ensure(session, book), name
