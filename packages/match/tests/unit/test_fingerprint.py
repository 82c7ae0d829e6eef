"""The facade: exact hashes of every file, however it is given, and clear answers to what is no file."""

import dataclasses
import hashlib
import io
import os
import time
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import staydown_match
from numpy.typing import NDArray
from PIL import Image
from staydown_match import (
    MIN_QUALITY,
    Fingerprints,
    InvalidValueError,
    Limits,
    NotAFileError,
    PdqHash,
    fingerprint_bytes,
    fingerprint_file,
    pdq_from_rgb,
)

Pixels: TypeAlias = NDArray[np.uint8]


@pytest.fixture(scope="module")
def png(photographs: dict[str, Pixels]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photographs["coffee.png"]).save(file, "PNG")
    return file.getvalue()


def hashes_of(found: Fingerprints) -> tuple[str, str, str]:
    return found.md5, found.sha1, found.sha256


def hashes_by_hashlib(data: bytes) -> tuple[str, ...]:
    return tuple(hashlib.new(name, data, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256"))


def test_a_picture_has_exact_hashes_and_pdq(png: bytes, photographs: dict[str, Pixels]) -> None:
    found = fingerprint_bytes(png)
    assert hashes_of(found) == hashes_by_hashlib(png)
    assert found.pdq == (pdq_from_rgb(photographs["coffee.png"]),)
    assert found.pdq[0].quality >= MIN_QUALITY
    assert (found.kind, found.media_type, found.duration_s) == ("picture", "image/png", None)
    assert (found.width, found.height, found.problems) == (600, 400, ())


def test_a_file_and_its_bytes_have_the_same_fingerprints(png: bytes, tmp_path: Path) -> None:
    path = tmp_path / "holiday.txt"  # content counts, not the name
    path.write_bytes(png)
    assert fingerprint_file(path) == fingerprint_file(str(path)) == fingerprint_bytes(png)


@pytest.mark.parametrize("size", [1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_exact_hashes_of_any_length(size: int, tmp_path: Path) -> None:
    data = np.random.default_rng(size).bytes(size)
    path = tmp_path / "data"
    path.write_bytes(data)
    assert hashes_of(fingerprint_file(path)) == hashes_by_hashlib(data)


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    found = fingerprint_file(tmp_path / "empty.jpg")
    assert hashes_of(found) == hashes_by_hashlib(b"")
    assert (found.kind, found.media_type, found.pdq) == (None, None, ())
    assert [problem.code for problem in found.problems] == ["empty"]


def test_another_type_is_unsupported_and_still_has_exact_hashes() -> None:
    data = b"OggS\x00\x02" + bytes(100)
    found = fingerprint_bytes(data)
    assert hashes_of(found) == hashes_by_hashlib(data)
    assert (found.kind, found.media_type, found.width, found.pdq) == (None, None, None, ())
    assert [problem.code for problem in found.problems] == ["unsupported"]


def test_an_undecodable_picture_still_has_exact_hashes(png: bytes) -> None:
    data = png[:30]
    found = fingerprint_bytes(data)
    assert hashes_of(found) == hashes_by_hashlib(data)
    assert (found.kind, found.media_type, found.pdq) == ("picture", "image/png", ())
    assert [problem.code for problem in found.problems] == ["truncated"]


def test_a_flat_picture_is_hashed_and_marked_by_its_quality() -> None:
    file = io.BytesIO()
    Image.new("RGB", (200, 100), (12, 200, 7)).save(file, "PNG")
    assert [found.quality for found in fingerprint_bytes(file.getvalue()).pdq] == [0]


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fingerprint_file(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        fingerprint_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    started = time.monotonic()
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(NotAFileError, match="give a file, or read it yourself"):
            fingerprint_file(path)
    assert time.monotonic() - started < 5


def test_a_forbidden_file_is_refused_by_name_of_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.geteuid() == 0:  # no mode keeps root out, so the system's answer is given in its place
        monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError):
        fingerprint_file(path)


def refuse(*_arguments: object, **_options: object) -> None:
    raise PermissionError


def test_options_are_checked() -> None:
    with pytest.raises(InvalidValueError, match="mode: give one of publish, scan, scan-every-frame, not 'fast'"):
        fingerprint_bytes(b"", "fast")  # type: ignore[arg-type]  # what a caller without a type checker may do
    with pytest.raises(InvalidValueError, match="max_pixels: give a number over 0, not 0"):
        Limits(max_pixels=0)


def test_values_are_immutable_and_checked() -> None:
    value = PdqHash(bits=bytes(32), quality=100)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.quality = 3  # type: ignore[misc]  # it must fail
    with pytest.raises(InvalidValueError, match="bits: give 32 bytes, not 31"):
        PdqHash(bits=bytes(31), quality=100)
    for quality in (-1, 101):
        with pytest.raises(InvalidValueError, match="quality: give a number from 0 to 100"):
            PdqHash(bits=bytes(32), quality=quality)


def test_the_advised_thresholds_are_public() -> None:
    assert (staydown_match.MAX_DISTANCE_BITS, staydown_match.MIN_QUALITY) == (31, 50)
