"""Files that decoders take for another picture than people see: ours and threatexchange's bits from the right hash."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from staydown_match import MAX_DISTANCE_BITS, fingerprint_bytes, pdq_from_rgb

from benchmarks.pictures import photographs
from benchmarks.report import Row
from packages.match.tests.odd_files import png_of_16_bits, without_adobe_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_ORIENTATION, _QUARTER_TURN = 0x0112, 6
_KEPT = 0.95


def decoders(folder: Path, *, reference: Callable[[Path], str]) -> Iterator[Row]:
    """Yield how far each is from the hash of the pixels that people see; `reference` gives PDQ's text or raises."""
    picture = Image.fromarray(next(iter(photographs("0.3 MP", count=1))))
    for name, (data, seen, most) in _cases(picture).items():
        right = pdq_from_rgb(np.ascontiguousarray(seen))
        found = fingerprint_bytes(data).pdq
        ours = min(((_number(right.bits) ^ _number(each.bits)).bit_count() for each in found), default=256)
        path = folder / "case"
        path.write_bytes(data)
        peer, note = None, ""
        try:
            peer = float((int(reference(path), 16) ^ _number(right.bits)).bit_count())
        except Exception as error:  # noqa: BLE001  # whatever it is, the file has no hash there
            note = f"threatexchange: {type(error).__name__}"
        yield Row(f"bits from what is seen: {name}", ours, "bits", peer=peer, target=most, met=ours <= most, note=note)


def _cases(picture: Image.Image) -> dict[str, tuple[bytes, NDArray[np.uint8], int]]:
    """Make the files: their bytes, the pixels that people see, and how many bits away is still right."""
    pixels, grey = np.asarray(picture), np.asarray(picture.convert("L"))
    plain, turned = _saved(picture, "JPEG", quality=90), _turned(picture)
    palette, cmyk = picture.quantize(128), _saved(picture.convert("CMYK"), "JPEG", quality=95)
    alpha = np.tile(np.linspace(0, 255, picture.width).astype(np.uint8), (picture.height, 1))
    rgba = np.dstack([pixels, alpha])
    over_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), Image.fromarray(rgba)).convert("RGB")
    frames = [Image.new("RGB", picture.size), picture]
    return {
        "JPEG cut off at 95%": (plain[: int(len(plain) * _KEPT)], _decoded(plain), MAX_DISTANCE_BITS),
        "JPEG, CMYK": (cmyk, pixels, 0),
        "JPEG, CMYK, no Adobe marker": (without_adobe_marker(cmyk), pixels, 0),
        "JPEG, EXIF orientation": (turned, np.rot90(_decoded(turned), -1), 0),
        "PNG, palette": (_saved(palette, "PNG"), np.asarray(palette.convert("RGB")), 0),
        "PNG, 16-bit grey": (png_of_16_bits(grey), np.repeat(grey[:, :, np.newaxis], 3, axis=2), 0),
        "PNG, 16-bit grey with alpha": (
            png_of_16_bits(np.dstack([grey, np.full_like(alpha, 255)])),
            np.repeat(grey[:, :, np.newaxis], 3, axis=2),
            0,
        ),
        "PNG, 16-bit RGB": (png_of_16_bits(pixels), pixels, 0),
        "PNG, 16-bit RGBA": (png_of_16_bits(rgba), np.asarray(over_white), 0),
        "PNG, alpha": (_saved(Image.fromarray(rgba), "PNG"), np.asarray(over_white), 0),
        "GIF, black first frame": (_animated(frames, "GIF"), pixels, 8),
        "WebP, black first frame": (_animated(frames, "WEBP", lossless=True), pixels, 0),
    }


def _saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def _turned(picture: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION] = _QUARTER_TURN
    return _saved(picture, "JPEG", quality=90, exif=exif)


def _animated(frames: list[Image.Image], file_format: str, **options: object) -> bytes:
    return _saved(frames[0], file_format, save_all=True, append_images=frames[1:], duration=100, **options)


def _decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _number(bits: bytes) -> int:
    return int.from_bytes(bits, "big")
