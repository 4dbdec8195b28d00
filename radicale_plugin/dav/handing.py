"""Noting which cards an answer hands to the device that asked, so that its next PUT can be understood."""

from __future__ import annotations

from radicale_plugin.dav.names import card
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.wanted import Wanted
from sync.books.device_copies import Handed
from sync.books.entries import EntryText
from sync.revisions.shared_states import SHARED, id_of
from sync.shared_books import copies

_CARD = card("address-data")


class Handing:
    """The cards of one answer."""

    def __init__(self, service: Service, request: Request, wanted: Wanted | None = None) -> None:
        """Begin an answer; without *wanted* it has whole cards."""
        self._service = service
        self._caller = request.place.caller
        # A part of a card is nothing that could be put back.
        self._has_cards = wanted is None or (_CARD in wanted.names and not wanted.card_lines)
        self._handed = Handed()
        self._shared = copies.Handed(id_of(request.location.book))

    def card(self, entry: EntryText) -> EntryText:
        """Return *entry*, which is in the answer."""
        if self._has_cards:
            (self._shared if entry.kind == SHARED else self._handed).add(entry)
        return entry

    def note(self) -> None:
        """Write down what was handed over, once the answer is complete."""
        for handed in (self._handed, self._shared):
            handed.note(self._service.database, self._caller.account_id, self._caller.device_id)
