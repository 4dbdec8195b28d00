"""Every photo comes out small, upright and without a trace of where it was taken."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from sync.errors import InvalidInput, InvalidVCard
from sync.fields import fields_of
from sync.vcard import parse_one
from sync.vcard.photos import MAX_OCTETS, MAX_SIDE, Square, normalize, thumbnail

ORIENTATION, GPS = 0x0112, 0x8825


def written(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    octets = io.BytesIO()
    image.save(octets, form, **options)
    return octets.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def halves(width: int = 60, height: int = 40) -> Image.Image:
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (0, 0, width // 2, height))
    return image


def noise(side: int) -> Image.Image:
    return Image.effect_noise((side, side), 200).convert("RGB")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (400, 300), (3000, 20), (1024, 2048)])
def test_every_usual_picture_becomes_a_small_jpeg(form: str, size: tuple[int, int]) -> None:
    data = normalize(written(halves(*size), form))
    image = opened(data)
    assert image.format == "JPEG"
    assert max(image.size) <= MAX_SIDE
    assert len(data) <= MAX_OCTETS


def test_a_normal_photo_is_returned_unchanged() -> None:
    data = normalize(written(noise(2000), quality=100, subsampling=0))
    assert len(data) <= MAX_OCTETS
    assert normalize(data) is data


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_is_understood(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    image = Image.new("I;16", (9, 9)) if mode == "I;16" else Image.new("RGB", (9, 9), "red").convert(mode)
    assert opened(normalize(written(image, form))).mode in ("RGB", "L")


def test_what_is_transparent_becomes_white() -> None:
    image = opened(normalize(written(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG")))
    assert image.getpixel((4, 4)) == (255, 255, 255)


def test_a_photo_is_turned_upright_and_says_nothing_of_its_place() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "N"
    data = normalize(written(halves(), exif=exif, comment=b"secret"))
    image = opened(data)
    assert image.size == (40, 60)
    assert not image.getexif()
    assert b"Exif" not in data
    assert b"secret" not in data


@pytest.mark.parametrize(
    "extra",
    [
        b"\xff\xe1\x00\x08secret",
        b"\xff\xe2\x00\x08secret",
        b"\xff\xed\x00\x08secret",
        b"\xff\xfe\x00\x08secret",
        b"\xff\xee\x00\x0aa secret",
        b"\xff\xe0\x00\x12JFXX\x00secret....",
    ],
)
def test_no_segment_hides_anything(extra: bytes) -> None:
    """Thumbnails, profiles, comments: whatever is no picture is gone."""
    plain = normalize(written(halves()))
    assert b"secret" not in normalize(plain[:2] + extra + plain[2:])
    assert b"secret" not in normalize(plain + b"secret")


def test_segments_that_cannot_be_followed_are_not_trusted() -> None:
    plain = normalize(written(halves()))
    assert b"secret" not in normalize(plain[:2] + b"\xff" + plain[2:])


@pytest.mark.parametrize(
    "data", [b"", b"rubbish", b"\xff\xd8\xff", b"%PDF-1.4", b"<svg/>", b"GIF89a", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="photo"):
        normalize(data)


@pytest.mark.parametrize("keep", [20, 200, 600])
def test_a_picture_that_breaks_off_is_refused(keep: int) -> None:
    for form in ("JPEG", "PNG"):
        with pytest.raises(InvalidInput):
            normalize(written(noise(100), form)[:keep])


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [4_100, 12_000, 60_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    with pytest.raises(InvalidInput):
        normalize(bomb(side, side))


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_the_photo_of_a_card_is_normalised(version: str) -> None:
    data = base64.b64encode(written(halves(1200, 600), "PNG")).decode()
    line = {
        "3.0": f"PHOTO;ENCODING=b;TYPE=PNG;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&9&9:{data}",
        "4.0": f"PHOTO:data:image/png;base64,{data}",
    }
    (field,) = fields_of(parse_one(f"BEGIN:VCARD\nVERSION:{version}\n{line[version]}\nEND:VCARD"))
    data = field.main.value.removeprefix("data:image/jpeg;base64,")
    assert opened(base64.b64decode(data)).size == (512, 256)
    assert "X-ABCROP-RECTANGLE" not in dict(field.main.params)


@pytest.mark.parametrize(
    "line", ["PHOTO;ENCODING=b:AAAA", "PHOTO;ENCODING=b:!", "PHOTO:rubbish", "PHOTO:data:image/png,x"]
)
def test_rubbish_in_a_card_is_named_by_its_line(line: str) -> None:
    with pytest.raises(InvalidVCard) as caught:
        fields_of(parse_one(f"BEGIN:VCARD\nVERSION:4.0\nFN:A\n{line}\nEND:VCARD"))
    assert caught.value.line == 4


@pytest.mark.parametrize(
    ("square", "size", "box"),
    [
        (Square(), (60, 40), (10, 0, 50, 40)),
        (Square(across=0), (60, 40), (0, 0, 40, 40)),
        (Square(across=1), (60, 40), (20, 0, 60, 40)),
        (Square(down=1), (40, 60), (0, 20, 40, 60)),
        (Square(zoom=2), (60, 40), (20, 10, 40, 30)),
        (Square(across=9, down=-9, zoom=99), (60, 40), (50, 0, 60, 10)),
        (Square(zoom=0), (60, 40), (10, 0, 50, 40)),
        (Square(zoom=4), (1, 2), (0, 0, 1, 1)),
    ],
)
def test_a_square_lies_inside_of_its_picture(
    square: Square, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    assert square.box(*size) == box


def test_a_square_is_cut_out_of_the_picture_as_it_is_seen() -> None:
    """Left is blue and right is red; the camera lay on its side."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    lying = written(halves(600, 400).rotate(90, expand=True), exif=exif)
    for across, colour in ((0.0, 2), (1.0, 0)):
        image = opened(normalize(lying, Square(across=across, zoom=2)))
        assert image.size == (200, 200)
        assert max(range(3), key=lambda channel, image=image: image.getpixel((100, 100))[channel]) == colour  # type: ignore[misc]


