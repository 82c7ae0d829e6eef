"""Everything that decoding ever loads, loaded before the walls go up: a worker opens no file, so imports no module."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from staydown_match.content import read_content
from staydown_match.limits import DEFAULT_LIMITS

_SIDE_PIXELS = 80
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")
_MODES = ("RGB", "L", "RGBA", "P", "CMYK")


def load_everything() -> None:
    """Decode one small picture of each kind that is made here, whole and cut off."""
    for data in _samples():
        for part in (data, data[: len(data) * 2 // 3]):
            read_content(io.BytesIO(part), "publish", DEFAULT_LIMITS)


def _samples() -> Iterator[bytes]:
    rows, columns = np.mgrid[:_SIDE_PIXELS, :_SIDE_PIXELS]
    picture = Image.fromarray(np.stack([rows * 3, columns * 3, rows + columns], axis=-1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    for file_format in _FORMATS:
        for mode in _MODES:
            file = io.BytesIO()
            try:
                picture.convert(mode).save(file, file_format, exif=exif)
            except (OSError, ValueError):
                continue  # no such kind of this format
            yield file.getvalue()
