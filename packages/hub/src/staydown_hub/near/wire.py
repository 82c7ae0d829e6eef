"""What is said over the near process's socket: hashes one way, and what is near to them the other.

Question: u32 n, n hashes of 32 bytes. Answer: u32 m, then m rows of u32 (which hash asked for) and u64 (the key of a
fingerprint near to it), nearest first for each hash. Big-endian. A connection may ask again and again.
"""

import socket
import struct
from collections.abc import Sequence
from typing import Final

HASH_BYTES: Final = 32
MAX_HASHES: Final = 200_000
_COUNT: Final = struct.Struct(">I")
_ROW: Final = struct.Struct(">IQ")


class BrokenOffError(Exception):
    """The other side is gone, or does not say what it should."""


def ask(connection: socket.socket, hashes: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return (place among the hashes, fingerprint's key) of all that are near. Raises BrokenOffError and OSError."""
    connection.sendall(_COUNT.pack(len(hashes)) + b"".join(hashes))
    count: int = _COUNT.unpack(_exactly(connection, _COUNT.size))[0]
    return list(_ROW.iter_unpack(_exactly(connection, count * _ROW.size)))


def read_question(connection: socket.socket) -> bytes | None:
    """Return the hashes asked for, one after the other; None when the other side is done. Raises BrokenOffError."""
    head = connection.recv(_COUNT.size, socket.MSG_WAITALL)
    if not head:
        return None
    if len(head) != _COUNT.size or (count := _COUNT.unpack(head)[0]) > MAX_HASHES:
        raise BrokenOffError
    return _exactly(connection, count * HASH_BYTES)


def answer(rows: Sequence[tuple[int, int]]) -> bytes:
    """Return the answer's bytes."""
    return _COUNT.pack(len(rows)) + b"".join(_ROW.pack(*row) for row in rows)


def _exactly(connection: socket.socket, size: int) -> bytes:
    held = bytearray()
    while len(held) < size:
        piece = connection.recv(min(size - len(held), 1 << 20))
        if not piece:
            raise BrokenOffError
        held += piece
    return bytes(held)
