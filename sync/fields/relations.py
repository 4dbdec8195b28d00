"""Related people: RELATED of 4.0 has types, X-ABRELATEDNAMES of Apple has labels."""

from __future__ import annotations

import re
from dataclasses import replace

from sync.fields.parameters import drop
from sync.vcard import Property

_APPLE = frozenset(("spouse", "child", "parent", "friend", "sibling"))
RELATIONS = _APPLE | frozenset(
    (
        "contact",
        "acquaintance",
        "met",
        "co-worker",
        "colleague",
        "co-resident",
        "neighbor",
        "kin",
        "muse",
        "crush",
        "date",
        "sweetheart",
        "me",
        "agent",
        "emergency",
    )
)
"""What somebody is to somebody, in the words of RFC 6350 (RELATED), which Apple's labels share."""
#: Properties that are as old as the programs, with the types or labels that they mean.
RELATIVES = {"X-SPOUSE": "Spouse", "X-MANAGER": "Manager", "X-ASSISTANT": "Assistant"}
_SCHEME = re.compile(r"(?:urn|https?|mailto|tel|data|file|ftp):", re.IGNORECASE)


def relation_label(item: Property, *, apple: bool = False) -> str:
    """The label that the type of *item* stands for; with *apple* in the brackets of those that Apple translates."""
    kind = next((kind for kind in sorted(item.types()) if kind in RELATIONS), "")
    if kind not in _APPLE:
        return kind
    return f"_$!<{kind.capitalize()}>!$_" if apple else kind.capitalize()


def as_related(item: Property, label: str) -> Property:
    """Write *item*, a relation in any form, labelled *label*, as RELATED."""
    return item if item.name == "RELATED" else modern_relation(item, label or RELATIVES.get(item.name, ""))


def modern_relation(item: Property, label: str) -> Property:
    """Write *item*, labelled *label*, as RELATED."""
    if not item.parameter("VALUE") and not _SCHEME.match(item.value):
        item = replace(item, params=(*item.params, ("VALUE", ("text",))))
    if label.casefold() in RELATIONS:
        others = tuple(value for value in item.parameter("TYPE") if value.lower() != label.casefold())
        item = replace(item, params=(("TYPE", (label.casefold(), *others)), *drop(item, "TYPE").params))
    return replace(item, name="RELATED")


def classic_relation(item: Property, *, labelled: bool) -> Property:
    """Write *item* as X-ABRELATEDNAMES; the type becomes its label, if it is not *labelled* by something else."""
    told = "" if labelled else relation_label(item).casefold()
    types = tuple(value for value in ",".join(item.parameter("TYPE")).split(",") if value and value.lower() != told)
    value_type = [value.lower() for value in item.parameter("VALUE")]
    item = drop(item, "TYPE", "VALUE") if value_type == ["text"] else drop(item, "TYPE")
    if not value_type and _SCHEME.match(item.value):
        item = replace(item, params=(*item.params, ("VALUE", ("uri",))))
    return replace(item, name="X-ABRELATEDNAMES", params=((("TYPE", types),) if types else ()) + item.params)
