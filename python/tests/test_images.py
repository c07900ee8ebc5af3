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


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LAB", "YCbCr"])
def test_modes(mode: str) -> None:
    source = PICTURE.convert(mode)
    difference = np.asarray(decode_image(tiny.encode(source, "TIFF")), int) - source.convert("RGB")
    assert abs(difference).max() <= 1


GREY = np.asarray(PICTURE.convert("L"))
WIDE = GREY.astype(np.uint16) * 257


def decoded(data: bytes) -> np.ndarray:
    """[height, width] of a picture that is grey."""
    pixels = np.asarray(decode_image(data))
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


def tiff(samples: bytes, bits: int, form: int = 1, photometric: int = 1, order: str = "<") -> bytes:
    """A grey one of GREY's size; `form`: 1 unsigned, 2 signed, 3 float; `photometric`: 0 = 0 is white."""
    height, width = GREY.shape
    entries = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8 + 2 + 9 * 12 + 4),
    ]
    entries += [(277, 1), (279, len(samples)), (339, form)]
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(entries))
    table = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries)
    return head + table + bytes(4) + samples


def png(samples: bytes, depth: int, color: int) -> bytes:
    """Of GREY's size; `color`: 0 grey, 2 RGB, 4 grey and opacity."""
    height, width = GREY.shape
    lines = np.frombuffer(samples, np.uint8).reshape(height, -1)
    data = b"".join(b"\0" + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed_12(values: np.ndarray) -> bytes:
    first, second = values.reshape(-1, 2).astype(int).T
    triples = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    return triples.astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    "data",
    [
        png(WIDE.astype(">u2").tobytes(), 16, 0),
        png(np.stack([WIDE, WIDE], axis=-1).astype(">u2").tobytes(), 16, 4),
        png(np.stack([WIDE] * 3, axis=-1).astype(">u2").tobytes(), 16, 2),
        tiff(WIDE.tobytes(), 16),
        tiff(WIDE.astype(">u2").tobytes(), 16, order=">"),
        tiff((65535 - WIDE).tobytes(), 16, photometric=0),
        tiff((255 - GREY).tobytes(), 8, photometric=0),
        tiff(packed_12(GREY.astype(int) * 4095 // 255), 12),
        b"P5 40 30 65535\n" + WIDE.astype(">u2").tobytes(),
        b"P5 40 30 1023\n" + (np.ceil(GREY / 255 * 1023)).astype(">u2").tobytes(),
        b"P6 40 30 65535\n" + np.stack([WIDE] * 3, axis=-1).astype(">u2").tobytes(),
    ],
    ids=[
        *("png 16", "png 16 and opacity", "png 48", "tiff 16", "tiff 16 big-endian", "tiff 16, 0 is white"),
        *("tiff 8, 0 is white", "tiff 12", "pgm 16", "pgm 10", "ppm 48"),
    ],
)
def test_more_than_8_bits(data: bytes) -> None:
    """The same picture as in 8 bits: Pillow alone makes all that is over 255 white."""
    assert abs(decoded(data).astype(int) - GREY).max() <= 1
    assert decoded(data).std() > 30


@pytest.mark.parametrize(
    ("data", "held"),
    [
        (tiff((GREY / 255).astype("<f4").tobytes(), 32, form=3), "TIFF image holds floats"),
        (tiff(WIDE.astype("<u4").tobytes(), 32), "TIFF image holds integers"),
        (tiff((WIDE // 2).astype("<i2").tobytes(), 16, form=2), "TIFF image holds integers"),
        (b"Pf 40 30 -1\n" + GREY.astype("<f4").tobytes(), "PPM image holds floats"),
    ],
    ids=["tiff float", "tiff 32", "tiff 16 signed", "pfm"],
)
def test_numbers_without_black_and_white(data: bytes, held: str) -> None:
    with pytest.raises(WorkerError, match=held) as caught:
        decode_image(data)
    assert caught.value.code == "bad-image"
    assert "8 or 16 bits" in caught.value.message


def test_premultiplied_opacity() -> None:
    """Grey of 100 at half opacity is stored as 50."""
    samples = np.stack([np.full_like(GREY, 50), np.full_like(GREY, 128)], axis=-1)
    with_opacity = tiff(samples.tobytes(), 8).replace(
        struct.pack("<HHII", 258, 4, 1, 8), struct.pack("<HHIHH", 258, 3, 2, 8, 8)
    )
    with_opacity = with_opacity.replace(
        struct.pack("<HHII", 277, 4, 1, 1), struct.pack("<HHII", 277, 4, 1, 2)
    )
    with_opacity = with_opacity.replace(
        struct.pack("<HHII", 339, 4, 1, 1), struct.pack("<HHII", 338, 4, 1, 1)
    )
    assert set(decoded(with_opacity).ravel()) == {99}, "50 * 255 / 128, cut off"


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
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    with pytest.raises(WorkerError, match="too large for memory: 60000 x 60000 pixels; at most 100 million"):
        decode_image(bomb)


@pytest.mark.parametrize("size", [(50_000_000, 1), (1, 300_000), (501, 1)])
def test_a_thin_image_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    """A processor that scales the shorter side to 336 would make the longer one 16 billion pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    thin = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    with pytest.raises(WorkerError, match=f"too thin: {size[0]} x {size[1]} pixels; one side may be"):
        decode_image(thin)
