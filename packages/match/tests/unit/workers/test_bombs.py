"""Files made to exhaust whoever decodes them: bounded time, bounded memory, and a problem that says so."""

import hashlib
import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import av
import numpy as np
import pytest
from PIL import Image
from staydown_match import FingerprintPool, Fingerprints, Limits, fingerprint_bytes
from staydown_match.types import Mode

from packages.match.tests.odd_files import png_chunk

MEGABYTE = 1 << 20
LIMITS = Limits(time_s=20.0, memory_bytes=1500 * MEGABYTE)
ENOUGH_S = 40.0
"""Twice the limit of time: what a machine with other work may need to notice it."""


@pytest.fixture(scope="module")
def pool() -> Iterator[FingerprintPool]:
    with FingerprintPool(limits=LIMITS, workers=1, files_per_worker=1000) as pool:
        yield pool


class Watch:
    """Looks at the workers' memory all the while, for one that is ended takes its figures along."""

    def __init__(self, pool: FingerprintPool) -> None:
        self._pool = pool
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._note()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self._note()

    def _note(self) -> None:
        for place in self._pool._places._places:
            worker = place.worker
            if worker is not None:
                with suppress(
                    FileNotFoundError, ProcessLookupError, IndexError
                ):  # ended, or ending: has no memory left
                    status = Path(f"/proc/{worker.pid}/status").read_text()
                    peak_bytes = int(status.partition("VmHWM:")[2].split()[0]) * 1024
                    self.peak_bytes = max(self.peak_bytes, peak_bytes)


def survived(pool: FingerprintPool, data: bytes, mode: Mode = "publish") -> Fingerprints:
    """Fingerprint a bomb, and a sound picture after it; assert that time and memory stayed within bounds."""
    started = time.monotonic()
    with Watch(pool) as watch:
        found = pool.fingerprint_bytes(data, mode)
        assert time.monotonic() - started < ENOUGH_S
        assert pool.fingerprint_bytes(encoded(noise(64, 64), "PNG")).problems == ()
    assert 10 * MEGABYTE < watch.peak_bytes < LIMITS.memory_bytes + 400 * MEGABYTE
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    return found


def codes(found: Fingerprints) -> set[str]:
    return {problem.code for problem in found.problems}


def noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png(width: int, height: int, *, extra: bytes = b"", colour_type: int = 0, data: bytes | None = None) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * height), 9) if data is None else data
    chunks = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_png_of_144_megapixels_in_a_few_kilobytes(pool: FingerprintPool) -> None:
    data = png(12_000, 12_000)
    assert len(data) < 200_000
    found = survived(pool, data)
    assert (codes(found), found.pdq) == ({"limit"}, ())


def test_pixels_that_are_allowed_and_memory_that_is_not() -> None:
    """Whoever raises one limit is still kept by the other."""
    limits = Limits(max_pixels=10**9, memory_bytes=200 * MEGABYTE)
    with FingerprintPool(limits=limits, workers=1) as pool:
        found = pool.fingerprint_bytes(png(20_000, 20_000, colour_type=0))
        assert codes(found) <= {"limit", "crashed", "damaged"}
        assert found.problems
        assert found.pdq == ()
        assert pool.fingerprint_bytes(encoded(noise(64, 64), "PNG")).problems == ()


