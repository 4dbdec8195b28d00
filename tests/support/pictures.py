"""Pictures to test with: small, and no two alike."""

from __future__ import annotations

import base64
import io
import random

from PIL import Image

from sync.photos import normalize


def picture(number: int) -> bytes:
    """Return a JPEG that a profile keeps as it is; another *number* makes another one."""
    image = Image.frombytes("RGB", (8, 8), random.Random(number).randbytes(8 * 8 * 3))
    written = io.BytesIO()
    image.save(written, "JPEG")
    return normalize(written.getvalue())


def encoded(number: int) -> str:
    """Return the picture as the base64 text that a card holds."""
    return base64.b64encode(picture(number)).decode()
