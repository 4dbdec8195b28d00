"""Which properties a request names, RFC 4918, 14.20 and RFC 6352, 10.4."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.filter_xml import name_of
from radicale_plugin.dav.names import card, dav

MAX_PROPERTIES = 256


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which properties a request asks for: *names*, or only what they are called (*names_only*), or all (*every*).

    With *every*, *names* are those that are wanted besides.

    *card_version* is the vCard version that ``address-data`` was asked for in, and *card_lines* the names of the vCard
    properties that it is to have, in capitals, with whether their values are left out; empty for the whole card.
    *says_version* tells whether the request names a version.
    """

    names: tuple[str, ...] = ()
    every: bool = False
    names_only: bool = False
    card_version: str = "3.0"
    card_lines: tuple[tuple[str, bool], ...] = ()
    says_version: bool = False


def read_wanted(root: etree._Element) -> Wanted:
    """
    Return which properties the children of *root* ask for.

    Raises:
        DavError: 400, too many; 415, cards in a format that there is not.
    """
    if root.find(dav("propname")) is not None:
        return Wanted(names_only=True)
    every = root.find(dav("allprop")) is not None
    prop = root.find(dav("include" if every else "prop"))
    if prop is None:
        return Wanted(every=every)
    names = tuple(dict.fromkeys(str(child.tag) for child in prop))
    if len(names) > MAX_PROPERTIES:
        raise too_many()
    data = prop.find(card("address-data"))
    if data is None:
        return Wanted(names, every=every)
    version, lines = _card_version(data), _card_lines(data)
    return Wanted(names, every=every, card_version=version, card_lines=lines, says_version=bool(data.get("version")))


def too_many() -> DavError:
    """Return the refusal of a request that asks for more than any client needs."""
    return DavError(400, f"A request may ask for at most {MAX_PROPERTIES} properties.")


def _card_lines(data: etree._Element) -> tuple[tuple[str, bool], ...]:
    lines = [(name_of(node).upper(), node.get("novalue", "no") == "yes") for node in data.findall(card("prop"))]
    return tuple(dict.fromkeys(lines))


def _card_version(data: etree._Element) -> str:
    kind = data.get("content-type", "text/vcard").split(";")[0].strip().lower()
    version = data.get("version", "")
    if kind not in ("text/vcard", "text/x-vcard", "text/directory") or version not in ("", "3.0", "4.0"):
        # RFC 6352 has the first of these for what cannot be converted in 5.1.1, and the other in 8.6 and 8.7.
        raise DavError(
            415,
            "Cards are served as text/vcard, version 3.0 or 4.0.",
            card("supported-address-data-conversion"),
            also=card("supported-address-data"),
        )
    return version or "3.0"
