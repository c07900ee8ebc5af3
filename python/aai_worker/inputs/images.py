"""Bytes of an image file -> RGB image, with one sentence for whatever is wrong with them."""

from __future__ import annotations

import io

from PIL import Image

from ..errors import WorkerError

# Formats that Pillow decodes by itself: EPS, for one, would start Ghostscript.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

# 100 million pixels are 300 MB once decoded; a vision tower sees a few hundred thousand of them.
MAX_PIXELS = 100_000_000

# The size is checked here, before a pixel is decoded, with a sentence instead of Pillow's warning.
Image.MAX_IMAGE_PIXELS = None


def decode_image(data: bytes) -> Image.Image:
    """The first frame, without the EXIF rotation, as every evaluation of CHAIR and POPE reads it."""
    if not data:
        raise WorkerError("bad-image", "The image is empty (0 bytes).")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (OSError, ValueError, SyntaxError) as error:
        names = ", ".join(FORMATS)
        raise WorkerError(
            "bad-image", f"The {len(data)} bytes are not an image; expected one of {names}."
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise WorkerError(
            "bad-image",
            f"The image is too large for memory: {width} x {height} pixels; at most "
            f"{MAX_PIXELS // 10**6} million are accepted. Shrink it first.",
        )
    try:
        return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise WorkerError(
            "bad-image", f"The {image.format} image is truncated or damaged: {error}."
        ) from error
