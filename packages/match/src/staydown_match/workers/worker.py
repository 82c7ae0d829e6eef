"""A worker: takes open files one after the other, looks into them, answers, and is ended when it has seen enough.

It is forked from the nursery with all of its code loaded, walls itself in, and from then on can only read what it is
handed, compute, and answer.
"""

import os
import socket
from collections.abc import Callable
from typing import BinaryIO, TypeAlias

from staydown_match.content import Content
from staydown_match.limits import Limits
from staydown_match.types import Mode, Problem
from staydown_match.workers.confinement import (
    Surroundings,
    confine,
    start_processor_clock,
    stop_processor_clock,
)
from staydown_match.workers.messages import GoneError, receive_request, send_answer, send_walls

Reader: TypeAlias = Callable[[BinaryIO, Mode, Limits], Content]

_NO_MEMORY = Content(
    problems=(Problem(code="limit", detail="decoding the file takes more memory than is given to one"),)
)
_SHARE_OF_MEMORY_TO_GROW = 0.125


def serve(connection: socket.socket, reader: Reader, surroundings: Surroundings) -> None:
    """Answer requests until the other side is gone or this process has grown too much."""
    statm = os.open("/proc/self/statm", os.O_RDONLY)
    send_walls(connection, confine(surroundings))
    limits = surroundings.limits
    at_most_bytes = _memory_bytes(statm) + limits.memory_bytes * _SHARE_OF_MEMORY_TO_GROW
    grown = False
    while not grown:
        try:
            mode, descriptor = receive_request(connection)
        except GoneError:
            return
        content = _look(descriptor, mode, reader, limits)
        grown = _memory_bytes(statm) > at_most_bytes
        send_answer(connection, content, is_last=grown)


def _look(descriptor: int, mode: Mode, reader: Reader, limits: Limits) -> Content:
    start_processor_clock(limits)
    try:
        with open(descriptor, "rb") as file:
            return reader(file, mode, limits)
    except MemoryError:
        return _NO_MEMORY
    finally:
        stop_processor_clock()


def _memory_bytes(statm: int) -> int:
    return int(os.pread(statm, 64, 0).split()[0]) * os.sysconf("SC_PAGESIZE")
