"""Whether two fields say the same, however they are written."""

from __future__ import annotations

from collections.abc import Hashable
from urllib.parse import unquote

from sync.fields import dates, media
from sync.fields.content import FieldContent
from sync.fields.labels import KIND_PARAMETER, LABEL, is_default, plain_label
from sync.fields.single import bare_number
from sync.fields.translate import as_modern
from sync.vcard import Property, split_structured, unescape

_STRUCTURED = frozenset(("N", "ADR", "ORG", "CATEGORIES", "NICKNAME", "GENDER", "CLIENTPIDMAP"))
# The first two every program adds or leaves out as it likes.
_EMPTY_TYPES = frozenset(("voice", "internet", "pref"))
_UNSAID = frozenset(("TYPE", "PREF", "VALUE", "ENCODING", "MEDIATYPE", KIND_PARAMETER, dates.OMITTED))


def same_meaning(one: FieldContent, other: FieldContent) -> bool:
    """Whether both fields have equal content, whatever their version, spelling and order of parameters."""
    return one == other or (one.kind == other.kind and meaning(one) == meaning(other))


def meaning(content: FieldContent) -> Hashable:
    """What *content* says, as a key that two fields share when `same_meaning` is true of them."""
    main, *companions = as_modern(content)
    rest = frozenset(found for item in companions if (found := _companion(item, content.kind)) is not None)
    return content.kind, main.name, _value(main), _parameters(main), rest


def _companion(item: Property, kind: str) -> tuple[str, str] | None:
    if item.name != LABEL:
        return item.name, unescape(item.value)
    label = plain_label(item.value)
    return None if is_default(kind, label) else (LABEL, label)


def _value(item: Property) -> Hashable:
    if item.name in media.MEDIA:
        return media.encoded_data(item) or item.value
    if item.name in _STRUCTURED:
        return _components(item.value)
    if item.name == "TEL":
        return unescape(bare_number(item))
    if item.name == "IMPP":
        return unquote(unescape(item.value))
    return unescape(item.value)


def _components(raw: str) -> Hashable:
    """The components without the empty ones at the end, which nobody agrees how many to write."""
    components = [tuple(values) for values in split_structured(raw)]
    while components and not any(components[-1]):
        components.pop()
    return tuple(components)


def _parameters(item: Property) -> Hashable:
    types = frozenset(item.types() - _EMPTY_TYPES)
    preferred = item.parameter("PREF")
    others = frozenset((name, values) for name, values in item.params if name not in _UNSAID)
    return types, preferred, others
