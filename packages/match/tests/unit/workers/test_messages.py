"""Answers are read as a stranger's: what is right comes through whole, and nothing else comes through."""

import json
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import TypeAlias

import pytest
from staydown_match import PdqHash, Problem
from staydown_match.content import Content
from staydown_match.workers.messages import (
    MAX_HASHES,
    BadAnswerError,
    GoneError,
    TooLateError,
    receive_answer,
    send_answer,
)

Pair: TypeAlias = tuple[socket.socket, socket.socket]

RECORD = struct.Struct(">32sBBd?256s")
HEAD: dict[str, object] = {
    "kind": "picture",
    "media_type": "image/png",
    "width": 4,
    "height": 3,
    "duration_s": None,
    "problems": [["limit", "too large"]],
    "is_last": False,
}
CONTENT = Content(
    kind="video",
    media_type="video/mp4",
    width=1920,
    height=1080,
    duration_s=12.5,
    pdq=(
        PdqHash(bits=bytes(range(32)), quality=100, variant="trimmed", at_s=0.04, orientations=bytes(256)),
        PdqHash(bits=bytes(32), quality=0),
    ),
    problems=(Problem(code="truncated", detail="the data ends too early"),),
)


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def received(pair: Pair, data: bytes) -> tuple[Content, bool]:
    def send() -> None:
        with pair[1]:
            pair[1].sendall(data)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return receive_answer(pair[0], deadline=time.monotonic() + 10)
    finally:
        sender.join()


def answer(head: object, records: bytes = b"") -> bytes:
    head_bytes = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack(">II", len(head_bytes), len(records)) + head_bytes + records


@pytest.mark.parametrize("is_last", [True, False])
def test_content_comes_through_whole(pair: Pair, is_last: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    send_answer(pair[1], CONTENT, is_last=is_last)
    found, last = receive_answer(pair[0], deadline=time.monotonic() + 10)
    assert (found, last) == (CONTENT, is_last)
    assert [pdq.orientations for pdq in found.pdq] == [bytes(256), b""]


def test_too_many_hashes_are_cut_and_said_to_be(pair: Pair) -> None:
    many = Content(kind="video", media_type="video/mp4", pdq=CONTENT.pdq * (MAX_HASHES // 2 + 1))
    sender = threading.Thread(target=send_answer, args=(pair[1], many), kwargs={"is_last": False})
    sender.start()
    found, _ = receive_answer(pair[0], deadline=time.monotonic() + 60)
    sender.join()
    assert len(found.pdq) == MAX_HASHES
    assert [problem.code for problem in found.problems] == ["limit"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "person"),
        ("kind", 1),
        ("media_type", "image/png\n"),
        ("media_type", "x" * 200),
        ("media_type", ["image/png"]),
        ("width", 0),
        ("width", -1),
        ("width", True),
        ("width", 1.5),
        ("width", 1 << 31),
        ("height", "3"),
        ("duration_s", -0.5),
        ("duration_s", "long"),
        ("duration_s", True),
        ("problems", [["worse", "x"]]),
        ("problems", [["limit", "x" * 301]]),
        ("problems", [["limit", "two\nlines"]]),
        ("problems", [["limit", None]]),
        ("problems", [[None, "x"]]),
        ("problems", [["limit"]]),
        ("problems", "limit"),
        ("problems", [["limit", "x"]] * 101),
        ("problems", []),
        ("is_last", 1),
        ("is_last", None),
    ],
)
def test_a_head_that_is_not_right_is_refused(pair: Pair, name: str, value: object) -> None:
    with pytest.raises(BadAnswerError):
        received(pair, answer({**HEAD, name: value}))


def test_the_head_that_those_are_made_from_is_right(pair: Pair) -> None:
    assert received(pair, answer(HEAD))[0].problems == (Problem(code="limit", detail="too large"),)


@pytest.mark.parametrize(
    "head",
    [b"", b"{", b"[]", b"null", b"NaN", b'"x"', b"[" * 60_000, b"\xff\xfe", b"9" * 60_000, *(
        json.dumps({key: value for key, value in HEAD.items() if key != left_out}).encode() for left_out in HEAD
    )],
)  # fmt: skip
def test_a_head_of_another_shape_is_refused(pair: Pair, head: bytes) -> None:
    with pytest.raises(BadAnswerError):
        received(pair, answer(head))


@pytest.mark.parametrize(
    "record",
    [
        RECORD.pack(bytes(32), 101, 0, 0.0, 0, b""),
        RECORD.pack(bytes(32), 50, 2, 0.0, 0, b""),
        RECORD.pack(bytes(32), 50, 0, math.inf, 0, b""),
        RECORD.pack(bytes(32), 50, 0, -math.inf, 0, b""),
        bytes(RECORD.size - 1),
    ],
)
def test_a_record_that_is_not_right_is_refused(pair: Pair, record: bytes) -> None:
    with pytest.raises(BadAnswerError):
        received(pair, answer(HEAD, record))


@pytest.mark.parametrize(
    "sizes", [(1 << 17, 0), (0xFFFFFFFF, 0), (10, 0xFFFFFFFF), (10, RECORD.size * (MAX_HASHES + 1))]
)
def test_an_announcement_of_too_much_is_refused_unread(pair: Pair, sizes: tuple[int, int]) -> None:
    with pytest.raises(BadAnswerError):
        received(pair, struct.pack(">II", *sizes))


@pytest.mark.parametrize("length", [0, 1, 7, 8, 20])
def test_an_answer_that_ends_early(pair: Pair, length: int) -> None:
    with pytest.raises(GoneError):
        received(pair, answer(HEAD)[:length])


def test_an_answer_that_does_not_come(pair: Pair) -> None:
    with pytest.raises(TooLateError):
        receive_answer(pair[0], deadline=time.monotonic() + 0.05)


def test_an_answer_that_is_there_counts_after_its_time(pair: Pair) -> None:
    """Who hashed a large file meanwhile may be late itself."""
    pair[1].sendall(answer(HEAD))
    assert receive_answer(pair[0], deadline=time.monotonic() - 5)[0].width == 4


def test_noise_is_refused() -> None:
    chance = random.Random(3)  # noqa: S311 - repeatable on purpose
    right = answer(HEAD, RECORD.pack(bytes(32), 50, 0, 0.0, 0, b""))
    for _ in range(300):
        data = bytearray(right)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            try:
                content, _ = received((ours, theirs), bytes(data))
            except (BadAnswerError, GoneError):
                continue
            assert all(0 <= pdq.quality <= 100 and len(pdq.bits) == 32 for pdq in content.pdq)
            assert all(problem.detail.isprintable() for problem in content.problems)
