"""Bytes that are an image become RGB; all others become one sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tiny
from PIL import Image

from aai_worker.errors import WorkerError
from aai_worker.inputs.images import decode_image

PICTURE = tiny.picture(0, 40, 30)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP", "JPEG"])
def test_formats(format: str) -> None:
    data = tiny.encode(PICTURE, format)
    image = decode_image(data)

    assert image.mode == "RGB"
    assert np.array_equal(image, Image.open(io.BytesIO(data)).convert("RGB"))
    if format in ("PNG", "BMP", "TIFF", "PPM"):
        assert np.array_equal(image, PICTURE)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_modes(mode: str) -> None:
    source = Image.new(mode, (5, 4)) if mode == "I;16" else PICTURE.convert(mode)
    assert decode_image(tiny.encode(source, "TIFF")).mode == "RGB"


def test_rotation_tags_are_left_alone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees"
    file = io.BytesIO()
    PICTURE.save(file, format="JPEG", exif=exif)
    assert decode_image(file.getvalue()).size == (40, 30)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The image is empty (0 bytes)."),
        (b"hello, I am a text", "The 18 bytes are not an image; expected one of PNG, JPEG"),
        (b"\x89PNG\r\n\x1a\n", "The 8 bytes are not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "are not an image"),
        (tiny.encode(PICTURE)[:1500], "The PNG image is truncated or damaged"),
        (tiny.encode(PICTURE, "JPEG")[:-200], "The JPEG image is truncated or damaged"),
        (tiny.encode(PICTURE).replace(b"IDAT", b"IDAX"), "bytes are not an image"),
    ],
)
def test_what_is_no_image(data: bytes, message: str) -> None:
    with pytest.raises(WorkerError) as caught:
        decode_image(data)
    assert caught.value.code == "bad-image"
    assert message in caught.value.message


def test_an_image_too_large_for_memory() -> None:
    """A bomb: 800 bytes that would decode to 10 GB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    with pytest.raises(WorkerError, match="too large for memory: 60000 x 60000 pixels; at most 100 million"):
        decode_image(bomb)
