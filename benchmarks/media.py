"""Picture and video files to fingerprints beside threatexchange, pdqhash, imagehash, vpdq: speed, changes survived."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import media_video
from benchmarks._media_decoders import decoders
from benchmarks._media_found import false_matches, found_after
from benchmarks._media_speed import ENCODINGS, differences, files, speed
from benchmarks.pictures import SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.report import Row

_COUNT = {"12 MP": 6, "2 MP": 12, "0.3 MP": 36}
_ROUNDS = {"12 MP": 4, "2 MP": 9, "0.3 MP": 12}
"""Small files are over in a moment: one interruption in that moment would be all that is seen of them."""

_UNRELATED_PICTURES, _DRAWINGS, _FILM_S = 5400, 800, 30.0


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Yield speed and differences of each size and encoding, decoders' errors, changes survived, and then video."""
    parser = argparse.ArgumentParser(prog="./staydown bench media", description=__doc__)
    parser.add_argument("--without-video", action="store_true", help="leave out what media_video measures (minutes)")
    options = parser.parse_args(arguments)
    yield from _of_pictures(quick=quick)
    if not options.without_video:
        yield from media_video.run(quick=quick, arguments=())


def _of_pictures(*, quick: bool) -> Iterator[Row]:
    # The peers are in the environment of the benchmarks alone: what does not need them can be tried without.
    from benchmarks._media_peers import PEERS, threatexchange  # noqa: PLC0415

    share, fewer = (3, 8) if quick else (1, 1)
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for encoding in ENCODINGS:
                paths = list(files(Path(folder), size, encoding, count=max(2, _COUNT[size] // share)))
                yield from speed(size, encoding, paths, peers=PEERS, rounds=_ROUNDS[size])
                yield from differences(size, encoding, paths, reference=threatexchange)
        yield from decoders(Path(folder), reference=threatexchange)
    yield from found_after(120 // fewer)
    yield from false_matches(_UNRELATED_PICTURES // fewer, drawings=_DRAWINGS // fewer, film_s=_FILM_S / fewer)