def test_a_small_part_of_a_large_picture_is_still_sharp() -> None:
    image = opened(normalize(written(halves(4000, 3000)), Square(zoom=4)))
    assert image.size == (MAX_SIDE, MAX_SIDE)
    # The edge between the colours is one in the middle.
    assert image.getpixel((MAX_SIDE // 2 - 6, 9))[2] > 200  # type: ignore[index]
    assert image.getpixel((MAX_SIDE // 2 + 6, 9))[0] > 200  # type: ignore[index]


def test_a_square_of_rubbish_is_refused_as_rubbish_is() -> None:
    with pytest.raises(InvalidInput):
        normalize(b"rubbish", Square())


@pytest.mark.parametrize(
    ("size", "expected"), [((512, 256), (112, 56)), ((90, 60), (90, 60)), ((512, 512), (112, 112))]
)
def test_a_picture_for_a_list_is_smaller_and_nothing_else(size: tuple[int, int], expected: tuple[int, int]) -> None:
    small = thumbnail(written(halves(*size)), 112)
    picture = opened(small)
    assert (picture.format, picture.size) == ("JPEG", expected)
    left, right = (picture.getpixel((at, 20)) for at in (8, picture.width - 8))
    for found, expected_colour in ((left, (0, 0, 255)), (right, (255, 0, 0))):
        assert isinstance(found, tuple)
        assert all(abs(one - other) < 60 for one, other in zip(found, expected_colour, strict=True))


def test_a_list_takes_nothing_but_a_jpeg() -> None:
    for data in (b"", b"\xff\xd8\xff", written(halves(), "PNG"), written(halves())[:200]):
        with pytest.raises(InvalidInput):
            thumbnail(data, 112)
