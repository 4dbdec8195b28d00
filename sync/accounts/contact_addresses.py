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
#: A shorter number is one within a house, or a service that everybody calls.
_LEAST_DIGITS = 7
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
    return {(channel, value) for channel, value, is_normal in _said(session, text) if is_normal}


def keys_of_contact(session: Session, text: str) -> set[tuple[str, str]]:
    """
    Return the same, and the digits of numbers of which nobody knows the country.

    By these, one's own contacts can be compared with each other, and with nobody else's.
    """
    return {(channel, value) for channel, value, _is_normal in _said(session, text)}


def _said(session: Session, text: str) -> Iterator[tuple[str, str, bool]]:
    for line in headlines.lines_of(text, frozenset(_CHANNELS)):
        channel, said = _CHANNELS[line.name], unescape(line.value).removeprefix("tel:").removeprefix("mailto:")
        try:
            yield channel, addresses.normalize(session, channel, said), True
        except InvalidInput:
            digits = "".join(filter(str.isdecimal, addresses.plain(said)))
            if channel == addresses.SMS and len(digits) >= _LEAST_DIGITS:
                yield channel, digits, False
