"""A small sound file of every kind that is decoded, made here: what the fuzzer damages."""

from __future__ import annotations

import importlib
import io
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pillow_heif
from PIL import Image

from benchmarks.films import own_scheduling

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEIGHT, _WIDTH = 90, 120
_ORIENTATION, _TURNED = 0x0112, 6
_FRAMES = 8
_VIDEOS = [  # container, codec
    ("mp4", "libx264"),
    ("mov", "mpeg4"),
    ("matroska", "libx265"),
    ("webm", "libvpx-vp9"),
    ("avi", "mpeg4"),
    ("mpegts", "libx264"),
    ("webm", "libvpx"),
    ("mpegts", "mpeg2video"),
    ("mp4", "libsvtav1"),
]


@cache
def samples() -> dict[str, bytes]:
    """Make the files: their kind, and their bytes."""
    return dict([*_pictures(), *_heic(), *_videos()])


def _picture() -> Image.Image:
    rows, columns = np.mgrid[:_HEIGHT, :_WIDTH]
    return Image.fromarray(np.stack([columns * 2, rows * 2, rows * columns // 50], axis=-1).astype(np.uint8))


def _pictures() -> Iterator[tuple[str, bytes]]:
    image, exif = _picture(), Image.Exif()
    exif[_ORIENTATION] = _TURNED
    grey_16 = Image.fromarray((np.arange(_HEIGHT * _WIDTH, dtype=np.uint16) * 6).reshape(_HEIGHT, _WIDTH))
    frames = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)], "duration": 100}
    yield "jpeg", _saved(image, "JPEG", exif=exif)
    yield "jpeg-progressive", _saved(image, "JPEG", progressive=True)
    yield "jpeg-cmyk", _saved(image.convert("CMYK"), "JPEG")
    yield "jpeg-many", _saved(image, "MPO", **frames)
    yield "png", _saved(image, "PNG", exif=exif)
    yield "png-alpha", _saved(image.convert("RGBA"), "PNG")
    yield "png-palette", _saved(image.quantize(64), "PNG", transparency=3)
    yield "png-grey-16", _saved(grey_16, "PNG")
    yield "png-animated", _saved(image, "PNG", **frames)
    yield "gif", _saved(image.quantize(32), "GIF", **frames)
    yield "webp", _saved(image, "WEBP", exif=exif)
    yield "webp-lossless", _saved(image, "WEBP", lossless=True)
    yield "webp-animated", _saved(image, "WEBP", **frames)
    yield "bmp", _saved(image, "BMP")
    yield "tiff", _saved(image, "TIFF", exif=exif)
    yield "tiff-lzw", _saved(image, "TIFF", compression="tiff_lzw")
    yield "tiff-jpeg", _saved(image, "TIFF", compression="jpeg")
    yield "tiff-pages", _saved(image, "TIFF", save_all=True, append_images=[image.rotate(90)])
    yield "avif", _saved(image, "AVIF", exif=exif)
    yield "avif-animated", _saved(image, "AVIF", **frames)


def _saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def _heic() -> Iterator[tuple[str, bytes]]:
    file = io.BytesIO()
    pillow_heif.from_pillow(_picture()).save(file)
    yield "heic", file.getvalue()


def _videos() -> Iterator[tuple[str, bytes]]:
    for container, codec in _VIDEOS:
        yield f"video-{container}-{codec}", _video(container, codec)


def _video(container: str, codec: str) -> bytes:
    av: Any = importlib.import_module("av")
    file = io.BytesIO()
    with own_scheduling(), av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(_FRAMES):
            turned = np.asarray(_picture().rotate(9 * number).resize((64, 48)))
            output.mux(stream.encode(av.VideoFrame.from_ndarray(turned, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()
