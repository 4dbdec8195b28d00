"""Properties that clients made up, RFC 4918, 4: as markup, and where they are kept."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from lxml import etree

from radicale_plugin.dav.names import CARD, CS, DAV, element
from radicale_plugin.dav.wanted import Wanted

#: What a property in one of these means is for the standards to say.
_STANDARD = frozenset({DAV, CARD, CS, "urn:ietf:params:xml:ns:caldav"})
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def may_be_kept(name: str) -> bool:
    """Whether a property with this full name can be one that a client made up."""
    return name[1:].partition("}")[0] not in _STANDARD if name.startswith("{") else True


def markup(node: etree._Element) -> str:
    """Return an element as it can stand anywhere, with the language that it is in (RFC 4918, 4.3)."""
    language = language_of(node)
    kept = copy.deepcopy(node)
    etree.strip_tags(kept, etree.Comment, etree.ProcessingInstruction)
    if language:
        kept.set(_LANGUAGE, language)
    return etree.tostring(kept, encoding="unicode", with_tail=False)


def language_of(node: etree._Element) -> str:
    """Return the language that is said of an element, or of what it is in; empty where none is."""
    languages = (each.get(_LANGUAGE) for each in (node, *node.iterancestors()))
    return next((language for language in languages if language), "")


def are_wanted(wanted: Wanted, known: Iterable[str], also: Iterable[str] = ()) -> bool:
    """Whether an answer needs what is kept: *known* are properties that need nothing, *also* such that might."""
    if wanted.every or wanted.names_only:
        return True
    unknown = {name for name in set(wanted.names).difference(known) if may_be_kept(name)}
    return bool(unknown) or not set(also).isdisjoint(wanted.names)


def found(wanted: Wanted, kept: Mapping[str, str], hidden: Iterable[str] = ()) -> dict[str, str]:
    """Return the markup of those of the *kept* that were asked for; those *hidden* come by their names alone."""
    if wanted.names_only:
        return {name: element(name) for name in kept}
    names = set(wanted.names) | ({*kept} - {*hidden} if wanted.every else set())
    return {name: content for name, content in kept.items() if name in names}
