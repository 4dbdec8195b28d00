"""The filter of an addressbook-query in XML, RFC 6352, 10.5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from lxml import etree

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import card

#: Our own parser's elements, or those that Radicale hands to a storage plugin.
Node = etree._Element | ET.Element  # noqa: SLF001 - lxml has no other name for it


#: Every card of an address book is compared with each of them; no client sends more than a few dozen.
_MOST_CONDITIONS = 256
_CONDITIONS = (card("prop-filter"), card("param-filter"), card("text-match"))


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text-match, RFC 6352, 10.5.4."""

    value: str
    collation: str = "i;unicode-casemap"
    match_type: str = "contains"
    negate: bool = False


@dataclass(frozen=True, slots=True)
class ParamFilter:
    """A param-filter, RFC 6352, 10.5.2. *match* absent: the parameter is there, or with *is_not_defined* is not."""

    name: str
    is_not_defined: bool = False
    match: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class PropFilter:
    """A prop-filter, RFC 6352, 10.5.1. *name* may have a group in front."""

    name: str
    all_of: bool = False
    is_not_defined: bool = False
    matches: tuple[TextMatch, ...] = ()
    params: tuple[ParamFilter, ...] = ()


def read_filter(node: Node | None) -> tuple[tuple[PropFilter, ...], bool]:
    """
    Read a ``CR:filter``: its property filters, and whether all of them have to match.

    Raises:
        DavError: 400 or 403, when it is none that is known here.
    """
    if node is None:
        return (), False
    if sum(len(node.findall(f".//{name}")) for name in _CONDITIONS) > _MOST_CONDITIONS:
        raise DavError(400, f"A filter has at most {_MOST_CONDITIONS} conditions.")
    return tuple(_prop_filters(node)), _all_of(node)


def _prop_filters(node: Node) -> Iterator[PropFilter]:
    for child in node.findall(card("prop-filter")):
        yield PropFilter(
            name=name_of(child),
            all_of=_all_of(child),
            is_not_defined=child.find(card("is-not-defined")) is not None,
            matches=tuple(_text_match(match) for match in child.findall(card("text-match"))),
            params=tuple(_param_filter(param) for param in child.findall(card("param-filter"))),
        )


def _param_filter(node: Node) -> ParamFilter:
    match = node.find(card("text-match"))
    return ParamFilter(
        name=name_of(node),
        is_not_defined=node.find(card("is-not-defined")) is not None,
        match=_text_match(match) if match is not None else None,
    )


def name_of(node: Node) -> str:
    """
    Return the name that a node is about.

    Raises:
        DavError: 400, there is none.
    """
    name = node.get("name", "").strip()
    if not name:
        raise DavError(400, "A filter names the property or parameter that it is about.")
    return name


def _all_of(node: Node) -> bool:
    test = node.get("test", "anyof")
    if test not in ("anyof", "allof"):
        raise DavError(403, "The test of a filter is anyof or allof.", card("supported-filter"))
    return test == "allof"


def _text_match(node: Node) -> TextMatch:
    collation = node.get("collation", "i;unicode-casemap")
    if collation == "default":
        collation = "i;unicode-casemap"
    if collation not in ("i;unicode-casemap", "i;ascii-casemap", "i;octet"):
        raise DavError(403, "This collation is not known.", card("supported-collation"))
    match_type = node.get("match-type", "contains")
    if match_type not in ("equals", "contains", "starts-with", "ends-with"):
        raise DavError(403, "This way of matching text is not known.", card("supported-filter"))
    return TextMatch(node.text or "", collation, match_type, node.get("negate-condition", "no") == "yes")
