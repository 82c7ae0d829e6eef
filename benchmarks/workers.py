"""What decoding in worker processes costs: files a second through the pool, beside the same in this process."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

from PIL import Image
from staydown_match import FingerprintPool, fingerprint_bytes

from benchmarks.pictures import SIZES, photographs
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_COUNT = {"12 MP": 12, "2 MP": 60, "0.3 MP": 300}
_SMALLEST = "0.3 MP"


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:  # noqa: ARG001  # it takes none
    """Yield the pool's speed with one worker for JPEG files of each size, and what is added to each small one."""
    with FingerprintPool(workers=1) as pool, FingerprintPool(workers=1, files_per_worker=1) as fresh:
        for size in SIZES:
            files = [_jpeg(size)] * max(2, _COUNT[size] // (6 if quick else 1))
            inside = _files_per_second(pool.fingerprint_bytes, files)
            outside = _files_per_second(fingerprint_bytes, files)
            yield Row.rate(f"pool, JPEG of {size}", inside, "files/s", peer=outside)
        files = [_jpeg(_SMALLEST)] * (40 if quick else 400)
        pooled, alone = _ms_per_file(pool.fingerprint_bytes, files), _ms_per_file(fingerprint_bytes, files)
        yield Row("added to each file", pooled - alone, "ms", note=f"JPEG of {_SMALLEST}; alone {alone:.2f} ms")
        yield Row("added by a new worker", _ms_per_file(fresh.fingerprint_bytes, files) - pooled, "ms")


def _jpeg(size: str) -> bytes:
    (pixels,) = photographs(size, count=1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def _files_per_second(fingerprint: Callable[[bytes], object], files: Sequence[bytes]) -> float:
    fingerprint(files[0])
    started = time.perf_counter()
    for data in files:
        fingerprint(data)
    return len(files) / (time.perf_counter() - started)


def _ms_per_file(fingerprint: Callable[[bytes], object], files: Sequence[bytes]) -> float:
    return 1000 / _files_per_second(fingerprint, files)
