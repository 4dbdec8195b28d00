"""The request of an expand-property report, RFC 3253, 3.8."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from lxml import etree

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import dav
from radicale_plugin.dav.wanted import MAX_PROPERTIES, too_many

MAX_NESTING = 8


@dataclass(frozen=True, slots=True)
class Expanded:
    """A property that is asked for, and what is asked of the resources that it names."""

    name: str
    inside: tuple[Expanded, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpandProperty:
    """An expand-property report."""

    properties: tuple[Expanded, ...]


def read_expand_property(root: etree._Element) -> ExpandProperty:
    """
    Read the report.

    Raises:
        DavError: 400, it is nested too deeply, asks for too many properties, or for one that cannot be.
    """
    if sum(1 for _ in root.iter(dav("property"))) > MAX_PROPERTIES:
        raise too_many()
    return ExpandProperty(_inside(root, MAX_NESTING))


def _inside(node: etree._Element, levels: int) -> tuple[Expanded, ...]:
    children = node.findall(dav("property"))
    if children and not levels:
        raise DavError(400, f"An expand-property report goes at most {MAX_NESTING} levels deep.")
    read = [Expanded(_name(child), _inside(child, levels - 1)) for child in children]
    return tuple({each.name: each for each in read}.values())


def _name(node: etree._Element) -> str:
    namespace = node.get("namespace", "DAV:")
    try:
        # It comes back as an element, so it must be one that could have been sent as one.
        etree.fromstring(f"<x xmlns={quoteattr(namespace)}/>")
        return etree.QName(namespace or None, node.get("name", "")).text
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DavError(400, "A DAV:property has a name and a namespace that XML allows.") from error
