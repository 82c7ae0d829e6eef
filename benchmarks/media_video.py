"""Video files to PDQ hashes, on one core, beside vpdq: frames a second of processor time, and the bits that differ."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.films import ENCODERS, Take
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LENGTH_S, QUICK_LENGTH_S = 20.0, 6.0
EVERY_FRAME_TARGET = 13.0
SHARE_OF_DECODER = 0.8
"""What is asked where decoding alone is not 13 times vpdq's speed: of the decoder's own."""

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

_OURS = """
import json, sys, time
from staydown_match import fingerprint_file
from staydown_match.limits import Limits
started = time.process_time()
found = fingerprint_file(sys.argv[1], sys.argv[2], limits=Limits(time_s=3600))
spent = time.process_time() - started
whole = [it for it in found.pdq if it.variant == "whole"]
frames = [round((it.at_s or 0) * 25) for it in whole]
print(json.dumps({"seconds": spent, "hashes": [it.bits.hex() for it in whole], "frames": frames}))
"""
# As fast as FFmpeg can be had to decode, and nothing done with the frames.
_DECODING = """
import json, sys, time, av
started = time.process_time()
with av.open(sys.argv[1]) as opened:
    stream = opened.streams.video[0]
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"skip_loop_filter": "noref"}
    count = sum(1 for frame in opened.decode(stream))
spent = time.process_time() - started
print(json.dumps({"seconds": spent, "hashes": [], "frames": []}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one run of one way gave: processor time, and the hashes with the numbers of their frames."""

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
    best = _by_turns(path, program)
    rate, peer, alone = (frames / best[way].seconds for way in ("publish", "vpdq", "decoding"))
    target = EVERY_FRAME_TARGET if name.startswith("H.264") else round(SHARE_OF_DECODER * alone / peer, 1)
    row = Row.rate(f"every frame, 1080p {name}", rate, "frames/s", peer=peer, target=target)
    yield replace(row, note=f"{100 * rate / alone:.0f}% of the decoder's own speed")
    yield Row.rate(f"no hash: decoding alone, 1080p {name}", alone, "frames/s", peer=peer)
    fast = length_s / best["scan"].seconds
    row = Row.rate(f"keyframes, 1080p {name}", fast, "x real time", target=KEYFRAMES_TARGET)
    yield replace(row, note=f"vpdq's 1 frame a second: {length_s / best['vpdq, 1 a second'].seconds:.1f} x")
    distances = _distances(best["publish"], best["vpdq"])
    yield Row(f"bits apart, 1080p {name}", float(np.mean(distances)), "bits", note=f"at most {max(distances)}; {note}")


def _by_turns(path: Path, program: str) -> dict[str, Answer]:
    """Run every way RUNS times by turns, each in a process of its own, and give the best run of each."""
    ways = {
        "publish": (_OURS, "publish"),
        "vpdq": (program, "0.0"),
        "decoding": (_DECODING, ""),
        "scan": (_OURS, "scan"),
        "vpdq, 1 a second": (program, "1.0"),
    }
    best: dict[str, Answer] = {}
    for _ in range(RUNS):
        for name, (code, argument) in ways.items():
            answer = _ran(code, path, argument)
            if name not in best or answer.seconds < best[name].seconds:
                best[name] = answer
    return best


def _ran(program: str, path: Path, argument: str) -> Answer:
    command = [sys.executable, "-c", program, str(path), argument]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    return Answer(**json.loads(done.stdout))


def _distances(ours: Answer, theirs: Answer) -> list[int]:
    by_frame = dict(zip(theirs.frames, theirs.hashes, strict=True))
    pairs = zip(ours.frames, ours.hashes, strict=True)
    return [(int(bits, 16) ^ int(by_frame[at], 16)).bit_count() for at, bits in pairs if at in by_frame]
