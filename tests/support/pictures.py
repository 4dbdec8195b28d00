"""Pictures to test with: small, and no two alike."""

from __future__ import annotations

import base64
import io
import random

from PIL import Image, ImageDraw, ImageFilter

from sync.vcard.photos import MAX_OCTETS, MAX_SIDE, normalize


def picture(number: int) -> bytes:
    """Return a JPEG that a profile keeps as it is; another *number* makes another one."""
    image = Image.frombytes("RGB", (8, 8), random.Random(number).randbytes(8 * 8 * 3))
    written = io.BytesIO()
    image.save(written, "JPEG")
    return normalize(written.getvalue())


def encoded(number: int) -> str:
    """Return the picture as the base64 text that a card holds."""
    return base64.b64encode(picture(number)).decode()


def portrait(number: int) -> bytes:
    """Return a JPEG as a camera makes it, smooth and of some size; another *number* makes another one."""
    chance = random.Random(number)
    image = Image.new("RGB", (320, 320), (chance.randrange(256), chance.randrange(256), chance.randrange(256)))
    drawn = ImageDraw.Draw(image)
    for _ in range(6):
        left, top, size = chance.randrange(240), chance.randrange(240), chance.randrange(40, 160)
        colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        drawn.ellipse((left, top, left + size, top + size), fill=colour)
    written = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(6)).save(written, "JPEG", quality=90)
    return normalize(written.getvalue())


def largest() -> bytes:
    """Return a JPEG of nearly as many octets as a photo may have, which nothing makes smaller: all of it is noise."""
    image = Image.frombytes("RGB", (MAX_SIDE, MAX_SIDE), random.Random(0).randbytes(MAX_SIDE * MAX_SIDE * 3))
    written = io.BytesIO()
    for quality in range(90, 0, -1):
        written = io.BytesIO()
        image.save(written, "JPEG", quality=quality)
        if written.tell() <= MAX_OCTETS:
            break
    return normalize(written.getvalue())
