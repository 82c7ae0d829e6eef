"""Made-up items by the million: pictures and videos, some near copies of others, as lines of batches."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_A_BATCH: Final = 10_000
_VIDEO_EVERY: Final = 5
_FRAMES: Final = 41
_HASH_BYTES: Final = 32
# One in twenty is another copy of an earlier item: other files, hashes some bits away.
_COPY_EVERY: Final = 20
_COPY_BITS: Final = 12
_QUALITY: Final = 90


def is_video(number: int) -> bool:
    """Tell whether the item is a video: one in five, with a hash for each of its frames."""
    return number % _VIDEO_EVERY == 0


def original_of(number: int) -> int:
    """Return the item that this one is a near copy of: itself for most."""
    return (
        number - 10 * _VIDEO_EVERY if number % _COPY_EVERY == _COPY_EVERY - 1 and number > _COPY_EVERY * 5 else number
    )


def pdq_of(number: int) -> list[bytes]:
    """Return the item's PDQ hashes."""
    original = original_of(number)
    made = np.random.default_rng(original).integers(
        0, 256, (_FRAMES if is_video(original) else 1, _HASH_BYTES), dtype=np.uint8
    )
    if original != number:
        # As another encoding has them: scattered bits differ, the same number in each frame.
        places = np.random.default_rng(number).choice(_HASH_BYTES, _COPY_BITS, replace=False)
        made[:, places] ^= 1
    return [row.tobytes() for row in made]


def exact_of(number: int) -> dict[str, str]:
    """Return the item's exact fingerprints."""
    sha256 = hashlib.sha256(b"item %d" % number).hexdigest()
    return {"md5": sha256[:32], "sha1": sha256[:40], "sha256": sha256}


def fingerprints_of(number: int) -> list[dict[str, str | int]]:
    """Return all fingerprints as they travel."""
    exact: list[dict[str, str | int]] = [
        {"algorithm": name, "value": value} for name, value in exact_of(number).items()
    ]
    return exact + [{"algorithm": "pdq", "value": one.hex(), "quality": _QUALITY} for one in pdq_of(number)]


def batch(first: int, count: int) -> tuple[bytes, int]:
    """Return a batch's lines and how many fingerprints they hold."""
    lines, total = [], 0
    for number in range(first, first + count):
        prints = fingerprints_of(number)
        total += len(prints)
        kind = "video" if is_video(original_of(number)) else "picture"
        lines.append(
            json.dumps({"reference": f"i{number}", "kind": kind, "fingerprints": prints, "sightings": []}).encode()
        )
    return b"\n".join(lines) + b"\n", total


def batches(items: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each batch's lines, its items and its fingerprints."""
    for first in range(0, items, ROWS_A_BATCH):
        count = min(ROWS_A_BATCH, items - first)
        lines, total = batch(first, count)
        yield lines, count, total
