"""Which programs are known to keep which properties, so that one of these that is missing was deleted. Pure."""

from __future__ import annotations

from sync.vcard import VCard

_PHONETIC = ("X-PHONETIC-FIRST-NAME", "X-PHONETIC-MIDDLE-NAME", "X-PHONETIC-LAST-NAME")
_BOTH = frozenset(("PHOTO", "IMPP", "X-ABDATE", "X-ABRELATEDNAMES", "ANNIVERSARY", "RELATED", *_PHONETIC))
#: By what stands in PRODID: what the program shows, lets people delete, and sends back otherwise.
_KEPT = {
    "-//Apple Inc.//": _BOTH | {"X-SOCIALPROFILE"},
    "//IDN bitfire.at//": _BOTH | {"CATEGORIES", "ROLE"},
}


def kept_by_writer(card: VCard) -> frozenset[str]:
    """Return the names of the properties that the program keeps which wrote *card*; none where it is not known."""
    product = card.first("PRODID")
    said = product.value if product is not None else ""
    return next((names for mark, names in _KEPT.items() if mark in said), frozenset())
