"""
Which token a device is told by push: the one that it would be given by its address book at that moment.

It is the same text, whatever kind of address book it is: one with members of organisations names their rosters, and a
shared book is more than what its person has of their own in it. Whoever does not see the book any more is told nothing.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from sync.push.messages import BookState
from sync.revisions import address_books
from sync.revisions.address_books import CONTACTS_PATH
from sync.revisions.shared_states import path_of
from sync.shared_books import access


def token_of(session: Session, viewer_id: int, book_id: int, state: BookState) -> str | None:
    """
    Return the token of a state of somebody's address book, None where they do not see it; empty where it is not known.

    In which way a device shows lists depends on its program, which is not asking now.
    """
    shared = path_of(book_id)
    if state.path is None or state.path == shared:
        book = access.find(session, viewer_id, shared)
        return book.sync_token if book is not None else None
    if state.path == CONTACTS_PATH and state.lists is not None:
        return ""
    if state.rosters is None:
        return address_books.sync_token(state.epoch or 0, book_id, state.revision or 0)
    found = address_books.find_book(session, viewer_id, state.path)
    return found.sync_token if found is not None else None
