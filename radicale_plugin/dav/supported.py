"""Which reports each kind of resource answers: what is told and what is done come from the same table."""

from __future__ import annotations

from collections.abc import Mapping

from radicale_plugin.dav.names import card, dav, element
from radicale_plugin.dav.paths import Kind

_ANYWHERE = (dav("expand-property"), dav("acl-principal-prop-set"))
_OF_CARDS = (card("addressbook-multiget"), card("addressbook-query"))
_COLLECTION = (
    *_ANYWHERE,
    dav("principal-match"),
    dav("principal-property-search"),
    dav("principal-search-property-set"),
)
REPORTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.ROOT: _COLLECTION,
    Kind.PRINCIPAL: _COLLECTION,
    Kind.BOOK: (dav("sync-collection"), *_OF_CARDS, *_COLLECTION),
    Kind.ENTRY: (*_OF_CARDS, *_ANYWHERE),
    # It is there to be searched, and nobody can read it through.
    Kind.DIRECTORY: (card("addressbook-query"),),
}
#: The content of ``supported-report-set`` (RFC 3253, 3.1.5).
REPORT_SETS: Mapping[Kind, str] = {
    kind: "".join(element(dav("supported-report"), element(dav("report"), element(name))) for name in names)
    for kind, names in REPORTS.items()
}
