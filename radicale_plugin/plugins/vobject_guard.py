"""
Keeps what clients send away from vobject, which one short line can stop for ever.

Radicale's own PUT reads its body with `radicale.item.read_components`. Importing this module puts a reader in its
place that knows our codec only and hands Radicale a card with nothing but the UID in it. The text itself travels
along and is what is stored.
"""

from __future__ import annotations

import radicale.item
import vobject

from sync.errors import EvercardError
from sync.vcard import parse

#: A capital letter, because vobject takes any attribute without one for a property of the card.
_SOURCE = "Evercard_source"


def read_components(s: str) -> list[vobject.base.Component]:
    """
    Return a harmless vobject card for each card of the text *s*.

    Raises:
        ValueError: It is no vCard, or is larger than any client needs.
    """
    try:
        cards = parse(s)
    except EvercardError as error:
        raise ValueError(str(error)) from error
    components = []
    for card in cards:
        component = vobject.vCard()
        if card.uid:
            component.add("uid").value = card.uid
        component.add("fn").value = "-"
        setattr(component, _SOURCE, s.encode() if len(cards) == 1 else b"")
        components.append(component)
    return components


def source_of(component: vobject.base.Component) -> bytes:
    """Return the bytes that *component* was made of; they are empty when it was not sent alone."""
    source: bytes = getattr(component, _SOURCE, b"")
    return source


radicale.item.read_components = read_components
