"""Everything that decoding ever loads, loaded before the walls go up: a worker opens no file, so imports no module."""

import importlib
import io
import pkgutil
from collections.abc import Iterator
from typing import get_args

import av
import numpy as np
from PIL import Image

from staydown_match.content import read_content
from staydown_match.limits import DEFAULT_LIMITS
from staydown_match.types import Mode

_SIDE_PIXELS = 80
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")
_MODES = ("RGB", "L", "RGBA", "P", "CMYK")
_NOT_FOR_DECODING = ("av.__main__", "av.datasets")


def load_everything() -> None:
    """Load all of PyAV, which imports parts of itself while it decodes; decode small files of each kind, made here."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in _NOT_FOR_DECODING:
            importlib.import_module(module.name)
    for data in (*_pictures(), _video()):
        for part in (data, data[: len(data) * 2 // 3]):
            for mode in get_args(Mode):
                read_content(io.BytesIO(part), mode, DEFAULT_LIMITS)


def _pixels() -> Image.Image:
    rows, columns = np.mgrid[:_SIDE_PIXELS, :_SIDE_PIXELS]
    return Image.fromarray(np.stack([rows * 3, columns * 3, rows + columns], axis=-1).astype(np.uint8))


def _pictures() -> Iterator[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    for file_format in _FORMATS:
        for mode in _MODES:
            file = io.BytesIO()
            try:
                _pixels().convert(mode).save(file, file_format, exif=exif)
            except (OSError, ValueError):
                continue  # no such kind of this format
            yield file.getvalue()


def _video() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width = stream.height = _SIDE_PIXELS
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1  # threads do not survive the forks to come
        for turn in range(3):
            output.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.asarray(_pixels().rotate(90 * turn)), format="rgb24"))
            )
        output.mux(stream.encode())
    return file.getvalue()
