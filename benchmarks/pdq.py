"""Pixels to PDQ, on one core, beside PyPI's pdqhash: pictures a second, and the bits that differ."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pdqhash
from staydown_match import pdq_from_rgb

from benchmarks.pictures import SIZES, photographs
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_COUNT = {"12 MP": 6, "2 MP": 24, "0.3 MP": 60}


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:  # noqa: ARG001  # it takes none
    """Yield, for each size, the speed of both and the greatest difference between their hashes."""
    for size in SIZES:
        pictures = list(photographs(size, count=max(1, _COUNT[size] // (6 if quick else 1))))
        theirs = _pictures_per_second(pdqhash.compute, pictures)
        yield Row.rate(f"PDQ, {size}", _pictures_per_second(pdq_from_rgb, pictures), "pictures/s", peer=theirs)
        yield _difference(size, pictures)


def _pictures_per_second(hashed: Callable[[NDArray[np.uint8]], object], pictures: Sequence[NDArray[np.uint8]]) -> float:
    hashed(pictures[0])
    started = time.perf_counter()
    for picture in pictures:
        hashed(picture)
    return len(pictures) / (time.perf_counter() - started)


def _difference(size: str, pictures: Sequence[NDArray[np.uint8]]) -> Row:
    bits = 0
    for picture in pictures:
        ours = np.unpackbits(np.frombuffer(pdq_from_rgb(picture).bits, dtype=np.uint8))
        bits = max(bits, int((ours != pdqhash.compute(picture)[0]).sum()))
    return Row(f"bits that differ at most, {size}", bits, "bits", target=0, met=bits == 0)
