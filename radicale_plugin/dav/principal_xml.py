"""The requests of the reports about principals, RFC 3744, 9.2 to 9.5."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import dav
from radicale_plugin.dav.wanted import MAX_PROPERTIES, Wanted, read_wanted, too_many


@dataclass(frozen=True, slots=True)
class AclPrincipals:
    """An acl-principal-prop-set report. Without *wanted*, only which principals there are."""

    wanted: Wanted | None


@dataclass(frozen=True, slots=True)
class PrincipalMatch:
    """A principal-match report for resources whose *name* names the caller; an empty one is for the caller itself."""

    wanted: Wanted | None
    name: str


@dataclass(frozen=True, slots=True)
class PrincipalSearch:
    """
    A principal-property-search report. All of *criteria*, a property and a text each, must match.

    *everywhere* searches the collections of principals in place of the resource that was named.
    """

    wanted: Wanted | None
    criteria: tuple[tuple[str, str], ...]
    everywhere: bool


@dataclass(frozen=True, slots=True)
class SearchableProperties:
    """A principal-search-property-set report."""


def read_acl_principals(root: etree._Element) -> AclPrincipals:
    """Read the report."""
    return AclPrincipals(_optional(root))


def read_principal_match(root: etree._Element) -> PrincipalMatch:
    """
    Read the report.

    Raises:
        DavError: 400, it says neither self nor which property.
    """
    if root.find(dav("self")) is not None:
        return PrincipalMatch(_optional(root), "")
    named = root.find(f"{dav('principal-property')}/*")
    if named is None:
        raise DavError(400, "A principal-match report has DAV:self, or a property in DAV:principal-property.")
    return PrincipalMatch(_optional(root), str(named.tag))


def read_principal_search(root: etree._Element) -> PrincipalSearch:
    """
    Read the report.

    Raises:
        DavError: 400, it searches for nothing, or in too many properties.
    """
    criteria: list[tuple[str, str]] = []
    for search in root.findall(dav("property-search")):
        match, named = search.find(dav("match")), search.findall(f"{dav('prop')}/*")
        if match is None or not named:
            raise DavError(400, "A DAV:property-search has properties in DAV:prop, and a DAV:match.")
        criteria += [(str(node.tag), (match.text or "").strip()) for node in named]
    if not criteria:
        raise DavError(400, "A principal-property-search report has a DAV:property-search.")
    if len(criteria) > MAX_PROPERTIES:
        raise too_many()
    everywhere = root.find(dav("apply-to-principal-collection-set")) is not None
    return PrincipalSearch(_optional(root), tuple(criteria), everywhere)


def read_searchable_properties(_: etree._Element) -> SearchableProperties:
    """Read the report; there is nothing in it."""
    return SearchableProperties()


def _optional(root: etree._Element) -> Wanted | None:
    if len(root.findall(dav("prop"))) > 1:
        raise DavError(400, "This report has one DAV:prop at most.")
    return read_wanted(root) if root.find(dav("prop")) is not None else None
