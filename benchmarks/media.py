"""Picture files to fingerprints beside threatexchange, pdqhash and imagehash: speed, and changes survived."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagehash
import numpy as np
import pdqhash
import simplejpeg
from PIL import Image
from staydown_match import MAX_DISTANCE_BITS, MIN_QUALITY, BruteForceIndex, find_variants, fingerprint_bytes
from staydown_match._jpeg import SHORT_SIDE
from staydown_match.content import read_content
from staydown_match.fingerprint import fingerprint_file
from staydown_match.limits import DEFAULT_LIMITS
from staydown_match.variants import variants_of
from threatexchange.signal_type.pdq.signal import PdqSignal

from benchmarks.changes import CHANGES, as_jpeg
from benchmarks.pictures import SIZES, ordinary_pictures, photographs
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from staydown_match import Fingerprints, PdqHash
    from staydown_match.types import Mode

_COUNT = {"12 MP": 6, "2 MP": 12, "0.3 MP": 36}
_ROUNDS = {"12 MP": 4, "2 MP": 9, "0.3 MP": 12}
"""Small files are over in a moment: one interruption in that moment would be all that is seen of them."""
_ENCODINGS: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 85},
    "progressive": {"quality": 85, "progressive": True},
    "as from a telephone": {"quality": 95, "subsampling": "4:2:2"},
}
_TARGETS: dict[str, dict[str, float]] = {
    "publish": {"12 MP": 10, "2 MP": 7, "0.3 MP": 4},
    "scan": {"12 MP": 22, "2 MP": 12, "0.3 MP": 5.5},
}
_GRAIN = 3.0
"""Standard deviation of the noise in pictures "as from a telephone": resampled ones have none of their own."""
_UNRELATED_PICTURES = 5400


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:  # noqa: ARG001  # it takes none
    """Yield speed for each size and encoding, then the differences from the reference, then the changes survived."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for encoding in _ENCODINGS:
                paths = list(_files(Path(folder), size, encoding, max(2, _COUNT[size] // (3 if quick else 1))))
                yield from _speed(size, encoding, paths)
                yield from _differences(size, encoding, paths)
    yield from _robustness(12 if quick else 120)
    yield from _false_matches(_UNRELATED_PICTURES // (8 if quick else 1))


def _files(folder: Path, size: str, encoding: str, count: int) -> Iterator[Path]:
    random = np.random.default_rng(0)
    for number, pixels in enumerate(photographs(size, count=count)):
        shown = pixels
        if encoding == "as from a telephone":
            shown = np.clip(pixels + random.normal(0, _GRAIN, pixels.shape), 0, 255).astype(np.uint8)
        path = folder / f"{size} {encoding} {number}.jpg"
        Image.fromarray(shown).save(path, "JPEG", **_ENCODINGS[encoding])
        yield path


def _speed(size: str, encoding: str, paths: list[Path]) -> Iterator[Row]:
    ways: dict[str, Callable[[Path], object]] = {
        "threatexchange": PdqSignal.hash_from_file,
        "publish": partial(_pdq_alone, mode="publish"),
        "scan": partial(_pdq_alone, mode="scan"),
        "publish with exact hashes": partial(fingerprint_file, mode="publish"),
        "scan with exact hashes": partial(fingerprint_file, mode="scan"),
        "no hash: decoding alone, RGB": lambda path: simplejpeg.decode_jpeg(path.read_bytes(), "RGB"),
        "no hash: decoding alone, grey and shrunk": _decoded_for_a_scan,
        "pdqhash": lambda path: pdqhash.compute(np.asarray(Image.open(path).convert("RGB"))),
        "imagehash, phash of 64 bits": lambda path: imagehash.phash(Image.open(path)),
    }
    rates = _files_per_second(ways, paths, rounds=_ROUNDS[size])
    megabytes = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
    for name, rate in rates.items():
        # Where unpacking the file itself takes longer, all share that: rows of decoding alone say how much.
        target = _TARGETS[name][size] if name in _TARGETS and encoding == "baseline" else None
        if name != "threatexchange":
            row = Row.rate(f"{name}, {size}, {encoding}", rate, "files/s", peer=rates["threatexchange"], target=target)
            yield row if name != "publish" else _with_note(row, f"{megabytes:.2f} MB a file")


def _with_note(row: Row, note: str) -> Row:
    return Row(row.name, row.value, row.unit, row.peer, row.ratio, row.target, row.met, note)


def _pdq_alone(path: Path, mode: Mode) -> object:
    """Find what threatexchange finds (and the eight orientations and the trimmed variant), without exact hashes."""
    with path.open("rb") as file:
        return read_content(file, mode, DEFAULT_LIMITS)


def _decoded_for_a_scan(path: Path) -> object:
    data = path.read_bytes()
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    scale = next((scale for scale in (8, 4, 2) if min(height, width) >= scale * SHORT_SIDE), 1)
    return simplejpeg.decode_jpeg(data, "GRAY", min_height=-(-height // scale), min_width=-(-width // scale))


def _files_per_second(ways: dict[str, Callable[[Path], object]], paths: list[Path], *, rounds: int) -> dict[str, float]:
    """Run all ways by turns, so that a slow minute of the machine is everyone's; processor time, best of some."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            for path in paths:
                way(path)
            best[name] = min(best[name], time.process_time() - started)
    return {name: len(paths) / seconds for name, seconds in best.items()}


def _differences(size: str, encoding: str, paths: list[Path]) -> Iterator[Row]:
    published, scanned = [], []
    for path in paths:
        reference = int(PdqSignal.hash_from_file(path), 16)
        published.append(_distance_bits(fingerprint_file(path).pdq[0], reference))
        scanned.append(_distance_bits(fingerprint_file(path, "scan").pdq[0], reference))
    name = f"bits from threatexchange's at most, {size}, {encoding}"
    yield Row(f"publish: {name}", max(published), "bits", target=0, met=max(published) == 0)
    note = f"{sum(scanned) / len(scanned):.2f} in the mean"
    met = max(scanned) <= MAX_DISTANCE_BITS
    yield Row(f"scan: {name}", max(scanned), "bits", target=MAX_DISTANCE_BITS, met=met, note=note)


def _distance_bits(found: PdqHash, other: int) -> int:
    return (int.from_bytes(found.bits, "big") ^ other).bit_count()


def _robustness(count: int) -> Iterator[Row]:
    """Yield the share of pictures that are still found after each change; the peer is plain PDQ, hash against hash."""
    pictures = [(picture, fingerprint_bytes(as_jpeg(picture, 92))) for _, picture in ordinary_pictures(count)]
    pictures = [(picture, known) for picture, known in pictures if known.pdq[0].quality >= MIN_QUALITY]
    for name, change in CHANGES.items():
        plain = found = 0
        for picture, known in pictures:
            seen = fingerprint_bytes(change(picture), "scan")
            near = _distance_bits(seen.pdq[0], int.from_bytes(known.pdq[0].bits, "big")) <= MAX_DISTANCE_BITS
            plain += near and seen.pdq[0].quality >= MIN_QUALITY
            found += bool(find_variants(_index_of([known]), seen.pdq))
        share, plain_share = 100 * found / len(pictures), 100 * plain / len(pictures)
        yield Row(f"found after: {name}", share, "% of pictures", peer=plain_share, ratio=None)


def _index_of(known: Sequence[Fingerprints]) -> BruteForceIndex:
    index = BruteForceIndex()
    for key, fingerprints in enumerate(known):
        bits = [found.bits for found in fingerprints.pdq if found.quality >= MIN_QUALITY]
        hashes = np.frombuffer(b"".join(bits), np.uint8).reshape(-1, 32)
        index.add(np.full(len(bits), key, np.uint64), hashes)
    return index


def _false_matches(count: int) -> Iterator[Row]:
    """Yield how many pairs of unrelated pictures are taken for a match: parts of different photographs."""
    known, sources = [], []
    for source, picture in ordinary_pictures(count):
        fingerprints = fingerprint_bytes(as_jpeg(picture), "scan")
        if fingerprints.pdq[0].quality >= MIN_QUALITY:
            known.append(fingerprints)
            sources.append(source)
    ids = np.unique(np.array(sources), return_inverse=True)[1]
    index = _index_of(known)
    plain, ours = set[tuple[int, int]](), set[tuple[int, int]]()
    for query, fingerprints in enumerate(known):
        hashes = [found for found in fingerprints.pdq if found.quality >= MIN_QUALITY]
        variants = np.concatenate([variants_of(found) for found in hashes])
        matches = index.search(variants)
        for position, key in zip(matches.query.tolist(), matches.key.tolist(), strict=True):
            if ids[query] != ids[key]:
                ours.add((min(query, key), max(query, key)))
                if position == 0:
                    plain.add((min(query, key), max(query, key)))
    pairs = (len(ids) ** 2 - int((np.bincount(ids) ** 2).sum())) // 2
    found = f"{len(ours)} of {pairs:,} pairs, plain PDQ {len(plain)}"
    note = f"{found}; {len(ids)} pictures cut from {ids.max() + 1} photographs"
    yield Row("false matches", 1e6 * len(ours) / pairs, "in a million pairs", peer=1e6 * len(plain) / pairs, note=note)
