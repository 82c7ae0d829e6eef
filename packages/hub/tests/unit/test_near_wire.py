"""The near process's socket: what is said on one side is what is heard on the other, and nothing half."""

import socket
import struct
import threading

import pytest
from staydown_hub.near import wire


def test_a_question_and_its_answer() -> None:
    left, right = socket.socketpair()
    hashes = [bytes([number]) * 32 for number in range(3)]
    rows = [(0, 1), (2, 2**63 + 5)]

    def serve() -> None:
        asked = wire.read_question(right)
        assert asked == b"".join(hashes)
        right.sendall(wire.answer(rows))

    with left, right:
        thread = threading.Thread(target=serve)
        thread.start()
        assert wire.ask(left, hashes) == rows
        thread.join()
        left.close()
        assert wire.read_question(right) is None


@pytest.mark.parametrize("said", [b"\0", struct.pack(">I", 2), struct.pack(">I", 2) + bytes(20)])
def test_an_answer_that_breaks_off_is_none(said: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        right.sendall(said)
        right.close()
        with pytest.raises((wire.BrokenOffError, OSError)):
            wire.ask(left, [bytes(32)])


@pytest.mark.parametrize(
    "said", [b"\0\0", struct.pack(">I", 2) + bytes(40), struct.pack(">I", wire.MAX_HASHES + 1) + bytes(40)]
)
def test_half_a_question_and_one_without_end_are_not_taken(said: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(said)
        left.close()
        with pytest.raises(wire.BrokenOffError):
            wire.read_question(right)
