"""A message on the wire: [header][body][array frames ...], the counterpart of `src/bridge/frames.ts`.

Header and body are small msgpack maps; every array travels in a frame of its own, never copied, never
pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import zmq

from ..protocol import ArraySpec, Header

# bfloat16 is carried as raw bits: NumPy has no such type.
_DTYPES = {
    "uint8": "u1",
    "int32": "<i4",
    "int64": "<i8",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    "bfloat16": "<u2",
}

_encode = msgspec.msgpack.Encoder().encode
_decode_header = msgspec.msgpack.Decoder(Header).decode


class NamedArray(NamedTuple):
    """An array with the name and axes that the other side gets."""

    name: str
    array: np.ndarray
    axes: tuple[str, ...] = ()


def encode(
    id: int, type: str, body: msgspec.Struct, arrays: Sequence[NamedArray] = ()
) -> list[bytes | memoryview]:
    """Frames to send. Arrays must not change until they are sent."""
    contiguous = [np.ascontiguousarray(named.array) for named in arrays]
    specs = [
        ArraySpec(name=named.name, dtype=array.dtype.name, shape=list(array.shape), axes=list(named.axes))  # type: ignore[arg-type]
        for named, array in zip(arrays, contiguous, strict=True)
    ]
    header = Header(id=id, type=type, arrays=specs)
    # A memoryview of an empty array has no bytes to cast.
    frames = [memoryview(array).cast("B") if array.size else b"" for array in contiguous]
    return [_encode(header), _encode(body), *frames]


def decode(frames: Sequence[zmq.Frame]) -> tuple[Header, bytes, list[np.ndarray]]:
    """Header, undecoded body, arrays (views of the frames). Raises ValueError or msgspec.DecodeError."""
    if len(frames) < 2:
        raise ValueError(f"a message has two frames or more; {len(frames)} came")
    header = _decode_header(frames[0].bytes)
    if len(header.arrays) != len(frames) - 2:
        raise ValueError(f"the header announces {len(header.arrays)} arrays; {len(frames) - 2} frames came")
    arrays = [
        np.frombuffer(frame.buffer, dtype=_DTYPES[spec.dtype]).reshape(spec.shape)
        for spec, frame in zip(header.arrays, frames[2:], strict=True)
    ]
    return header, frames[1].bytes, arrays
