"""What `sync.vcard.photos` does, with the library that reads and writes pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from sync.errors import InvalidInput
from sync.vcard.photos import MAX_OCTETS, MAX_SIDE, MAX_ZOOM, Square

MAX_PIXELS = 16_000_000
MAX_JPEG_PIXELS = 64_000_000
"""A baseline JPEG is decoded at a fraction of its size, so that what a telephone takes may be larger than the rest."""

_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_QUALITIES = (88, 80, 70, 55, 40)
_START, _SCAN, _END = b"\xff\xd8", 0xDA, b"\xff\xd9"
_AREA, _UNSEEN, _TELLING = 16, 8, 64
_PLAIN_JFIF, _PLAIN_ADOBE = 16, 14
_APPLICATION, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE


def normalize(data: bytes, square: Square | None = None) -> bytes:
    """Do what `sync.vcard.photos.normalize` promises."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_pixels(image)
            if square is None and _is_normal(data, image):
                image.load()
                return data
            return _encoded(_upright(image, square))
    except InvalidInput:
        raise
    except UnidentifiedImageError as error:
        raise InvalidInput("The photo is not a JPEG, PNG, GIF, BMP, TIFF or WebP picture.") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, *_BOMBS) as error:
        raise InvalidInput("The photo is damaged, or too large to be read.") from error


def thumbnail(data: bytes, side: int) -> bytes:
    """Do what `sync.vcard.photos.thumbnail` promises."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            _check_pixels(image)
            return _encoded(_upright(image, None, side))
    except InvalidInput:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, *_BOMBS) as error:
        raise InvalidInput("The photo is damaged, or too large to be read.") from error


def _check_pixels(image: Image.Image) -> None:
    scaled = image.format == "JPEG" and not image.info.get("progressive")
    most = MAX_JPEG_PIXELS if scaled else MAX_PIXELS
    if image.width * image.height > most:
        raise InvalidInput(f"The photo has more than {most // 1_000_000} million pixels.")


def _is_normal(data: bytes, image: Image.Image) -> bool:
    small = len(data) <= MAX_OCTETS and max(image.size) <= MAX_SIDE
    return small and image.format == "JPEG" and image.mode in ("RGB", "L") and not _has_metadata(data)


def _has_metadata(data: bytes) -> bool:
    if not data.endswith(_END):
        return True
    return any(_is_metadata(marker, size) for marker, size in _segments(data))


def _is_metadata(marker: int, size: int) -> bool:
    if marker == _APPLICATION:
        return size != _PLAIN_JFIF  # A longer one holds a thumbnail.
    if marker == _ADOBE:
        return size != _PLAIN_ADOBE
    return marker == _COMMENT or _APPLICATION < marker <= _APPLICATION + 15


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker and length of every segment in front of the picture itself."""
    at = len(_START)
    while at + 4 <= len(data) and data[at] == _END[0]:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        yield marker, size
        if marker == _SCAN:
            return
        at += 2 + max(size, 2)
    yield _COMMENT, 0  # What cannot be followed might hold anything.


def _upright(image: Image.Image, square: Square | None, most: int = MAX_SIDE) -> Image.Image:
    if image.format == "JPEG":
        side = most if square is None else round(most * min(max(square.zoom, 1.0), MAX_ZOOM))
        image.draft("RGB", (side, side))
    turned = ImageOps.exif_transpose(image)
    if square is not None:
        turned = turned.crop(square.box(*turned.size))
    small = turned if turned.mode in ("RGB", "L") else _opaque(turned)
    small.thumbnail((most, most))
    return small


def _opaque(image: Image.Image) -> Image.Image:
    """*image* in RGB, on white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", with_alpha.size, "white")
    white.alpha_composite(with_alpha)
    return white.convert("RGB")


def _encoded(image: Image.Image) -> bytes:
    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    data = b""
    for quality in _QUALITIES:
        written = io.BytesIO()
        plain.save(written, "JPEG", quality=quality, optimize=True)
        data = written.getvalue()
        if len(data) <= MAX_OCTETS:
            break
    return data


def is_copy(one: bytes, other: bytes) -> bool:
    """Do what `sync.vcard.photos.is_copy` promises, of two that are not the same octets."""
    try:
        with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
            width, height = min(first.size, second.size)
            if min(width, height) < _TELLING:
                return False
            if any(abs(width * image.height - height * image.width) > max(image.size) for image in (first, second)):
                return False
            grid = (max(1, width // _AREA), max(1, height // _AREA))
            areas = [image.convert("RGB").resize(grid, Image.Resampling.BOX) for image in (first, second)]
    except (OSError, ValueError, SyntaxError, *_BOMBS):
        return False
    return max(ImageChops.difference(*areas).tobytes()) <= _UNSEEN
