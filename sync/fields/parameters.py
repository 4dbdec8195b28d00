"""The parameters that 3.0 and 4.0 write differently: types, and which one is preferred."""

from __future__ import annotations

from dataclasses import replace

from sync.vcard import Parameters, Property

# Not those of media, which 3.0 expects inline: there a URI has to be named as one.
_URIS = frozenset(("URL", "IMPP", "GEO", "SOURCE", "FBURL", "CALURI", "CALADRURI", "MEMBER", "X-SOCIALPROFILE"))
_TEXTS = frozenset(("TEL", "NOTE", "TITLE", "ROLE", "NICKNAME", "FN", "EMAIL", "HOBBY", "INTEREST", "EXPERTISE"))


def drop(item: Property, *names: str) -> Property:
    """*item* without the parameters called *names*."""
    return replace(item, params=tuple(pair for pair in item.params if pair[0] not in names))


def modern(item: Property) -> Property:
    """*item* with PREF and one TYPE list, as 4.0 has them."""
    if not item.params:
        return item
    types = [value for value in _types(item) if value not in ("pref", "internet")]
    params = _rest(item)
    if types:
        params = (("TYPE", tuple(types)), *params)
    if "pref" in item.types() and not item.parameter("PREF"):
        params = (*params, ("PREF", ("1",)))
    return replace(item, params=params)


def classic(item: Property) -> Property:
    """*item* with one TYPE for each type, as Apple's programs write 3.0."""
    if not item.params:
        return item
    is_first = preference(item) == ("1",)
    types = [value.upper() for value in _types(item) if value != "pref"]
    if is_first or "pref" in item.types():
        types.append("pref")
    rest = tuple(pair for pair in _rest(item) if not (is_first and pair[0] == "PREF"))
    encoding = tuple(pair for pair in rest if pair[0] == "ENCODING")
    named = tuple(("TYPE", (value,)) for value in types)
    return replace(item, params=(*encoding, *named, *(pair for pair in rest if pair[0] != "ENCODING")))


def preference(item: Property) -> tuple[str, ...]:
    """Return the one value of PREF that counts where it is said again, or none."""
    return item.parameter("PREF")[:1]


def _types(item: Property) -> list[str]:
    values = ",".join(item.parameter("TYPE")).lower().split(",")
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))


def _rest(item: Property) -> Parameters:
    """Every parameter but TYPE, and but a VALUE that says what is clear without."""
    return tuple(pair for pair in item.params if pair[0] != "TYPE" and not _is_implied(item.name, pair))


def _is_implied(name: str, pair: tuple[str, tuple[str, ...]]) -> bool:
    if pair[0] != "VALUE":
        return False
    types = [value.lower() for value in pair[1]]
    return (types == ["uri"] and name in _URIS) or (types == ["text"] and name in _TEXTS)
