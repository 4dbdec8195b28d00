"""
Requests in XML, read within bounds.

Nothing is parsed before it is known to be small in every way that costs: octets, elements, namespaces, depth. A
document type is refused, so there are no entities to expand.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.filter_xml import PropFilter, name_of, read_filter
from radicale_plugin.dav.names import card, dav

#: A client that asks for its whole book by name (vdirsyncer) sends about 100 octets and one element for each of up to
#: 50,000 entries.
MAX_OCTETS = 8 * 1024 * 1024
MAX_HREFS = 50_000
MAX_MARKUP = 2 * MAX_HREFS + 4_000
MAX_NAMESPACES = 200
MAX_DEPTH = 64
MAX_PROPERTIES = 256
_CACHED_OCTETS = 4_096


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which properties a request asks for: *names*, or all (*every*), or only what they are called (*names_only*).

    *card_version* is the vCard version that ``address-data`` was asked for in, and *card_lines* the names of the vCard
    properties that it is to have, in capitals, with whether their values are left out; empty for the whole card.
    """

    names: tuple[str, ...] = ()
    every: bool = False
    names_only: bool = False
    card_version: str = "3.0"
    card_lines: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Propfind:
    """A PROPFIND, RFC 4918, 9.1."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """A sync-collection report, RFC 6578, 3.2. *token* is empty on the first synchronization, *limit* mostly absent."""

    wanted: Wanted
    token: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Multiget:
    """An addressbook-multiget report, RFC 6352, 8.7. *hrefs* as they were sent."""

    wanted: Wanted
    hrefs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """An addressbook-query report, RFC 6352, 8.6. No filter means every entry. *limit* absent means no limit."""

    wanted: Wanted
    filters: tuple[PropFilter, ...]
    all_of: bool
    limit: int | None


Report = SyncCollection | Multiget | Query


def read_propfind(body: bytes) -> Propfind:
    """
    Read the body of a PROPFIND; an empty one asks for all properties.

    Raises:
        DavError: 400 or 413, when it is none or too large.
    """
    if len(body) <= _CACHED_OCTETS:
        return _cached_propfind(body)
    return _propfind(body)


def read_report(body: bytes) -> Report:
    """
    Read the body of a REPORT.

    Raises:
        DavError: 400 or 413, when it is none or too large; 403 with ``DAV:supported-report`` for a report that is not
        known.
    """
    if len(body) <= _CACHED_OCTETS:
        return _cached_report(body)
    return _report(body)


def parse(body: bytes) -> etree._Element:
    """
    Parse a bounded document.

    Raises:
        DavError: 400 when it is no well-formed XML or has a document type, 413 when it is too large.
    """
    if len(body) > MAX_OCTETS or body.count(b"<") > MAX_MARKUP:
        raise DavError(413, "This request is larger than any client needs.")
    if body.count(b"xmlns") > MAX_NAMESPACES:
        raise DavError(400, "The XML of this request declares too many namespaces.")
    if not body.strip():
        raise DavError(400, "This request needs a body in XML.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise DavError(400, "The body of this request is not well-formed XML.") from error
    if root.getroottree().docinfo.doctype:
        raise DavError(400, "The body of this request must not have a document type.")
    _check_depth(root)
    return root


def _check_depth(root: etree._Element) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node]
        if not level:
            return
    raise DavError(400, "The XML of this request is nested too deeply.")


def _propfind(body: bytes) -> Propfind:
    if not body.strip():
        return Propfind(Wanted(every=True))
    root = parse(body)
    if root.tag != dav("propfind"):
        raise DavError(400, "The body of a PROPFIND is a DAV:propfind element.")
    return Propfind(_wanted(root))


def _report(body: bytes) -> Report:
    root = parse(body)
    reader = _REPORTS.get(str(root.tag))
    if reader is None:
        raise DavError(403, "This server does not know this report.", dav("supported-report"))
    return reader(root)


_cached_propfind = functools.lru_cache(maxsize=256)(_propfind)
_cached_report = functools.lru_cache(maxsize=1024)(_report)


def _wanted(root: etree._Element) -> Wanted:
    if root.find(dav("allprop")) is not None:
        return Wanted(every=True)
    if root.find(dav("propname")) is not None:
        return Wanted(names_only=True)
    prop = root.find(dav("prop"))
    if prop is None:
        return Wanted()
    names = tuple(dict.fromkeys(str(child.tag) for child in prop))
    if len(names) > MAX_PROPERTIES:
        raise DavError(400, f"A request may ask for at most {MAX_PROPERTIES} properties.")
    data = prop.find(card("address-data"))
    if data is None:
        return Wanted(names)
    return Wanted(names, card_version=_card_version(data), card_lines=_card_lines(data))


def _card_lines(data: etree._Element) -> tuple[tuple[str, bool], ...]:
    lines = [(name_of(node).upper(), node.get("novalue", "no") == "yes") for node in data.findall(card("prop"))]
    return tuple(dict.fromkeys(lines))


def _limit(root: etree._Element, name: str) -> int | None:
    text = (root.findtext(f"{name}/{name.replace('limit', 'nresults')}") or "").strip()
    if root.find(name) is None:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 10**9):
        raise DavError(400, "The limit of a report is a positive number.")
    return int(text)


def _card_version(data: etree._Element) -> str:
    kind = data.get("content-type", "text/vcard").split(";")[0].strip().lower()
    version = data.get("version", "")
    if kind not in ("text/vcard", "text/x-vcard", "text/directory") or version not in ("", "3.0", "4.0"):
        raise DavError(
            415, "Cards are served as text/vcard, version 3.0 or 4.0.", card("supported-address-data-conversion")
        )
    return version or "3.0"


def _sync_collection(root: etree._Element) -> SyncCollection:
    token = root.find(dav("sync-token"))
    if token is None:
        raise DavError(400, "A sync-collection report has a DAV:sync-token element, which is empty the first time.")
    if (root.findtext(dav("sync-level")) or "1").strip() not in ("1", "infinite"):
        raise DavError(400, "The sync-level of a sync-collection report is 1 or infinite.")
    return SyncCollection(_wanted(root), (token.text or "").strip(), _limit(root, dav("limit")))


def _multiget(root: etree._Element) -> Multiget:
    hrefs = tuple(dict.fromkeys((node.text or "").strip() for node in root.findall(dav("href"))))
    if len(hrefs) > MAX_HREFS:
        raise DavError(413, f"A multiget may name at most {MAX_HREFS} entries.")
    return Multiget(_wanted(root), hrefs)


def _query(root: etree._Element) -> Query:
    filters, all_of = read_filter(root.find(card("filter")))
    return Query(_wanted(root), filters, all_of, _limit(root, card("limit")))


_REPORTS: dict[str, Callable[[etree._Element], Report]] = {
    dav("sync-collection"): _sync_collection,
    card("addressbook-multiget"): _multiget,
    card("addressbook-query"): _query,
}
