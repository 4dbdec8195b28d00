"""Addresses that are a trap for whoever follows them."""

from __future__ import annotations

from sync.vcard import Property, unescape

#: Properties whose value a program may open when somebody touches it.
_OPENED = frozenset(("URL", "X-SOCIALPROFILE", "SOCIALPROFILE", "IMPP", "CALURI", "CALADRURI", "FBURL", "CONTACT-URI"))
_SCHEMES = ("javascript:", "vbscript:", "data:")


def is_program(item: Property) -> bool:
    """Whether following this address would run something, or show a page that only pretends to be somebody's."""
    return item.name in _OPENED and begins_program(unescape(item.value))


def begins_program(address: str) -> bool:
    """Whether an address is one that no browser should be sent to; it is read as browsers do, without white space."""
    return "".join(address[:200].split()).casefold().startswith(_SCHEMES)
