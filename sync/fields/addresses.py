"""Addresses that are a trap for whoever follows them."""

from __future__ import annotations

from sync.vcard import Property, unescape

#: Properties whose value nothing opens: what stands there is read by people.
_TEXTS = frozenset(
    (
        *("FN", "N", "NICKNAME", "NOTE", "ORG", "TITLE", "ROLE", "ADR", "LABEL", "CATEGORIES"),
        *("HOBBY", "INTEREST", "EXPERTISE", "X-ABLABEL"),
    )
)
#: Properties that a program may open when somebody touches them, so that none of them is a page by itself.
_OPENED = frozenset(
    (
        *("URL", "X-SOCIALPROFILE", "SOCIALPROFILE", "IMPP", "CALURI", "CALADRURI", "FBURL", "CONTACT-URI", "EMAIL"),
        *("TEL", "RELATED", "X-ABRELATEDNAMES", "ORG-DIRECTORY", "SOURCE", "MEMBER"),
    )
)
_RUN = ("javascript:", "vbscript:")
_SCHEMES = (*_RUN, "data:")


def is_program(item: Property) -> bool:
    """Whether following this address would run something, or show a page that only pretends to be somebody's."""
    if item.name in _TEXTS:
        return False
    return _begins(unescape(item.value), _SCHEMES if item.name in _OPENED else _RUN)


def begins_program(address: str) -> bool:
    """Whether an address is one that no browser should be sent to; it is read as browsers do, without white space."""
    return _begins(address, _SCHEMES)


def _begins(address: str, schemes: tuple[str, ...]) -> bool:
    return "".join(address[:200].split()).casefold().startswith(schemes)
