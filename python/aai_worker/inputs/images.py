"""Bytes of an image file -> RGB image, with one sentence for whatever is wrong with them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION

from ..errors import WorkerError

# Formats that Pillow decodes by itself: EPS, for one, would start Ghostscript.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

# 100 million pixels are 300 MB once decoded; a vision tower sees a few hundred thousand of them.
MAX_PIXELS = 100_000_000

# Processors scale the shorter side to their own size, 336 for example, and the longer one with it: 500 times
# as long, that makes 56 million pixels.
MAX_RATIO = 500

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
    if max(width, height) > MAX_RATIO * min(width, height):
        raise WorkerError(
            "bad-image",
            f"The image is too thin: {width} x {height} pixels; one side may be at most {MAX_RATIO} times "
            "as long as the other. Crop it first.",
        )
    try:
        return _to_8_bits(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise WorkerError(
            "bad-image", f"The {image.format} image is truncated or damaged: {error}."
        ) from error


def _to_8_bits(image: Image.Image) -> Image.Image:
    """For modes that Pillow's conversion to RGB gets wrong: what is over 255 it makes white.

    Of 16 bits the upper 8 are kept, as Pillow itself does for pictures in colour.
    """
    if image.mode.startswith("I;16"):
        tags = getattr(image, "tag_v2", {})  # of a TIFF
        (bits,) = tags.get(BITSPERSAMPLE, (16,))
        grey = (np.asarray(image) >> (bits - 8)).astype(np.uint8)
        return Image.fromarray(255 - grey if tags.get(PHOTOMETRIC_INTERPRETATION) == 0 else grey)
    if image.mode == "I" and image.format in ("PPM", "PNG"):  # 0 to 65535, whatever the file's own maximum
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        numbers = {"I": "integers", "F": "floats"}[image.mode]
        raise WorkerError(
            "bad-image",
            f"The {image.format} image holds {numbers} of which nothing says what is black and what white: "
            "save it with 8 or 16 bits a channel, without a sign.",
        )
    if image.mode == "La":  # grey multiplied by its opacity
        return image.convert("LA")
    return image
