"""Damaged files of every format through the worker pool: files a second, and whatever breaks a promise.

`./staydown bench fuzz [--minutes N] [--seed S]` runs; `--number N` repeats one file of a run, and prints what it gives.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from staydown_match import FingerprintPool, Fingerprints, Limits
from staydown_match.types import Mode, ProblemCode

from benchmarks.report import Row
from benchmarks.samples import samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIMITS = Limits(time_s=20.0, cpu_s=20, memory_bytes=1 << 30)
_GRACE_S = 5.0
_BASE_BYTES = 400 << 20
_INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_LONGEST_PART = 400
_HEADER_BYTES = 200
_KEPT_NUMBERS = 20


@dataclass(slots=True)
class Tally:
    """What a run came to. The lists hold numbers of files, to be repeated with `--number`."""

    files: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    crashes: list[int] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Fuzz for as long as asked; every row about a promise has the target 0."""
    options = _options(arguments)
    if options.number is not None:
        with FingerprintPool(limits=LIMITS) as pool:
            yield _repeated(pool, options.seed, options.number)
        return
    seconds = 10.0 if quick else options.minutes * 60.0
    started = time.monotonic()
    with FingerprintPool(limits=LIMITS) as pool:
        tally = fuzz(pool, seed=options.seed, until=started + seconds)
    yield Row.rate("damaged files", tally.files / (time.monotonic() - started), "files/s", target=1.0)
    yield Row("files", tally.files, "files", note=", ".join(f"{code} {n}" for code, n in tally.codes.most_common()))
    yield Row(
        "workers that died, and were replaced",
        len(tally.crashes),
        "workers",
        note=_numbers(tally.crashes, options.seed),
    )
    yield _target_zero("promises broken", len(tally.broken), note=_broken(tally, options.seed))
    yield _memory_row()


def fuzz(pool: FingerprintPool, *, seed: int, until: float | None = None, count: int | None = None) -> Tally:
    """Run files 0, 1, 2, ... of a seed through the pool, until a time of time.monotonic() or for a count."""
    tally = Tally()
    while (until is None or time.monotonic() < until) and (count is None or tally.files < count):
        number = tally.files
        tally.files += 1
        data, mode = case(seed, number)
        found, broken = tried(pool, data, mode)
        tally.broken += [(number, promise) for promise in broken]
        if found:
            tally.codes.update({str(problem.code) for problem in found.problems} or {"no problem"})
            if any(problem.code == "crashed" for problem in found.problems):
                tally.crashes.append(number)
    return tally


def tried(pool: FingerprintPool, data: bytes, mode: Mode) -> tuple[Fingerprints | None, list[str]]:
    """Fingerprint one file, and name each promise that this broke."""
    started = time.monotonic()
    try:
        found = pool.fingerprint_bytes(data, mode)
    except Exception as error:  # noqa: BLE001 - that there is none is what is tested
        return None, [f"raised {type(error).__name__}"]
    return found, [*_broken_by(found, data), *_late(time.monotonic() - started)]


def case(seed: int, number: int) -> tuple[bytes, Mode]:
    """Make one damaged file; the same for the same numbers."""
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - repeatable on purpose
    files = samples()
    data = bytearray(files[chance.choice(sorted(files))])
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        _damage(data, chance)
    return bytes(data), chance.choice(get_args(Mode))


def _damage(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    length = chance.randrange(1, _LONGEST_PART)
    match chance.randrange(8):
        case 0:
            del data[start:]
        case 1:
            del data[start : start + length]
        case 2:
            data[start:start] = data[start : start + length] * chance.choice((1, 2, 50))
        case 3:
            data[start : start + 4] = chance.randbytes(4)
        case 4:
            _overwrite(data, chance, within=len(data))
        case 5 | 6:
            _overwrite(data, chance, within=_HEADER_BYTES)
        case _:
            other = samples()[chance.choice(sorted(samples()))]
            position = chance.randrange(len(other))
            data[start : start + length] = other[position : position + length]


def _overwrite(data: bytearray, chance: random.Random, *, within: int) -> None:
    """Put a number that is at the edge of its kind where the format may have one."""
    position = chance.randrange(min(len(data), within) + 1)
    size = chance.choice((1, 2, 4))
    number = chance.choice(_INTERESTING) & ((1 << 8 * size) - 1)
    data[position : position + size] = number.to_bytes(size, chance.choice(("big", "little")))


def _broken_by(found: object, data: bytes) -> Iterator[str]:
    if type(found) is not Fingerprints:
        yield "the result is of another type"
        return
    if (found.sha256, found.md5) != (hashlib.sha256(data).hexdigest(), _md5(data)):
        yield "the exact hashes are wrong"
    if not found.pdq and not found.problems:
        yield "neither a hash nor a problem: silently dropped"
    if found.pdq and (found.kind is None or found.media_type is None or not found.width or not found.height):
        yield "a hash of nothing that is known"
    for problem in found.problems:
        if problem.code not in get_args(ProblemCode):
            yield "a problem of unknown code"
        if not problem.detail or "/" in problem.detail or not problem.detail.isprintable():
            yield "a problem whose detail may quote the file"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _late(seconds: float) -> Iterator[str]:
    if seconds > LIMITS.time_s + _GRACE_S:
        yield "it took longer than its limit"


def _repeated(pool: FingerprintPool, seed: int, number: int) -> Row:
    data, mode = case(seed, number)
    found, broken = tried(pool, data, mode)
    problems = [f"{problem.code}: {problem.detail}" for problem in found.problems] if found else []
    note = "; ".join([f"mode {mode}, {len(data)} bytes", *problems, *broken])
    return _target_zero(f"promises broken by file {number} of seed {seed}", len(broken), note=note)


def _memory_row() -> Row:
    """Judge by the largest that any process of the pool ever was: known when all of them have ended."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    most = LIMITS.memory_bytes + _BASE_BYTES
    return Row("memory of a worker at most", peak / (1 << 20), "MB", target=most / (1 << 20), met=peak <= most)


def _target_zero(name: str, value: int, *, note: str) -> Row:
    return Row(name, value, "", target=0, met=value == 0, note=note)


def _numbers(numbers: list[int], seed: int) -> str:
    if not numbers:
        return ""
    return f"./staydown bench fuzz --seed {seed} --number " + " | ".join(map(str, numbers[:_KEPT_NUMBERS]))


def _broken(tally: Tally, seed: int) -> str:
    if not tally.broken:
        return ""
    said = "; ".join(f"{number}: {promise}" for number, promise in tally.broken[:_KEPT_NUMBERS])
    return f"seed {seed}: {said}. Repeat with --seed {seed} --number N"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./staydown bench fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other files (default: 0)")
    parser.add_argument("--number", type=int, help="repeat one file of a run instead")
    return parser.parse_args(list(arguments))
