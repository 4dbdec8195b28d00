"""An address as a QR code, to be scanned from a screen or a wall."""

from __future__ import annotations

import io

import segno
from flask import Response, make_response


def code_of(address: str) -> Response:
    """Answer with an address as a QR code."""
    drawn = io.BytesIO()
    # Black on white in any case: a phone's camera does not know of dark mode.
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", scale=8, border=4, light="white")
    response = make_response(drawn.getvalue())
    response.content_type = "image/svg+xml; charset=utf-8"
    return response
