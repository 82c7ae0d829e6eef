"""What a hostile hub, a broken cache or a bad line does to an answer, each named by what it is."""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from packages.client.tests.hostile_hub import Answer, Asked, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packages.client.tests.hostile_hub import Mischief


def cut_short(keep: int) -> Mischief:
    """State the true length, send `keep` bytes and hang up."""
    return lambda _asked, answer: replace(answer, break_after=keep)


def truncated(drop: int) -> Mischief:
    """Send all but the last `drop` bytes as if they were the whole."""
    return lambda _asked, answer: replace(answer, body=whole(answer)[:-drop])


def garbled(seed: int, *, flips: int = 1) -> Mischief:
    """Change bits at random places, the same ones each time."""

    def spoil(_asked: Asked, answer: Answer) -> Answer:
        body = bytearray(whole(answer))
        chosen = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        for _ in range(flips if body else 0):
            body[chosen.randrange(len(body))] ^= 1 << chosen.randrange(8)
        return replace(answer, body=bytes(body))

    return spoil


def noise(length: int, *, seed: int = 0) -> Mischief:
    """Answer with random bytes."""
    return lambda _asked, answer: replace(answer, body=random.Random(seed).randbytes(length))  # noqa: S311 - as above


def dripping(*, chunk_bytes: int = 1, every_s: float = 0.05) -> Mischief:
    """Send the answer crumb by crumb."""

    def crumbs(body: bytes) -> Iterator[bytes]:
        for start in range(0, len(body), chunk_bytes):
            time.sleep(every_s)
            yield body[start : start + chunk_bytes]

    return lambda _asked, answer: replace(answer, body=crumbs(whole(answer)))


def endless(filler: bytes = b"\x00" * 65536) -> Mischief:
    """Never stop sending."""
    return lambda _asked, answer: replace(answer, body=itertools.repeat(filler))


def silent(for_s: float) -> Mischief:
    """Say nothing for a while, then answer as agreed."""
    return lambda _asked, answer: replace(answer, wait_s=for_s)


def instead(body: bytes, *, status: int = 200) -> Mischief:
    """Answer with something else: a replay of an older answer, for one."""
    return lambda _asked, answer: replace(answer, body=body, status=status)


def failing(status: int = 503, code: str = "trouble") -> Mischief:
    """Answer with an error."""
    return lambda _asked, _answer: refusal(status, code, "Something is wrong here.")


def redirected(to: str) -> Mischief:
    """Send the client elsewhere."""
    return lambda _asked, _answer: Answer(status=302, headers={"Location": to})


def in_turn(*mischiefs: Mischief | None) -> Mischief:
    """Do to each request the next of `mischiefs`, the last one for ever; None: as agreed."""
    turns = iter(mischiefs)
    lock, last = threading.Lock(), [mischiefs[-1]]

    def spoil(asked: Asked, answer: Answer) -> Answer:
        with lock:
            chosen = next(turns, last[0])
        return chosen(asked, answer) if chosen else answer

    return spoil


def reordered(waits_s: Sequence[float]) -> Mischief:
    """Delay answers by these times in turn, so that requests made together end in another order."""
    return in_turn(*(silent(wait_s) for wait_s in waits_s))


def whole(answer: Answer) -> bytes:
    """Return the body of an answer that is no stream."""
    assert isinstance(answer.body, bytes)
    return answer.body
