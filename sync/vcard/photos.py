"""
Pictures as every client can show them and nobody can be traced by: small JPEG without metadata.

What works on pictures takes a while to load, and is loaded with the first picture (`sync.vcard.pictures`).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from sync.errors import InvalidInput

MAX_SIDE = 512
MAX_OCTETS = 168 * 1024
"""As text they are 224 kB, so that what else a card says fits beside them into what devices may send."""
MAX_ZOOM = 4.0

_RECENT: OrderedDict[bytes, bytes | str] = OrderedDict()
_MOST_RECENT = 8


@dataclass(frozen=True, slots=True)
class Square:
    """
    The square to be cut out of a picture that stands upright.

    It is the largest that fits, divided by *zoom* (1 to `MAX_ZOOM`). *across* and *down* say where it lies, from 0, at
    the left or the top, to 1.
    """

    across: float = 0.5
    down: float = 0.5
    zoom: float = 1.0

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of the square in a picture of this size, in pixels."""
        side = max(1, round(min(width, height) / min(max(self.zoom, 1.0), MAX_ZOOM)))
        left = round((width - side) * min(max(self.across, 0.0), 1.0))
        top = round((height - side) * min(max(self.down, 0.0), 1.0))
        return left, top, left + side, top + side


def normalize(data: bytes, square: Square | None = None) -> bytes:
    """
    Make *data* a JPEG of at most 512 pixels a side and 168 kB, upright and without metadata; or a *square* of it.

    What is already one is returned unchanged. Raises `InvalidInput` for what is no picture, or one of too many pixels.
    What became of the last few is remembered, but for squares: it takes long, and is asked for before the database is
    locked for a card and then again.
    """
    from sync.vcard import pictures

    if square is not None:
        return pictures.normalize(data, square)
    key = hashlib.sha256(data).digest()
    made = _RECENT.get(key) or _made_of(data)
    _RECENT[key] = made
    if len(_RECENT) > _MOST_RECENT:
        _RECENT.popitem(last=False)
    if isinstance(made, str):
        raise InvalidInput(made)
    return made


def _made_of(data: bytes) -> bytes | str:
    """Return what `normalize` makes of a picture, or why it makes nothing of it."""
    from sync.vcard import pictures

    try:
        return pictures.normalize(data)
    except InvalidInput as error:
        return str(error)


def thumbnail(data: bytes, side: int) -> bytes:
    """
    Return the JPEG *data* with at most *side* pixels a side, for lists.

    Raises `InvalidInput` for what is no JPEG, or one of too many pixels.
    """
    from sync.vcard import pictures

    return pictures.thumbnail(data, side)


def is_copy(one: bytes, other: bytes) -> bool:
    """
    Whether two pictures, each as `normalize` returns it, are one that a program compressed anew or made smaller.

    No area of 16 by 16 pixels differs by what anybody would see: a retouched picture, or another cut, is another one.
    Nothing is said of pictures of less than 64 pixels.
    """
    if one == other:
        return True
    from sync.vcard import pictures

    return pictures.is_copy(one, other)
