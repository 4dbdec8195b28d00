"""Groups as categories: what a connected person's card says besides to a device that shows its person's groups so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select

from sync.books import overlays
from sync.books.etags import changed_at_of
from sync.fields import FieldContent
from sync.models import Entry, ListState
from sync.revisions.address_books import Book
from sync.revisions.list_states import CATEGORIES, PERSON
from sync.vcard import Property, join_structured


class Groups(NamedTuple):
    """The groups that somebody is in, a line each in *content*; *digest* is its hash, *changed_at* its last change."""

    digest: str
    changed_at: int
    content: str

    @property
    def names(self) -> list[str]:
        """The names of the groups."""
        return self.content.split("\n") if self.content else []

    def etag(self, plain: str) -> str:
        """Return the ETag of an entry that says these, given the one that it has without them."""
        head = plain.strip('"').rpartition("-")[0]
        return f'"{head}{self.digest}-{self.changed(changed_at_of(plain)):x}"'

    def changed(self, changed_at: int) -> int:
        """Return the time of the last change of an entry that says these."""
        return max(changed_at, self.changed_at)

    def overlay(self, own: str | None) -> str | None:
        """Return *own*, what the viewer added to the card, with the groups among the categories."""
        if not self.content:
            return own
        said = Property("", "CATEGORIES", (), join_structured([self.names]))
        added = FieldContent("categories", "3.0", (said,))
        return overlays.dump([*(overlays.load(own) if own is not None else ()), added])


def are_shown(book: Book) -> bool:
    """Whether the device that asks for *book* shows groups as categories."""
    return book.lists is not None and book.lists.way == CATEGORIES


def theirs(entry: type[Entry]) -> ColumnElement[bool]:
    """Whether a row of `ListState` says which groups the person of an *entry* is in."""
    return (ListState.viewer_id == entry.viewer_id) & (ListState.kind == PERSON) & (ListState.id == entry.id)


def joined(statement: Select[*tuple[Any, ...]], entry: type[Entry] = Entry) -> Select[*tuple[Any, ...]]:
    """Let a statement about entries have at its end the columns of `Groups`, for `groups_of`."""
    told = statement.add_columns(ListState.digest, ListState.changed_at, ListState.content)
    return told.outerjoin(ListState, theirs(entry))


def groups_of(columns: Sequence[Any]) -> Groups | None:
    """Return what the columns of `joined` say, None where they are not there or there is nothing."""
    return Groups(*columns) if columns and columns[0] is not None else None
