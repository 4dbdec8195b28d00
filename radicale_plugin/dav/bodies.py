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
from radicale_plugin.dav.expand_xml import ExpandProperty, read_expand_property
from radicale_plugin.dav.filter_xml import PropFilter, read_filter
from radicale_plugin.dav.names import card, dav
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.principal_xml import (
    AclPrincipals,
    PrincipalMatch,
    PrincipalSearch,
    SearchableProperties,
    read_acl_principals,
    read_principal_match,
    read_principal_search,
    read_searchable_properties,
)
from radicale_plugin.dav.supported import REPORTS
from radicale_plugin.dav.wanted import Wanted, read_wanted

#: A client that asks for its whole book by name (vdirsyncer) sends about 100 octets and one element for each of up to
#: 50,000 entries.
MAX_OCTETS = 8 * 1024 * 1024
MAX_HREFS = 50_000
MAX_MARKUP = 2 * MAX_HREFS + 4_000
MAX_NAMESPACES = 200
MAX_DEPTH = 64
_CACHED_OCTETS = 4_096


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


BookReport = SyncCollection | Multiget | Query
PrincipalReport = AclPrincipals | PrincipalMatch | PrincipalSearch | SearchableProperties
Report = BookReport | ExpandProperty | PrincipalReport


def read_propfind(body: bytes) -> Propfind:
    """
    Read the body of a PROPFIND; an empty one asks for all properties.

    Raises:
        DavError: 400 or 413, when it is none or too large.
    """
    if len(body) <= _CACHED_OCTETS:
        return _cached_propfind(body)
    return _propfind(body)


def read_report(body: bytes, kind: Kind) -> Report:
    """
    Read the body of a REPORT on a resource of this kind.

    Raises:
        DavError: 400 or 413, when it is none or too large; 403 with ``DAV:supported-report`` for a report that the
        resource does not answer.
    """
    if len(body) <= _CACHED_OCTETS:
        return _cached_report(body, kind)
    return _report(body, kind)


def parse(body: bytes) -> etree._Element:
    """
    Parse a bounded document.

    Raises:
        DavError: 400 when it is no well-formed XML or has a document type, 403 ``no-external-entities``, 413 when it
        is too large.
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
    _check_doctype(root.getroottree().docinfo)
    _check_depth(root)
    return root


def _check_doctype(info: etree.DocInfo) -> None:
    if not info.doctype:
        return
    entities = info.internalDTD.iterentities() if info.internalDTD is not None else ()
    if info.system_url or any(entity.system_url for entity in entities):
        raise DavError(403, "The body of this request must not name other documents.", dav("no-external-entities"))
    raise DavError(400, "The body of this request must not have a document type.")


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
    return Propfind(read_wanted(root))


def _report(body: bytes, kind: Kind) -> Report:
    root = parse(body)
    if root.tag not in REPORTS[kind]:
        raise DavError(403, "This resource answers no such report.", dav("supported-report"))
    return _READERS[str(root.tag)](root)


_cached_propfind = functools.lru_cache(maxsize=256)(_propfind)
_cached_report = functools.lru_cache(maxsize=1024)(_report)


def _limit(root: etree._Element, name: str, least: int = 1) -> int | None:
    text = (root.findtext(f"{name}/{name.replace('limit', 'nresults')}") or "").strip()
    if root.find(name) is None:
        return None
    if not (text.isascii() and text.isdecimal() and least <= int(text) < 10**9):
        raise DavError(400, f"The limit of this report is a number, from {least} on.")
    return int(text)


def _sync_collection(root: etree._Element) -> SyncCollection:
    token = root.find(dav("sync-token"))
    if token is None:
        raise DavError(400, "A sync-collection report has a DAV:sync-token element, which is empty the first time.")
    if (root.findtext(dav("sync-level")) or "1").strip() not in ("1", "infinite"):
        raise DavError(400, "The sync-level of a sync-collection report is 1 or infinite.")
    return SyncCollection(read_wanted(root), (token.text or "").strip(), _limit(root, dav("limit")))


def _multiget(root: etree._Element) -> Multiget:
    hrefs = tuple(dict.fromkeys((node.text or "").strip() for node in root.findall(dav("href"))))
    if len(hrefs) > MAX_HREFS:
        raise DavError(413, f"A multiget may name at most {MAX_HREFS} entries.")
    return Multiget(read_wanted(root), hrefs)


def _query(root: etree._Element) -> Query:
    filters, all_of = read_filter(root.find(card("filter")))
    return Query(read_wanted(root), filters, all_of, _limit(root, card("limit"), least=0))


_READERS: dict[str, Callable[[etree._Element], Report]] = {
    dav("sync-collection"): _sync_collection,
    card("addressbook-multiget"): _multiget,
    card("addressbook-query"): _query,
    dav("expand-property"): read_expand_property,
    dav("acl-principal-prop-set"): read_acl_principals,
    dav("principal-match"): read_principal_match,
    dav("principal-property-search"): read_principal_search,
    dav("principal-search-property-set"): read_searchable_properties,
}
