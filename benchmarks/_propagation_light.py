"""Many light clients in one process: each verifies every event, and keeps no list: HOST PORT VKEY, the key by input.

The first line read is the API key. Each further line is a number: so many clients more connect, and "connected" is
answered. When the input ends it tells, as JSON, when (nanoseconds of the monotonic clock) each position was verified by
the first, the middle and the last client, and how many of them verified it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from base64 import b64decode
from typing import TYPE_CHECKING

from staydown_client.events import EventParser, Heartbeat
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.hashing import entry_leaf_hash
from staydown_client.log_settings import trust_in

from benchmarks._propagation_items import LIST

if TYPE_CHECKING:
    from staydown_client.log.trust import Trust

_HEAD_END = b"\r\n\r\n"


class _Light(asyncio.Protocol):
    """One follower: the client's own parser, leaf hashes, tree and signature check, one for each event."""

    def __init__(self, request: bytes, trust: Trust) -> None:
        self._request = request
        self._trust = trust
        self._head = b""
        self._parser = EventParser()
        self._tree = CompactRange()
        self.connected = asyncio.get_running_loop().create_future()
        self.verified_ns: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._head.endswith(_HEAD_END):
            head, end, data = (self._head + data).partition(_HEAD_END)
            self._head = head + end
            if end and not head.startswith(b"HTTP/1.0 200"):
                self.connected.set_exception(RuntimeError(f"the feed answered {head[:20]!r}"))
        for event in self._parser.feed(data):
            if isinstance(event, Heartbeat):
                if not self.connected.done():
                    self.connected.set_result(None)
            elif event.name == "entries":
                self._verify(json.loads(event.data))

    def _verify(self, told: dict[str, object]) -> None:
        records, note = told["records"], told["checkpoint"]
        if not isinstance(records, list) or not isinstance(note, str) or told["first"] != self._tree.size:
            raise RuntimeError("an event of another form, or out of turn")
        self._tree.append_many(entry_leaf_hash(b64decode(one["salt"]), one["entry"].encode()) for one in records)
        checkpoint = self._trust.open_checkpoint(note, now_s=time.time())
        if (checkpoint.size, checkpoint.root) != (self._tree.size, self._tree.root()):
            raise RuntimeError("what came does not lead to the root that was signed")
        self.verified_ns += [time.monotonic_ns()] * len(records)


async def main(host: str, port: int, vkey: str) -> None:
    """Connect as told, and tell at the end."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_end_at_once)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    key = (await lines.readline()).decode().strip()
    # In HTTP/1.0 the body is the events as they are, in no chunks.
    request = f"GET /feed/v1/lists/{LIST}/events HTTP/1.0\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\r\n"
    trust = trust_in([vkey])
    clients: list[_Light] = []
    while line := await lines.readline():
        for _ in range(int(line)):
            _, client = await loop.create_connection(lambda: _Light(request.encode(), trust), host, port)
            await client.connected
            clients.append(client)
        print("connected", flush=True)
    print(json.dumps(_told(clients)), flush=True)


def _told(clients: list[_Light]) -> list[tuple[int, int, int, int]]:
    positions = max((len(client.verified_ns) for client in clients), default=0)
    told = []
    for position in range(positions):
        at_ns = [client.verified_ns[position] for client in clients if position < len(client.verified_ns)]
        told.append((min(at_ns), statistics.median_low(at_ns), max(at_ns), len(at_ns)))
    return told


def _end_at_once(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """End the benchmark, not only the client that met what may not be."""
    loop.default_exception_handler(context)
    sys.stderr.flush()
    loop.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
