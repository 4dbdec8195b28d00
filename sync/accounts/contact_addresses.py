"""By which numbers and addresses somebody's own contacts can be reached."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.accounts import addresses
from sync.errors import InvalidInput
from sync.models import PrivateCard
from sync.vcard import headlines, unescape

#: How many cards are held in memory at a time.
_BATCH = 100
_CHANNELS = {"EMAIL": addresses.EMAIL, "TEL": addresses.SMS}


def private_cards(session: Session, viewer_id: int) -> Iterator[tuple[int, str]]:
    """Yield the entry and the text of each of a person's own contacts."""
    rows = session.execute(
        select(PrivateCard.entry_id, PrivateCard.data)
        .where(PrivateCard.viewer_id == viewer_id)
        .execution_options(yield_per=_BATCH)
    )
    for entry_id, data in rows:
        yield entry_id, data.decode(errors="replace")


def addresses_of_contact(session: Session, text: str) -> set[tuple[str, str]]:
    """Return channel and normalised value of every number and e-mail address of a card."""
    found = set()
    for line in headlines.lines_of(text, frozenset(_CHANNELS)):
        said = unescape(line.value).removeprefix("tel:").removeprefix("mailto:")
        try:
            found.add((_CHANNELS[line.name], addresses.normalize(session, _CHANNELS[line.name], said)))
        except InvalidInput:
            continue
    return found
