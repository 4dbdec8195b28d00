"""Pictures, sounds and keys: inline in two syntaxes, or somewhere else."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote, unquote_to_bytes

from sync.errors import InvalidInput, InvalidVCard
from sync.vcard import Parameters, Property
from sync.vcard.photos import normalize

MEDIA = {"PHOTO": "image", "LOGO": "image", "SOUND": "audio", "KEY": "application"}
TRACKING = frozenset(("PHOTO", "LOGO", "SOUND"))
"""What a client fetches by itself when it stands somewhere else, telling whoever runs that place about it."""

_DATA = re.compile(r"data:([^,;]*+)((?:;[^,;]*+)*+),", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")
_SHORT = {"application/pgp-keys": "PGP", "application/pkix-cert": "X509", "application/x-x509-user-cert": "X509"}
_LONG = {"PGP": "application/pgp-keys", "X509": "application/pkix-cert", "JPG": "image/jpeg"}
_PLACES = frozenset(("home", "work", "pref"))
_UNKNOWN = "application/octet-stream"
_URL_SAFE = str.maketrans("-_", "+/")


def encoded_data(item: Property) -> str | None:
    """The base64 text that *item* holds inline, or None where its value is something else."""
    if _is_encoded(item.params):
        return "".join(item.value.split())
    found = _DATA.match(item.value)
    if found is None:
        return None
    rest = item.value[found.end() :]
    if ";base64" in found[2].lower():
        # Whoever builds URIs by the book escapes the "+" and "=" of base64.
        return "".join((unquote(rest) if "%" in rest else rest).split())
    return base64.b64encode(unquote_to_bytes(rest)).decode()


def octets_of(data: str | None) -> bytes | None:
    """
    The octets that the base64 text *data* says, None where it is none.

    What is wrong with a text that a client sent is not known beforehand: a letter outside the alphabet, a wrong length,
    or no ASCII at all. None of it may reach whoever only wanted to look.
    """
    text = "" if data is None else "".join(data.split()).rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) if text else None
    except ValueError:
        return None


def is_remote(item: Property) -> bool:
    """Whether showing *item* would make a client ask some other server for it."""
    return item.name in TRACKING and encoded_data(item) is None


def as_data_uri(item: Property) -> Property:
    """Write inline *item* as the data URI of 4.0."""
    data = encoded_data(item)
    if data is None:
        return Property("", item.name, _without(item.params, "VALUE", only="uri"), item.value)
    media = _media_type(item)
    return Property("", item.name, _other_parameters(item), f"data:{media};base64,{data}")


def as_encoded(item: Property) -> Property:
    """Write inline *item* as the base64 of 3.0, and name a URI as one."""
    data = encoded_data(item)
    if data is None:
        known = item.parameter("VALUE") or not _SCHEME.match(item.value)
        return item if known else Property("", item.name, (*item.params, ("VALUE", ("uri",))), item.value)
    media = _media_type(item)
    family, _, subtype = media.partition("/")
    short = _SHORT.get(media) or (subtype.upper() if family == MEDIA[item.name] else "")
    named = ("TYPE", (short,)) if short else ("MEDIATYPE", (media,))
    return Property("", item.name, (("ENCODING", ("b",)), named, *_other_parameters(item)), data)


def normal_photo(item: Property, version: str) -> Property:
    """*item* with its inline picture normalised; one that stands elsewhere is returned as it is."""
    data = encoded_data(item)
    if data is None:
        if _SCHEME.match(item.value):
            return item
        data = "".join(item.value.split())
    octets = octets_of(data)
    if octets is None:
        raise InvalidVCard("The photo is not base64 text.", item.line)
    try:
        picture = normalize(octets)
    except InvalidInput as error:
        raise InvalidVCard(str(error), item.line) from error
    except ValueError as error:
        raise InvalidVCard("The photo is not base64 text.", item.line) from error
    kept = _other_parameters(item)
    if picture != octets:
        # The rectangle counts pixels of the picture that was.
        kept = _without(kept, "X-ABCROP-RECTANGLE")
    return photo(picture, version, kept, item.line)


def photo(picture: bytes, version: str, params: Parameters = (), line: int = 0) -> Property:
    """The PHOTO property that holds the JPEG *picture*."""
    data = base64.b64encode(picture).decode()
    if version == "4.0":
        return Property("", "PHOTO", params, f"data:image/jpeg;base64,{data}", line)
    return Property("", "PHOTO", (("ENCODING", ("b",)), ("TYPE", ("JPEG",)), *params), data, line)


def _is_encoded(params: Parameters) -> bool:
    return any(name == "ENCODING" and values and values[0].upper() in ("B", "BASE64") for name, values in params)


def _media_type(item: Property) -> str:
    found = _DATA.match(item.value)
    if found is not None and not _is_encoded(item.params):
        return found[1].lower() or _UNKNOWN
    for media in item.parameter("MEDIATYPE"):
        return media.lower()
    for kind in item.parameter("TYPE"):
        if kind.lower() not in _PLACES:
            return _LONG.get(kind.upper()) or (kind.lower() if "/" in kind else f"{MEDIA[item.name]}/{kind.lower()}")
    return _UNKNOWN


def _other_parameters(item: Property) -> Parameters:
    kept: list[tuple[str, tuple[str, ...]]] = []
    for name, values in item.params:
        if name == "TYPE":
            values = tuple(value for value in values if value.lower() in _PLACES)  # noqa: PLW2901 - the rest was the format
        if values and name not in ("ENCODING", "MEDIATYPE", "VALUE"):
            kept.append((name, values))
    return tuple(kept)


def _without(params: Parameters, name: str, *, only: str = "") -> Parameters:
    return tuple(
        pair for pair in params if pair[0] != name or (only and [value.lower() for value in pair[1]] != [only])
    )
