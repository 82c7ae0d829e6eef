"""Whatever bytes a file holds, fingerprinting answers: exact hashes always, and a problem instead of an exception."""

import hashlib
import io
import random
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile
from staydown_match import Fingerprints, fingerprint_bytes
from staydown_match._formats import PictureFormat
from staydown_match.decode import open_picture

Pixels: TypeAlias = NDArray[np.uint8]

MUTANTS_OF_EACH = 60
INTERESTING = (0, 1, 127, 128, 254, 255)


def sample() -> Image.Image:
    rows, columns = np.mgrid[:90, :120]
    return Image.fromarray(np.stack([columns * 2, rows * 2, rows * columns // 50], axis=-1).astype(np.uint8))


def samples() -> dict[str, bytes]:
    """Make a small file of each kind of each format."""
    image, exif = sample(), Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [image.rotate(90)]}
    makers: dict[str, tuple[str, Image.Image, dict[str, object]]] = {
        "jpeg": ("JPEG", image, {"exif": exif}),
        "progressive": ("JPEG", image, {"progressive": True}),
        "cmyk": ("JPEG", image.convert("CMYK"), {}),
        "png": ("PNG", image, {"exif": exif}),
        "alpha": ("PNG", image.convert("RGBA"), {}),
        "palette": ("PNG", image.quantize(64), {"transparency": 3}),
        "grey-16": ("PNG", Image.fromarray(np.arange(10800, dtype=np.uint16).reshape(90, 120) * 6), {}),
        "apng": ("PNG", image, frames),
        "gif": ("GIF", image.quantize(32), frames),
        "webp": ("WEBP", image, {"exif": exif}),
        "webp-lossless": ("WEBP", image, {"lossless": True}),
        "webp-animated": ("WEBP", image, frames),
        "bmp": ("BMP", image, {}),
        "tiff": ("TIFF", image, {"exif": exif}),
        "tiff-lzw": ("TIFF", image, {"compression": "tiff_lzw"}),
        "tiff-jpeg": ("TIFF", image, {"compression": "jpeg"}),
    }
    return {name: encoded(file_format, made, options) for name, (file_format, made, options) in makers.items()}


def encoded(file_format: str, image: Image.Image, options: dict[str, object]) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


SAMPLES = samples()
SIGNATURE = re.compile(rb"\x89PNG")


def mutants(data: bytes, seed: str) -> Iterator[bytes]:
    """Cut, overwrite, cut out and double parts of a file, the same ones in every run."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    for _ in range(MUTANTS_OF_EACH):
        mutant = bytearray(data)
        start = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                del mutant[start:]
            case 1:
                del mutant[start : start + chance.randrange(1, 300)]
            case 2:
                mutant[start:start] = mutant[start : start + chance.randrange(1, 300)]
            case 3:
                for _ in range(chance.randint(1, 10)):
                    mutant[chance.randrange(len(data))] = chance.randrange(256)
            case _:
                for _ in range(chance.randint(1, 4)):
                    mutant[chance.randrange(min(len(data), 200))] = chance.choice(INTERESTING)
        yield bytes(mutant)


def check(data: bytes, found: Fingerprints) -> None:
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.pdq or found.problems, "neither fingerprint nor problem: silently dropped"
    assert (found.width is None) == (found.pdq == ())
    assert all("/" not in problem.detail and "'" not in problem.detail for problem in found.problems)


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_answered(name: str) -> None:
    for mutant in mutants(SAMPLES[name], seed=name):
        check(mutant, fingerprint_bytes(mutant))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_short_beginning_is_answered(name: str) -> None:
    data = SAMPLES[name]
    for length in [*range(1, 64), *range(64, len(data), len(data) // 40)]:
        check(data[:length], fingerprint_bytes(data[:length]))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "limit"),
        (Image.DecompressionBombError(), "limit"),
        (Image.DecompressionBombWarning(), "limit"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (OSError("Unsupported BMP compression (7)"), "unsupported"),
        (SyntaxError("broken PNG file"), "damaged"),
        (struct.error("unpack requires a buffer of 4 bytes"), "damaged"),
        (OverflowError(), "damaged"),
        (ZeroDivisionError(), "damaged"),
        (RecursionError(), "damaged"),
        (AssertionError(), "damaged"),
        (AttributeError(), "damaged"),
        (zlib.error(), "damaged"),
        (UserWarning("Corrupt EXIF data"), "damaged"),
    ],
)
def test_every_exception_of_a_decoder_becomes_a_problem(
    error: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_source: object) -> ImageFile.ImageFile:
        raise error

    found = PictureFormat("PNG", "image/png", SIGNATURE, fail, keeps_partial=True)
    monkeypatch.setattr("staydown_match._formats._FORMATS", (found,))
    picture = open_picture(io.BytesIO(SAMPLES["png"]))
    assert picture is not None
    assert list(picture.frames()) == []
    assert [problem.code for problem in picture.problems] == [code]


def test_an_interrupt_is_not_taken_for_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_source: object) -> ImageFile.ImageFile:
        raise KeyboardInterrupt

    found = PictureFormat("PNG", "image/png", SIGNATURE, interrupt, keeps_partial=True)
    monkeypatch.setattr("staydown_match._formats._FORMATS", (found,))
    with pytest.raises(KeyboardInterrupt):
        fingerprint_bytes(SAMPLES["png"])


def test_text_that_unpacks_to_megabytes_is_a_limit() -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(3_000_000))
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    data = SAMPLES["alpha"]
    found = fingerprint_bytes(data[:33] + chunk + data[33:])
    assert [problem.code for problem in found.problems] == ["limit"]


def test_many_threads_see_what_one_sees() -> None:
    """Cut, damaged, over-large and sound files at once: no thread's file changes another's answer."""
    chance = random.Random(5)  # noqa: S311 - repeatable on purpose
    files = [*SAMPLES.values(), *(next(mutants(data, name)) for name, data in SAMPLES.items())]
    files += [data[: len(data) * 2 // 3] for data in SAMPLES.values()]
    alone = {data: fingerprint_bytes(data) for data in files}
    rush = files * 6
    chance.shuffle(rush)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fingerprint_bytes, rush)) == [alone[data] for data in rush]


def test_no_setting_of_the_process_is_touched() -> None:
    """Also not for a moment: a thread that watches them sees them unchanged throughout."""
    filters, done, seen = warnings.filters, threading.Event(), set[tuple[bool, int | None, bool]]()

    def watch() -> None:
        while not done.is_set():
            seen.add((ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, warnings.filters is filters))

    expected = {(ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, True)}
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for data in SAMPLES.values():
            fingerprint_bytes(data[:-40])
    finally:
        done.set()
        watcher.join()
    assert seen == expected


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "bmp"])
def test_a_host_program_that_loads_truncated_pictures_still_hears_of_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    found = fingerprint_bytes(SAMPLES[name][: len(SAMPLES[name]) // 4])
    assert "truncated" in [problem.code for problem in found.problems]
