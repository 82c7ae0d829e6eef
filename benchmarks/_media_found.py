"""Which changed copies of a picture are found, and how often two unrelated pictures are taken for the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw
from staydown_match import (
    MAX_DISTANCE_BITS,
    MIN_QUALITY,
    BruteForceIndex,
    find_variants,
    fingerprint_bytes,
    fingerprint_file,
)
from staydown_match.variants import variants_of

from benchmarks.changes import CHANGES, as_jpeg
from benchmarks.films import ENCODERS, SCENE_S, Take, name_of_scene
from benchmarks.pictures import ordinary_pictures
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from staydown_match import PdqHash

    Change = Callable[[Image.Image], bytes]

_TURNED = ("mirrored", "upside down", "rotated", "inverted")
_FRAMED = ("border", "bars", "screenshot")
_TURNED_FLOOR, _FRAMED_FLOOR = 96.0, 95.0
"""Per cent: what eight orientations, the complement and the hash without bars are there for."""

_CAPTION = "caption in a bar"
_CAPTION_FLOOR = 88.0
_FALSE_MATCHES_MOST = 0.1
"""In a million pairs: one in ten million."""

_FILM_SIZE = (640, 360)


def found_after(count: int, changes: Mapping[str, Change] = CHANGES) -> Iterator[Row]:
    """Yield the share of pictures that are still found after each change; the peer is plain PDQ, hash against hash."""
    pictures = [(picture, fingerprint_bytes(as_jpeg(picture, 92))) for _, picture in ordinary_pictures(count)]
    pictures = [(picture, known) for picture, known in pictures if known.pdq[0].quality >= MIN_QUALITY]
    for name, change in changes.items():
        plain = found = 0
        for picture, known in pictures:
            seen = fingerprint_bytes(change(picture), "scan")
            near = _distance_bits(seen.pdq[0], known.pdq[0]) <= MAX_DISTANCE_BITS
            plain += near and seen.pdq[0].quality >= MIN_QUALITY
            found += bool(find_variants(_index_of([known.pdq]), seen.pdq))
        share, floor = 100 * found / len(pictures), _floor(name)
        met = None if floor is None else share >= floor
        peer = 100 * plain / len(pictures)
        yield Row(f"found after: {name}", share, "% of pictures", peer=peer, target=floor, met=met)


def _floor(change: str) -> float | None:
    if change == _CAPTION:
        return _CAPTION_FLOOR
    if change.startswith("rotated by") and not change.endswith("0"):  # a little, not by a quarter
        return None
    if change.startswith(_FRAMED):
        return _FRAMED_FLOOR
    return _TURNED_FLOOR if change.startswith(_TURNED) else None


def false_matches(count: int, *, drawings: int, film_s: float) -> Iterator[Row]:
    """Yield how many pairs of unrelated pictures match: parts of photographs, frames of films, and made pictures."""
    known = [*_photographs(count), *_frames(film_s), *_drawn(drawings)]
    known = [(source, hashes) for source, hashes in known if hashes and hashes[0].quality >= MIN_QUALITY]
    ids = np.unique(np.array([source for source, _ in known]), return_inverse=True)[1]
    index = _index_of([hashes for _, hashes in known])
    plain, ours = set[tuple[int, int]](), set[tuple[int, int]]()
    for query, (_, hashes) in enumerate(known):
        variants = np.concatenate([variants_of(found) for found in hashes if found.quality >= MIN_QUALITY])
        matches = index.search(variants)
        for position, key in zip(matches.query.tolist(), matches.key.tolist(), strict=True):
            if ids[query] != ids[key]:
                ours.add((min(query, key), max(query, key)))
                if position == 0:
                    plain.add((min(query, key), max(query, key)))
    pairs = (len(ids) ** 2 - int((np.bincount(ids) ** 2).sum())) // 2
    rate, plain_rate = 1e6 * len(ours) / pairs, 1e6 * len(plain) / pairs
    found = f"{len(ours)} of {pairs:,} pairs, plain PDQ {len(plain)}"
    note = f"{found}; {len(ids)} pictures of {ids.max() + 1} photographs and drawings"
    met = rate <= _FALSE_MATCHES_MOST
    yield Row("false matches", rate, "in a million pairs", plain_rate, target=_FALSE_MATCHES_MOST, met=met, note=note)


def _photographs(count: int) -> Iterator[tuple[str, Sequence[PdqHash]]]:
    for source, picture in ordinary_pictures(count):
        yield source, fingerprint_bytes(as_jpeg(picture), "scan").pdq


def _frames(length_s: float) -> Iterator[tuple[str, Sequence[PdqHash]]]:
    """Yield the frames that publishing keeps of a film: the source of each is the photograph that is filmed."""
    codec, options = ENCODERS["H.264"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mkv")
        Take(motion="fast", length_s=length_s, size=_FILM_SIZE).encode(path, codec=codec, options=options)
        for found in fingerprint_file(path, "scan-every-frame").pdq:
            if found.variant == "whole":
                yield name_of_scene(int((found.at_s or 0.0) / SCENE_S)), [found]


def _drawn(count: int) -> Iterator[tuple[str, Sequence[PdqHash]]]:
    """Yield drawings: clouds of light and dark, and shapes laid over each other, none made like another."""
    random = np.random.default_rng(11)
    for number in range(count):
        picture = _cloud(random) if number % 2 else _shapes(random)
        yield f"drawing {number}", fingerprint_bytes(as_jpeg(picture), "scan").pdq


def _cloud(random: np.random.Generator) -> Image.Image:
    small = random.integers(0, 256, (random.integers(4, 30), random.integers(4, 30), 3), np.uint8)
    return Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC)


def _shapes(random: np.random.Generator) -> Image.Image:
    picture = Image.new("RGB", (640, 480), tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(6, 40)):
        x, y, width, height = (int(number) for number in random.integers((0, 0, 20, 20), (640, 480, 240, 240)))
        colour = tuple(random.integers(0, 256, 3).tolist())
        shape = draw.ellipse if random.integers(2) else draw.rectangle
        shape((x - width // 2, y - height // 2, x + width // 2, y + height // 2), fill=colour)
    return picture


def _index_of(known: Sequence[Sequence[PdqHash]]) -> BruteForceIndex:
    index = BruteForceIndex()
    for key, hashes in enumerate(known):
        bits = [found.bits for found in hashes if found.quality >= MIN_QUALITY]
        index.add(np.full(len(bits), key, np.uint64), np.frombuffer(b"".join(bits), np.uint8).reshape(-1, 32))
    return index


def _distance_bits(one: PdqHash, other: PdqHash) -> int:
    return (int.from_bytes(one.bits, "big") ^ int.from_bytes(other.bits, "big")).bit_count()
