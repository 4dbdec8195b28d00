"""Photos, drawn: initials on a colour."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

_SIDE = 256


def photo(initials: str, colour: str) -> bytes:
    """Return a small square JPEG."""
    image = Image.new("RGB", (_SIDE, _SIDE), colour)
    draw = ImageDraw.Draw(image)
    draw.ellipse((16, 16, _SIDE - 16, _SIDE - 16), outline="white", width=4)
    draw.text((_SIDE / 2, _SIDE / 2), initials, "white", ImageFont.load_default(96), anchor="mm")
    written = io.BytesIO()
    image.save(written, "JPEG", quality=85)
    return written.getvalue()
