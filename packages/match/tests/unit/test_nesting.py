"""Depth of boxes: real containers are shallow, hostile ones are found out, and neither takes long."""

import importlib
import io
import struct
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image
from staydown_match.nesting import nests_deeper_than

REAL_DEPTH = 11


def iso(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", 4 + len(content)) + b"data" + content


def ebml(name: bytes, content: bytes) -> bytes:
    return name + (1 << 56 | len(content)).to_bytes(8, "big") + content


def iso_nest(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = iso(b"udta", content)
    return iso(b"ftyp", b"isom") + content


def riff_nest(depth: int) -> bytes:
    content = b""
    for _ in range(depth - 1):
        content = riff(b"LIST", content)
    return riff(b"RIFF", content)


def ebml_nest(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = ebml(bytes.fromhex("67c8"), content)
    return ebml(bytes.fromhex("1a45dfa3"), b"") + content


NESTS = {"iso": iso_nest, "riff": riff_nest, "ebml": ebml_nest}


@pytest.mark.parametrize("kind", NESTS)
@pytest.mark.parametrize("depth", [1, 2, 16, 3000])
def test_the_depth_is_counted(kind: str, depth: int) -> None:
    file = io.BytesIO(NESTS[kind](depth))
    assert not nests_deeper_than(file, depth)
    assert depth == 1 or nests_deeper_than(file, depth - 1)


@pytest.mark.parametrize(("container", "options"), [
    ("mp4", {}), ("mp4", {"movflags": "frag_keyframe+empty_moov"}), ("mov", {}), ("matroska", {}),
    ("matroska", {"live": "1"}), ("webm", {"live": "1", "cluster_time_limit": "40"}), ("avi", {}),
])  # fmt: skip
def test_real_videos_are_shallow(container: str, options: dict[str, str]) -> None:
    file = video(container, options)
    assert not nests_deeper_than(file, REAL_DEPTH)
    assert nests_deeper_than(file, 1) or "live" in options


def video(container: str, options: dict[str, str]) -> io.BytesIO:
    av: Any = importlib.import_module("av")
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream("libvpx" if container == "webm" else "mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(60):
            pixels = np.full((48, 64, 3), shade * 4, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode())
    file.seek(0)
    return file


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "PNG", "JPEG", "GIF", "TIFF"])
def test_real_pictures_are_shallow(file_format: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 199)).save(file, file_format)
    assert not nests_deeper_than(file, REAL_DEPTH)


@pytest.mark.parametrize("data", [
    b"", b"RIFF", b"\x1a\x45\xdf\xa3", b"\0\0\0\0ftyp", b"\0\0\0\1ftyp" + bytes(8), b"\0\0\0\7moov" + bytes(40),
    iso(b"moov", b"\0\0\0\1udta" + b"\xff" * 8), b"RIFF\xff\xff\xff\xffWEBPLIST\xff\xff\xff\xffdata",
    ebml(bytes.fromhex("1a45dfa3"), b"\0" * 40), b"\x1a\x45\xdf\xa3\xff" + b"\xa0\xff" * 5,
])  # fmt: skip
def test_broken_sizes_end_the_walk(data: bytes) -> None:
    assert not nests_deeper_than(io.BytesIO(data), REAL_DEPTH)
    assert not nests_deeper_than(io.BytesIO(data[:-3]), REAL_DEPTH)


@pytest.mark.parametrize("box", [iso(b"free", b""), iso(b"moov", b"")])
def test_millions_of_empty_boxes_take_a_bounded_time(box: bytes) -> None:
    file = io.BytesIO(iso(b"ftyp", b"isom") + box * 3_000_000)
    started = time.monotonic()
    assert not nests_deeper_than(file, REAL_DEPTH)
    assert time.monotonic() - started < 10