@pytest.mark.parametrize("name", ["zTXt", "iTXt", "iCCP"])
@pytest.mark.parametrize("count", [1, 300])
def test_text_and_profiles_that_unpack_to_gigabytes(pool: FingerprintPool, name: str, count: int) -> None:
    """A gigabyte of zeros in a megabyte, in one or cut into many."""
    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)  # stands alone, so it can be repeated
    packed = start + megabyte * (1000 // count)
    content = {"zTXt": b"c\0\0", "iTXt": b"c\0\1\0\0\0", "iCCP": b"c\0\0"}[name] + packed
    data = png(64, 64, extra=png_chunk(name.encode(), content) * count)
    found = survived(pool, data)
    assert found.pdq or codes(found) & {"limit", "damaged"}


@pytest.mark.parametrize(("width", "height"), [(65_500, 65_500), (65_535, 65_535), (65_535, 64)])
def test_a_jpeg_whose_header_lies(pool: FingerprintPool, width: int, height: int) -> None:
    data = bytearray(encoded(noise(64, 64), "JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    found = survived(pool, bytes(data))
    assert codes(found) <= {"limit", "truncated", "damaged"}
    assert found.problems


@pytest.mark.parametrize(("width", "height"), [(30_000, 400), (400, 30_000), (30_000, 3_000)])
def test_pictures_30000_pixels_wide_are_read(pool: FingerprintPool, width: int, height: int) -> None:
    """Panoramas and long screenshots are no attack."""
    picture = noise(50, 50).resize((width, height), Image.Resampling.BILINEAR)
    found = survived(pool, encoded(picture, "JPEG"))
    assert (found.problems, found.width, found.height) == ((), width, height)
    assert found.pdq[0].quality > 0


def tiff(entries: list[tuple[int, int, int, int]]) -> bytes:
    """Make a TIFF of one directory: entries are (tag, type, count, value or offset)."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(4) + bytes(4096)


SHORT, LONG = 3, 4
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, ROWS_PER_STRIP, STRIP_BYTES = (
    256,
    257,
    258,
    259,
    262,
    273,
    278,
    279,
)
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 322, 323, 324, 325


@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize("count", [1_000, 0x0FFF_FFFF, 0xFFFF_FFFF])
def test_tiffs_of_absurdly_many_tiles(pool: FingerprintPool, compression: int, count: int) -> None:
    common = [(WIDTH, LONG, 1, 9_000), (HEIGHT, LONG, 1, 9_000), (BITS, SHORT, 1, 8)]
    common += [(COMPRESSION, SHORT, 1, compression), (PHOTOMETRIC, SHORT, 1, 1)]
    tiles = [
        (TILE_WIDTH, LONG, 1, 1),
        (TILE_HEIGHT, LONG, 1, 1),
        (TILES, LONG, count, 256),
        (TILE_BYTES, LONG, count, 256),
    ]
    strips = [(ROWS_PER_STRIP, LONG, 1, 1), (STRIPS, LONG, count, 256), (STRIP_BYTES, LONG, count, 256)]
    for parts in (tiles, strips):
        found = survived(pool, tiff(common + parts))
        assert codes(found) & {"damaged", "truncated", "limit", "unsupported"}


def test_a_tiff_whose_pages_go_round_in_a_circle(pool: FingerprintPool) -> None:
    data = bytearray(encoded(noise(32, 32), "TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    found = survived(pool, bytes(data))
    assert found.pdq == fingerprint_bytes(encoded(noise(32, 32), "TIFF")).pdq, "the page is there, and there once"


def gif(frames: int, *, side: int, canvas: int) -> bytes:
    """Make an animation whose frames, a few bytes each, change a corner of a canvas of any size."""
    picture = encoded(Image.new("P", (side, side), 1), "GIF")
    body = picture[picture.rindex(b",\0\0\0\0") : -1]
    control = b"\x21\xf9\x04\x04\x01\x00\x00\x00"
    header = bytearray(picture[: picture.index(b",\0\0\0\0")])
    struct.pack_into("<HH", header, 6, canvas, canvas)
    return bytes(header) + (control + body) * frames + b";"


@pytest.mark.parametrize(("frames", "canvas"), [(300_000, 16), (4_000, 2_000)])
def test_a_gif_without_end(frames: int, canvas: int) -> None:
    """Many frames, or fewer on a canvas so large that each costs 4 million pixels: what there was time for is kept."""
    with FingerprintPool(limits=Limits(time_s=6.0), workers=1) as pool:
        found = survived(pool, gif(frames, side=4, canvas=canvas))
    assert "limit" in codes(found)
    assert found.pdq


def test_a_webp_of_many_frames(pool: FingerprintPool) -> None:
    frames = [Image.fromarray(np.full((16, 16, 3), shade, np.uint8)) for shade in range(256)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:] * 4, duration=1)
    found = survived(pool, data)
    assert found.kind == "picture"
    assert found.pdq


def test_the_number_of_frames_is_limited() -> None:
    data = gif(50, side=4, canvas=16)
    with FingerprintPool(limits=Limits(max_frames=10), workers=1) as pool:
        found = pool.fingerprint_bytes(data)
    assert codes(found) == {"limit"}
    assert found.pdq


@pytest.mark.parametrize("start", [b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypisom"])
def test_boxes_in_boxes_in_boxes(pool: FingerprintPool, start: bytes) -> None:
    depth = 100_000
    boxes = b"".join(
        struct.pack(">I4s", 8 * (depth - level), b"meta" if level % 2 else b"udta") for level in range(depth)
    )
    found = survived(pool, start + b"\0\0\0\0mif1avif" + boxes)
    assert (codes(found), found.pdq) == ({"limit"}, ())


def matroska(frames: int) -> bytes:
    """Make a video of that many frames, by repeating the clusters of a short one; frames of noise, 32 pixels wide."""
    file, chance = io.BytesIO(), np.random.default_rng(2)
    with av.open(file, "w", format="matroska", options={"live": "1"}) as output:
        stream = output.add_stream("mpeg4", rate=25, options={"g": "50"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(_REPEATED):
            shades = np.repeat(np.repeat(chance.integers(0, 256, (4, 4, 3), np.uint8), 8, axis=0), 8, axis=1)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(shades, format="rgb24")))
        output.mux(stream.encode())
    head, cluster, rest = file.getvalue().partition(bytes.fromhex("1f43b675"))
    return head + (cluster + rest) * (frames // _REPEATED)


_REPEATED = 100


@pytest.mark.parametrize("mode", ["publish", "scan"])
def test_a_video_of_a_million_frames(mode: Mode) -> None:
    data = matroska(1_000_000)
    with FingerprintPool(limits=Limits(time_s=6.0, memory_bytes=LIMITS.memory_bytes), workers=1) as pool:
        found = survived(pool, data, mode)
    assert "limit" in codes(found)
    assert found.kind == "video"
    assert len(found.pdq) < 100_000


def test_the_frames_of_a_video_are_limited() -> None:
    with FingerprintPool(limits=Limits(max_frames=30), workers=1) as pool:
        found = pool.fingerprint_bytes(matroska(1000))
    assert "limit" in codes(found)
    assert 0 < len(found.pdq) <= 60  # of each frame at most two: the whole, and what is inside its bars


FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")


@pytest.mark.parametrize("outer", FORMATS)
def test_what_follows_a_picture_is_no_picture_of_its_own(pool: FingerprintPool, outer: str) -> None:
    first = encoded(noise(32, 32), outer)
    alone = pool.fingerprint_bytes(first)
    assert len(alone.pdq) == 1
    for inner in FORMATS:
        other = encoded(noise(40, 48), inner)
        assert pool.fingerprint_bytes(other).pdq != alone.pdq
        found = survived(pool, first + other * 20)
        assert (found.media_type, found.pdq) == (alone.media_type, alone.pdq), inner
