"""A short run of the fuzzer, the same each time; `./staydown bench fuzz --minutes N` is the long one."""

from collections.abc import Iterator
from typing import get_args

import pytest
from staydown_match import FingerprintPool, fingerprint_bytes
from staydown_match.types import Mode

from benchmarks.fuzz import LIMITS, case, fuzz, tried
from benchmarks.report import Row
from benchmarks.samples import samples

FILES = 500


@pytest.fixture(scope="module")
def pool() -> Iterator[FingerprintPool]:
    with FingerprintPool(limits=LIMITS) as pool:
        yield pool


def test_no_damaged_file_breaks_a_promise(pool: FingerprintPool) -> None:
    tally = fuzz(pool, seed=1, count=FILES)
    assert tally.files == FILES
    assert tally.broken == []
    assert len(tally.codes) >= 4, "the files are not damaged enough to tell anything"


def test_the_same_number_is_the_same_file() -> None:
    assert case(1, 17) == case(1, 17)
    assert len({case(1, number) for number in range(100)}) == 100
    assert case(2, 17) != case(1, 17)


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("kind", samples())
def test_sound_files_are_found_alike_inside_and_outside(pool: FingerprintPool, kind: str, mode: Mode) -> None:
    """Behind its walls a decoder can load nothing any more: whatever it would miss shows here."""
    data = samples()[kind]
    inside, outside = pool.fingerprint_bytes(data, mode), fingerprint_bytes(data, mode)
    assert inside == outside
    assert [pdq.orientations for pdq in inside.pdq] == [pdq.orientations for pdq in outside.pdq]
    assert inside.pdq or inside.problems


class Lying:
    """A pool that breaks its promises, to see that the fuzzer notices."""

    def fingerprint_bytes(self, data: bytes, mode: Mode) -> object:
        if not data:
            raise ValueError
        found = fingerprint_bytes(data[:-1] if data[-1:] == b"x" else data, mode)
        return found.sha256 if data == b"other type" else found


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (b"", ["raised ValueError"]),
        (b"other type", ["the result is of another type"]),
        (b"wrong hashes x", ["the exact hashes are wrong"]),
        (b"nothing wrong", []),
    ],
)
def test_a_broken_promise_is_noticed(data: bytes, broken: list[str]) -> None:
    assert tried(Lying(), data, "publish")[1] == broken  # type: ignore[arg-type]  # it is no pool, on purpose


def test_the_report_has_its_rows() -> None:
    from benchmarks import fuzz as benchmark  # noqa: PLC0415 - its name is that of the function above

    rows = list(benchmark.run(quick=False, arguments=["--minutes", "0.05", "--seed", "3"]))
    assert [row.met for row in rows][:4] == [True, None, None, True]
    assert rows[-1].value > 0
    (repeated,) = benchmark.run(quick=False, arguments=["--seed", "3", "--number", "5"])
    assert isinstance(repeated, Row)
    assert "bytes" in repeated.note
