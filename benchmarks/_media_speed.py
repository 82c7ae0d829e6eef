"""How many picture files a second: ours, the peers', and the decoder's alone, which nobody can be faster than."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import Image
from staydown_match import MAX_DISTANCE_BITS
from staydown_match._jpeg import SHORT_SIDE
from staydown_match.content import read_content
from staydown_match.exact import exact_hashes
from staydown_match.fingerprint import fingerprint_file
from staydown_match.limits import DEFAULT_LIMITS

from benchmarks.pictures import photographs
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from staydown_match.types import Mode

    Way = Callable[[Path], object]

ENCODINGS: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 85},
    "progressive": {"quality": 85, "progressive": True},
    "as from a telephone": {"quality": 95, "subsampling": "4:2:2"},
}
_TARGETS: dict[str, dict[str, float]] = {
    "publish": {"12 MP": 10, "2 MP": 7, "0.3 MP": 4},
    "scan": {"12 MP": 22, "2 MP": 12, "0.3 MP": 5.5},
}
"""Times threatexchange's speed, for baseline files."""

_SHARE_OF_DECODER: dict[str, dict[str, float]] = {
    "publish": {"12 MP": 0.75, "2 MP": 0.85, "0.3 MP": 0.8},
    "scan": {"12 MP": 0.9, "2 MP": 0.9, "0.3 MP": 0.8},
}
"""Of the decoder's own speed, for files that keep the decoder busy: what is left is the hash and what is around it."""

_CEILINGS = {"publish": "no hash: decoding alone, RGB", "scan": "no hash: decoding alone, grey and shrunk"}
_EXACT = "no picture: exact hashes alone"
_WITH_EXACT = " with exact hashes"
_GRAIN = 3.0
"""Standard deviation of the noise in pictures "as from a telephone": resampled ones have none of their own."""


def files(folder: Path, size: str, encoding: str, *, count: int) -> Iterator[Path]:
    """Make `count` files and yield their paths."""
    random = np.random.default_rng(0)
    for number, pixels in enumerate(photographs(size, count=count)):
        shown = pixels
        if encoding == "as from a telephone":
            shown = np.clip(pixels + random.normal(0, _GRAIN, pixels.shape), 0, 255).astype(np.uint8)
        path = folder / f"{size} {encoding} {number}.jpg"
        Image.fromarray(shown).save(path, "JPEG", **ENCODINGS[encoding])
        yield path


def speed(size: str, encoding: str, paths: Sequence[Path], *, peers: Mapping[str, Way], rounds: int) -> Iterator[Row]:
    """Yield a row for each way but threatexchange's, which is the peer of all of them and has to be among `peers`."""
    ways: dict[str, Way] = {
        "publish": partial(_pdq_alone, mode="publish"),
        "scan": partial(_pdq_alone, mode="scan"),
        "publish" + _WITH_EXACT: partial(fingerprint_file, mode="publish"),
        "scan" + _WITH_EXACT: partial(fingerprint_file, mode="scan"),
        _CEILINGS["publish"]: lambda path: simplejpeg.decode_jpeg(path.read_bytes(), "RGB"),
        _CEILINGS["scan"]: _decoded_for_a_scan,
        _EXACT: _exact_alone,
    }
    rates = _files_per_second({**ways, **peers}, paths, rounds=rounds)
    peer = rates["threatexchange"]
    megabytes = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
    for name, rate in rates.items():
        if name != "threatexchange":
            target = _target(name, size, encoding, rates)
            row = Row.rate(f"{name}, {size}, {encoding}", rate, "files/s", peer=peer, target=target)
            yield replace(row, note=f"{megabytes:.2f} MB a file") if name == "publish" else row


def _target(name: str, size: str, encoding: str, rates: Mapping[str, float]) -> float | None:
    """Say how many times the peer's speed is asked for; where the decoder is the limit, a share of what it leaves."""
    way = name.removesuffix(_WITH_EXACT)
    if way not in _TARGETS:
        return None
    if encoding == "baseline":
        return _TARGETS[way][size]
    seconds = 1 / rates[_CEILINGS[way]] + (1 / rates[_EXACT] if name.endswith(_WITH_EXACT) else 0)
    return round(_SHARE_OF_DECODER[way][size] / seconds / rates["threatexchange"], 1)


def _pdq_alone(path: Path, mode: Mode) -> object:
    """Find what threatexchange finds (and the eight orientations and the trimmed variant), without exact hashes."""
    with path.open("rb") as file:
        return read_content(file, mode, DEFAULT_LIMITS)


def _exact_alone(path: Path) -> object:
    with path.open("rb") as file:
        return exact_hashes(file.read)


def _decoded_for_a_scan(path: Path) -> object:
    data = path.read_bytes()
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    scale = next((scale for scale in (8, 4, 2) if min(height, width) >= scale * SHORT_SIDE), 1)
    return simplejpeg.decode_jpeg(data, "GRAY", min_height=-(-height // scale), min_width=-(-width // scale))


def _files_per_second(ways: Mapping[str, Way], paths: Sequence[Path], *, rounds: int) -> dict[str, float]:
    """Run all ways by turns, so that a slow minute of the machine is everyone's; processor time, best of some."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            for path in paths:
                way(path)
            best[name] = min(best[name], time.process_time() - started)
    return {name: len(paths) / seconds for name, seconds in best.items()}


def differences(size: str, encoding: str, paths: Sequence[Path], *, reference: Callable[[Path], str]) -> Iterator[Row]:
    """Yield how many bits of each mode's hash differ from those of `reference`, which gives PDQ's text of 64 digits."""
    apart: dict[Mode, list[int]] = {"publish": [], "scan": []}
    for path in paths:
        right = int(reference(path), 16)
        for mode, distances in apart.items():
            found = fingerprint_file(path, mode).pdq[0]
            distances.append((int.from_bytes(found.bits, "big") ^ right).bit_count())
    for mode, most in (("publish", 0), ("scan", MAX_DISTANCE_BITS)):
        distances = apart["publish" if mode == "publish" else "scan"]
        yield Row(
            f"{mode}: bits from threatexchange's at most, {size}, {encoding}",
            max(distances),
            "bits",
            target=most,
            met=max(distances) <= most,
            note=f"{sum(distances) / len(distances):.2f} in the mean",
        )
