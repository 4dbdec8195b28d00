"""Whether two fields say the same, however they are written."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from urllib.parse import unquote

from sync.errors import InvalidInput
from sync.fields import dates, media, values
from sync.fields.collect import fields_of
from sync.fields.content import FieldContent, remembered
from sync.fields.labels import KIND_PARAMETER, LABEL, is_default, plain_label
from sync.fields.parameters import preference
from sync.fields.single import bare_number, modern_gender
from sync.fields.translate import canonical
from sync.vcard import Property, parse_one, split_structured, unescape

_STRUCTURED = frozenset(("N", "ADR", "ORG", "CATEGORIES", "NICKNAME", "CLIENTPIDMAP"))
_ADDRESSES = frozenset(
    (
        "URL",
        "X-SOCIALPROFILE",
        "SOCIALPROFILE",
        "FBURL",
        "CALURI",
        "CALADRURI",
        "SOURCE",
        "MEMBER",
        "RELATED",
        "ORG-DIRECTORY",
        "CONTACT-URI",
    )
)
# The first two every program adds or leaves out as it likes.
_EMPTY_TYPES = frozenset(("voice", "internet", "pref"))
_UNSAID = frozenset(("TYPE", "PREF", "VALUE", "ENCODING", "MEDIATYPE", KIND_PARAMETER, dates.OMITTED))


def same_meaning(one: FieldContent, other: FieldContent) -> bool:
    """Whether both fields have equal content, whatever their version, spelling and order of parameters."""
    return one is other or one == other or (one.kind == other.kind and meaning(one) == meaning(other))


@remembered
def meaning(content: FieldContent) -> Hashable:
    """What *content* says, as a key that two fields share when `same_meaning` is true of them."""
    main, *companions = canonical(content)
    rest = frozenset(found for item in companions if (found := _companion(item, content.kind)) is not None)
    value = () if main.name == "ADR" and _is_undivided(main) else _value(main)
    return content.kind, main.name, value, _parameters(main), rest


def _said(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if name == "LABEL":
        return (unescape(",".join(values)),)
    # 3.0 has one text for all that a name is sorted by.
    return (",".join(values),) if name == "SORT-AS" else values


def _companion(item: Property, kind: str) -> tuple[str, str] | None:
    if item.name != LABEL:
        return item.name, unescape(item.value)
    label = plain_label(item.value)
    return None if is_default(kind, label) else (LABEL, label)


def _value(item: Property) -> Hashable:
    reader = _READERS.get(item.name, _text)
    return reader(item)


def _text(item: Property) -> Hashable:
    text = unescape(item.value)
    # A text may well begin with a word and a colon.
    return values.uri(text) if item.name in _ADDRESSES or "://" in text else text


def _media(item: Property) -> Hashable:
    return values.octets(item) or values.uri(unescape(item.value))


def _position(item: Property) -> Hashable:
    place = values.position(item.value)
    # What else is said of a position stays as it is said.
    return (place, unescape(item.value).partition(";u=")[2]) if place else _text(item)


def _zone(item: Property) -> Hashable:
    minutes = values.offset(unescape(item.value))
    return _text(item) if minutes is None else minutes


def _agent(item: Property) -> Hashable:
    """What the card inside says, in whatever order; what stands there is a text otherwise."""
    try:
        return frozenset(meaning(content) for content in fields_of(parse_one(unescape(item.value))))
    except InvalidInput:
        return _text(item)


def _components(raw: str) -> Hashable:
    """The components without the empty ones at the end, which nobody agrees how many to write."""
    components = [tuple(values) for values in split_structured(raw)]
    while components and not any(components[-1]):
        components.pop()
    return tuple(components)


def _is_undivided(item: Property) -> bool:
    """Whether an address is only its label, which 3.0 has in the place of the street as well."""
    label = unescape(",".join(item.parameter("LABEL")))
    return bool(label) and _components(item.value) in ((), (("",), ("",), (label,)))


def _parameters(item: Property) -> Hashable:
    types = frozenset(item.types() - _EMPTY_TYPES)
    preferred = preference(item)
    others = frozenset((name, _said(name, values)) for name, values in item.params if name not in _UNSAID)
    return types, preferred, others


_READERS: dict[str, Callable[[Property], Hashable]] = {
    **dict.fromkeys(media.MEDIA, _media),
    **dict.fromkeys(_STRUCTURED, lambda item: _components(item.value)),
    "TEL": lambda item: unescape(bare_number(item)),
    "IMPP": lambda item: unquote(unescape(item.value)),
    "GEO": _position,
    "GENDER": lambda item: _components(modern_gender(item).value),
    "TZ": _zone,
    "AGENT": _agent,
}
