"""Asks an HTTP server as fast as it answers, over a few connections from one thread; keeps each answer's time."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HEAD_END = b"\r\n\r\n"


@dataclass
class Load:
    """What a run found: answers by their time, in seconds. `asking_s` is the processor's time that asking took."""

    seconds: float
    asking_s: float
    latencies_s: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers a second, by the clock."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return how many milliseconds so many in a hundred answers took at most."""
        return float(np.percentile(self.latencies_s, percent) * 1000)


@dataclass
class _Connection:
    socket: socket.socket
    number: int
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    expected: int = -1


def request(path: str, content_type: str, body: bytes) -> bytes:
    """Return one POST as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}"
    return head.encode() + _HEAD_END + body


def run(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    for_s: float,
    check: Callable[[bytes], bool],
) -> Load:
    """Send `requests` in turn, the next one on a connection when it was answered. Raises when an answer is not good."""
    with selectors.DefaultSelector() as selector:
        for number in range(connections):
            opened = socket.create_connection(("127.0.0.1", port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(opened, number)
            selector.register(opened, selectors.EVENT_READ, connection)
            _send(connection, requests[number % len(requests)])
        load = _answers(selector, requests, for_s, check)
        for key in list(selector.get_map().values()):
            key.data.socket.close()
        return load


def _answers(
    selector: selectors.BaseSelector, requests: Sequence[bytes], for_s: float, check: Callable[[bytes], bool]
) -> Load:
    latencies: list[float] = []
    began, began_cpu = time.perf_counter(), time.thread_time()
    asked = len(selector.get_map())
    while (elapsed := time.perf_counter() - began) < for_s:
        for key, _ in selector.select(1.0):
            connection: _Connection = key.data
            if not _is_whole(connection):
                continue
            latencies.append(time.perf_counter() - connection.sent_at)
            if not connection.received.startswith(b"HTTP/1.1 200") or not check(bytes(connection.received)):
                raise RuntimeError(f"a bad answer: {bytes(connection.received[:200])!r}")
            connection.received.clear()
            connection.expected = -1
            _send(connection, requests[asked % len(requests)])
            asked += 1
    return Load(elapsed, time.thread_time() - began_cpu, latencies)


def _send(connection: _Connection, data: bytes) -> None:
    connection.sent_at = time.perf_counter()
    connection.socket.sendall(data)


def _is_whole(connection: _Connection) -> bool:
    data = connection.socket.recv(1 << 20)
    if not data:
        raise RuntimeError("the server hung up")
    connection.received += data
    if connection.expected < 0:
        end = connection.received.find(_HEAD_END)
        if end < 0:
            return False
        head = bytes(connection.received[:end]).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        connection.expected = end + len(_HEAD_END) + length
    return len(connection.received) >= connection.expected
