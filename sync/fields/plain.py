"""A field as a person would say it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from sync.fields import dates, media
from sync.fields.messaging import handle_of
from sync.fields.single import bare_number
from sync.vcard import Property, split_structured, unescape

if TYPE_CHECKING:
    from sync.fields.content import FieldContent

_KILO = 1024
_SEPARATORS = {"N": " ", "ADR": ", ", "ORG": ", ", "GEO": ", ", "CATEGORIES": ", ", "NICKNAME": ", "}


def plain_text(content: FieldContent) -> str:
    """The value of *content* on one line."""
    main = content.main
    if main.name in media.MEDIA and (data := media.encoded_data(main)) is not None:
        return _inline(main, data)
    if content.kind in ("qq", "msn", "wechat", "im"):
        return handle_of(main)
    if content.kind in ("birthday", "anniversary", "x:x-abdate") and (moment := dates.read(main)):
        return moment.extended() if moment.year else f"--{moment.month}-{moment.day}"
    if main.name == "TEL":
        return bare_number(main)
    if main.name in _SEPARATORS:
        components = [" ".join(filter(None, values)) for values in split_structured(main.value)]
        if main.name in ("CATEGORIES", "NICKNAME"):
            components = split_structured(main.value)[0]
        text = _line(_SEPARATORS[main.name].join(part.strip() for part in components if part.strip()))
        return text or _line(_label_of_address(content))
    return _line(unescape(main.value))


def _label_of_address(content: FieldContent) -> str:
    """The address in one text, which may be all that there is of it."""
    lines = [item.value for item in content.properties[1:] if item.name == "LABEL"]
    return unescape(next(iter((*content.main.parameter("LABEL"), *lines)), "")).replace("\n", ", ")


def _line(text: str) -> str:
    return " ".join(text.split())


def _inline(main: Property, data: str) -> str:
    """The format of inline media and its size, which never is less than 1 kB."""
    octets = len(data) * 3 // 4 - data.count("=", -2)
    return f"{_format(main, data)}, {max(1, round(octets / _KILO))} kB"


def _format(main: Property, data: str) -> str:
    # It takes a while to load, and most cards have no picture.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(media.octets_of(data) or b"")) as image:
            return image.format or main.name.lower()
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return main.name.lower()
