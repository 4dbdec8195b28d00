"""
Bugs to plant in shared books: one of each class by which something leaks, is lost, or comes back.

Each replaces a part of the engine by what a hurried hand might have written. None is in the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sync.books import entry_heads, entry_texts
from sync.books.entry_heads import EntryHead
from sync.database.engine import Session
from sync.revisions.address_books import Book
from sync.revisions.shared_states import READER
from sync.shared_books import access, copies, layers, view
from sync.shared_books.layers import Layer, Touched
from tests.support.machines import Plant


def forget_the_role(patch: pytest.MonkeyPatch) -> None:
    """Tokens stay good when somebody may do something else with the book."""
    patch.setattr(access, "key_of", lambda membership_id, _role: membership_id)


def show_again_what_changed(patch: pytest.MonkeyPatch) -> None:
    """A contact that a reader took off their devices comes back when somebody changes it."""
    shown = view._shown

    def replacement(book: Book, head: EntryHead, touched: Touched | None) -> Iterable[EntryHead]:
        is_newer = touched is not None and touched.is_hidden and head.changed_at > touched.changed_at
        return shown(book, head, None if is_newer else touched)

    patch.setattr(view, "_shown", replacement)


def let_the_last_win(patch: pytest.MonkeyPatch) -> None:
    """What a writer stores who does not know of others' changes takes these back."""
    patch.setattr(copies, "before", lambda *_: None)


def date_the_etag(patch: pytest.MonkeyPatch) -> None:
    """An ETag is the time of the last change."""

    def etag_of(_card: str | None, _own: str | None, changed_at: int) -> str:
        return f'"x-{changed_at:x}"'

    for module in (entry_heads, entry_texts, view):
        patch.setattr(module, "etag_of", etag_of)


def keep_notes_of_writers(patch: pytest.MonkeyPatch) -> None:
    """Who becomes a writer goes on seeing their notes, which they would store for everybody."""
    read = layers.read

    def replacement(session: Session, book: Book, **how: bool) -> Layer:
        shared = book.shared._replace(role=READER) if book.shared is not None else None
        return read(session, book._replace(shared=shared), **how)

    patch.setattr(layers, "read", replacement)


def tell_once(patch: pytest.MonkeyPatch) -> None:
    """What a device was told is taken to have arrived, and not told again."""
    told, changed = set[tuple[int, EntryHead]](), view._changed

    def replacement(session: Session, book: Book, *states: Any) -> Iterator[EntryHead]:
        for head in changed(session, book, *states):
            if (book.viewer_id, head) not in told:
                told.add((book.viewer_id, head))
                yield head

    patch.setattr(view, "_changed", replacement)


PLANTS: tuple[Plant, ...] = (
    forget_the_role,
    show_again_what_changed,
    let_the_last_win,
    date_the_etag,
    keep_notes_of_writers,
    tell_once,
)
