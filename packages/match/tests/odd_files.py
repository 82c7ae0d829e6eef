"""Picture files that Pillow does not write: of 16 bits a channel, cut open, without what others count on."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: grey, grey and alpha, colours, colours and alpha
_ADOBE = b"\xff\xee"


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_16_bits(samples_8: NDArray[np.uint8]) -> bytes:
    """Write uint8 (height, width) or (height, width, 1 to 4 channels) as a PNG of 16 bits that looks the same."""
    samples = samples_8.astype(np.uint16) * 257
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    unfiltered = np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(unfiltered, 1)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def without_adobe_marker(jpeg: bytes) -> bytes:
    """Cut the marker out that says how a JPEG's CMYK is meant."""
    start = jpeg.index(_ADOBE)
    return jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") :]
