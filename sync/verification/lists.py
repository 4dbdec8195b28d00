"""What must be true of groups as lists: what devices that show them are told is what the groups say."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from sync.models import CONTACTS, AddressBook, ListState
from sync.revisions import list_states
from sync.verification.reading import Page, Problem


def lists_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with the lists of the people who have a device that shows them."""
    columns = (ListState.viewer_id, ListState.kind, ListState.id)
    states = page.rows(select(*columns, ListState.revision, ListState.digest, ListState.content), ListState.viewer_id)
    books = select(AddressBook.viewer_id, AddressBook.lists_revision).where(AddressBook.id == CONTACTS)
    reached = page.rows(books, AddressBook.viewer_id)
    for viewer_id in list_states.shown_by(page.session, list(page.logins)):
        last = max((row[0] or 0 for row in reached[viewer_id]), default=0)
        wanted, _ = list_states.told_of(page.session, viewer_id)
        told = {(kind, key): content for kind, key, _, _, content in states[viewer_id] if content}
        if told != wanted:
            yield viewer_id, "Devices are told of lists that are not those of the groups."
        for kind, key, revision, digest, content in states[viewer_id]:
            if revision > last or digest != (None if content is None else list_states.digest_of(content)):
                yield viewer_id, f"The state of the list of the {kind} {key} is not what its book has reached."
