"""What people of a household have in common: the kinds of fields of which one may be several people's."""

from __future__ import annotations

from sync.household.pairs import Source

#: Kinds of fields that may be shared: what belongs to a home, and nothing that says who somebody is.
KINDS = frozenset(
    ("mobile", "home-phone", "office-phone", "fax", "phone", "email", "address", "url", "anniversary"),
)
#: Those of them that a whole household has, which is what one means to share most often.
OF_HOME = frozenset(("home-phone", "address"))


def is_sharable(source: Source) -> bool:
    """Whether a field may be shared: it is of such a kind, and its owner says it, not their organisation."""
    return source.kind in KINDS and source.claim is None
