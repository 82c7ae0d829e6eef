"""Video files to PDQ hashes, on one core, beside vpdq: frames a second of processor time, and the bits that differ."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from staydown_match import Fingerprints, fingerprint_file
from staydown_match.limits import Limits

from benchmarks.films import ENCODERS, Take
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from staydown_match.types import Mode

LENGTH_S, QUICK_LENGTH_S = 20.0, 6.0
EVERY_FRAME_TARGET = 13.0
KEYFRAMES_TARGET = 150.0
RUNS = 3
FILMS = [
    ("slow", "H.264"),
    ("medium", "H.264"),
    ("fast", "H.264"),
    ("medium", "HEVC"),
    ("medium", "VP9"),
    ("medium", "AV1"),
]

# Each in a process of its own: both bring an FFmpeg, and a process has one kind of processor time.
_VPDQ = """
import json, sys, time, vpdq
started = time.process_time()
found = vpdq.computeHash(sys.argv[1], seconds_per_hash=float(sys.argv[2]), thread_count=1)
spent = time.process_time() - started
print(json.dumps({"seconds": spent, "hashes": [it.hex for it in found], "frames": [it.frame_number for it in found]}))
"""
# What vpdq does, for a machine on which it cannot be built: every frame through RGB to the reference's PDQ.
_LIKE_VPDQ = """
import json, sys, time, av, numpy, pdqhash
every = float(sys.argv[2])
started = time.process_time()
hashes, frames = [], []
with av.open(sys.argv[1]) as opened:
    stream = opened.streams.video[0]
    stream.codec_context.thread_count = 1
    step = max(1, round(every * float(stream.average_rate)))
    for number, frame in enumerate(opened.decode(stream)):
        if number % step == 0:
            bits, quality = pdqhash.compute(frame.to_ndarray(format="rgb24"))
            hashes.append(numpy.packbits(bits.astype(numpy.uint8)).tobytes().hex())
            frames.append(number)
spent = time.process_time() - started
print(json.dumps({"seconds": spent, "hashes": hashes, "frames": frames}))
"""


class _Answer(TypedDict):
    seconds: float
    hashes: list[str]
    frames: list[int]


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:  # noqa: ARG001  # it takes none
    """Yield for each film the speed of both at every frame and of ours at keyframes, and how far the hashes are."""
    length_s = QUICK_LENGTH_S if quick else LENGTH_S
    has_vpdq = importlib.util.find_spec("vpdq") is not None
    note = "beside vpdq" if has_vpdq else "vpdq is not installed: beside PyAV and pdqhash doing what it does"
    with tempfile.TemporaryDirectory() as folder:
        for motion, encoder in FILMS:
            name = f"{encoder}, {motion}"
            path = Path(folder, "film.mkv")
            codec, options = ENCODERS[encoder]
            Take(motion=motion, length_s=length_s).encode(path, codec=codec, options=options)
            yield from _rows(name, path, length_s, program=_VPDQ if has_vpdq else _LIKE_VPDQ, note=note)


def _rows(name: str, path: Path, length_s: float, *, program: str, note: str) -> Iterator[Row]:
    frames = length_s * 25
    theirs = _theirs(program, path, every_s=0.0)
    target = EVERY_FRAME_TARGET if name.startswith("H.264, slow") else None
    every_s, every = _ours(path, "publish")
    peer = frames / theirs["seconds"]
    yield Row.rate(f"every frame, 1080p {name}", frames / every_s, "frames/s", peer=peer, target=target)
    once = length_s / _theirs(program, path, every_s=1.0)["seconds"]
    keyframes_s, _ = _ours(path, "scan")
    fast = Row.rate(f"keyframes, 1080p {name}", length_s / keyframes_s, "x real time", target=KEYFRAMES_TARGET)
    yield Row(
        fast.name,
        fast.value,
        fast.unit,
        target=fast.target,
        met=fast.met,
        note=f"vpdq's 1 frame a second: {once:.1f} x",
    )
    distances = _distances(every, theirs)
    yield Row(f"bits apart, 1080p {name}", float(np.mean(distances)), "bits", note=f"at most {max(distances)}; {note}")


def _ours(path: Path, mode: Mode) -> tuple[float, Fingerprints]:
    """Give the least processor time of some runs, in seconds: a busy machine only adds."""
    best_s, found = float("inf"), None
    for _ in range(RUNS):
        started = time.process_time()
        found = fingerprint_file(path, mode, limits=Limits(time_s=3600))
        best_s = min(best_s, time.process_time() - started)
    assert found is not None  # noqa: S101 - for the type checker
    return best_s, found


def _theirs(program: str, path: Path, *, every_s: float) -> _Answer:
    command = [sys.executable, "-c", program, str(path), str(every_s)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    answer: _Answer = json.loads(done.stdout)
    return answer


def _distances(ours: Fingerprints, theirs: _Answer) -> list[int]:
    by_frame = dict(zip(theirs["frames"], theirs["hashes"], strict=True))
    distances = []
    for hashed in ours.pdq:
        number = round((hashed.at_s or 0.0) * 25)
        if hashed.variant == "whole" and number in by_frame:
            distances.append((int.from_bytes(hashed.bits, "big") ^ int(by_frame[number], 16)).bit_count())
    return distances
