"""One list at the hub's feed: checkpoints, bundles, the tail and live events. What comes is not believed yet."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import msgspec

from staydown_client.entries import MAX_ENTRY_BYTES, MAX_POSITION
from staydown_client.errors import HubRefusedError, LogRefusedError
from staydown_client.events import EventParser, ServerEvent
from staydown_client.log.bundle import leaf_hashes, parse_bundle
from staydown_client.log.hashing import HASH_BYTES, SALT_BYTES, entry_leaf_hash
from staydown_client.log.notes import MAX_NOTE_CHARACTERS
from staydown_client.log.tiles import TILE_WIDTH, index_path
from staydown_client.transport import ANSWER_DEADLINE_S
from staydown_client.wire import known_fields_at, list_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from staydown_client.log.bundle import Record
    from staydown_client.transport import Packed, Stream, Transport

BUNDLE_RECORDS: Final = 4096
MAX_PACKED_BYTES: Final = 128 * 1024 * 1024
MAX_BUNDLE_BYTES: Final = 256 * 1024 * 1024
LONGEST_EVENT_S: Final = ANSWER_DEADLINE_S
_MAX_KEYS: Final = 100


@dataclass(frozen=True, slots=True)
class Records:
    """A run of the log as it came: the leaves' hashes, and the entries' texts, None where one was redacted."""

    first: int
    leaves: list[bytes]
    bodies: list[bytes | None]

    def __len__(self) -> int:
        return len(self.leaves)

    def part(self, start: int, stop: int) -> Records:
        """Return the records at positions `start` to `stop`, as far as they are here."""
        begin, end = max(start - self.first, 0), max(stop - self.first, 0)
        return Records(max(start, self.first), self.leaves[begin:end], self.bodies[begin:end])


@dataclass(frozen=True, slots=True)
class News:
    """Records that arrived live, with the checkpoint that ends with them."""

    records: Records
    note: str


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that more witnesses signed."""

    note: str


@dataclass(frozen=True, slots=True)
class Behind:
    """The hub has more than it sends live: catch up first."""

    size: int


@dataclass(frozen=True, slots=True)
class Alive:
    """A heartbeat: there is nothing newer."""


LiveEvent: TypeAlias = News | Cosigned | Behind | Alive


class Feed:
    """One list at one feed address."""

    def __init__(self, transport: Transport, *, list_name: str) -> None:
        self._transport = transport
        self._base = f"/feed/v1/lists/{list_name}"

    def checkpoint(self) -> str:
        """Return the newest checkpoint, a signed note."""
        return self._transport.get_text(f"{self._base}/checkpoint", max_bytes=4 * MAX_NOTE_CHARACTERS)

    def keys(self) -> list[tuple[str, str | None]]:
        """Return the keys that the hub names, each with its endorsement if it has one."""
        body = known_fields_at(self._transport.get(f"{self._base}/keys"), "keys", fields=("keys",))
        found = []
        for each in list_at(body["keys"], "keys", max_length=_MAX_KEYS):
            key = known_fields_at(each, "keys", fields=("vkey", "endorsement"))
            endorsement = key["endorsement"]
            found.append((str(key["vkey"]), endorsement if isinstance(endorsement, str) else None))
        return found

    def bundle(self, number: int) -> Packed:
        """Return one full bundle as it travels; `unpack_records` reads it."""
        return self._transport.get_packed(f"{self._base}/bundle/{index_path(number)}", max_bytes=MAX_PACKED_BYTES)

    def tail(self, *, after: int) -> Records:
        """Return what follows position `after`, at most a bundle's length."""
        path = f"{self._base}/tail?after={after}&limit={BUNDLE_RECORDS}"
        return unpack_records(self._transport.get_packed(path, max_bytes=MAX_PACKED_BYTES))

    def record(self, position: int) -> Record | None:
        """Return what the list holds at one position, with its salt; None when it is not there yet."""
        path = f"{self._base}/tail?after={position - 1}&limit=1"
        first, records = parse_bundle(self._transport.get_bytes(path, max_bytes=2 * MAX_ENTRY_BYTES))
        if first != position or len(records) > 1:
            raise _garbage("tail", "holds other positions than the one asked for")
        return records[0] if records else None

    def tile(self, path: str) -> bytes | None:
        """Return a tile of the tree by the path that `tile_path` makes; None when there is none."""
        try:
            return self._transport.get_bytes(f"{self._base}/{path}", max_bytes=TILE_WIDTH * HASH_BYTES)
        except HubRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def send_cosignature(self, note: str) -> None:
        """Give the hub a checkpoint's text with a witness's signature under it."""
        self._transport.post_text(f"{self._base}/cosignatures", note)

    def open_events(self, *, after: int) -> EventStream:
        """Connect to the live events that follow position `after`."""
        headers = {"Last-Event-ID": str(after)} if after >= 0 else {}
        return EventStream(self._transport.open_stream(f"{self._base}/events?after={after}", headers=headers))

    def send_receipt(self, receipt: Mapping[str, object]) -> None:
        """Tell the hub how far this filter is."""
        self._transport.post(f"{self._base}/receipts", receipt)


class EventStream:
    """What happens to the list, as it happens; used as a context."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[LiveEvent]:
        """Yield each event; those of names that this version does not know are passed over.

        Raise `HubUnavailableError` when none comes whole for longer than an answer may take.
        """
        parser = EventParser()
        with self._stream.watched(patience_s=LONGEST_EVENT_S) as watchdog:
            for chunk in self._stream.chunks():
                for event in parser.feed(chunk):
                    if isinstance(event, ServerEvent) and event.name not in _READERS:
                        continue
                    watchdog.rest()
                    yield _READERS[event.name](event) if isinstance(event, ServerEvent) else Alive()
                    watchdog.go_on()


def unpack_records(packed: Packed) -> Records:
    """Read a bundle or a piece of the tail; raise a `HubError` for anything else."""
    first, records = parse_bundle(packed.unpacked(max_bytes=MAX_BUNDLE_BYTES))
    return Records(first, leaf_hashes(records), [body for _, body in records])


class _LiveRecord(msgspec.Struct, forbid_unknown_fields=True):
    salt: str | None = None
    entry: str | None = None
    leaf: str | None = None


class _LiveEntries(msgspec.Struct, forbid_unknown_fields=True):
    first: int
    records: list[_LiveRecord]
    checkpoint: str


class _LiveCheckpoint(msgspec.Struct):
    checkpoint: str


_decode_entries = msgspec.json.Decoder(_LiveEntries).decode
_decode_checkpoint = msgspec.json.Decoder(_LiveCheckpoint).decode


def _read_entries(event: ServerEvent) -> LiveEvent:
    try:
        data = _decode_entries(event.data)
    except (msgspec.DecodeError, RecursionError):
        raise _garbage("event.data", "is not what an event of entries holds") from None
    if not 0 <= data.first <= MAX_POSITION or not 1 <= len(data.records) <= BUNDLE_RECORDS:
        raise _garbage("event.data", "holds a wrong number")
    if event.event_id != str(data.first + len(data.records) - 1):
        raise _garbage("event.id", "must equal the last position")
    return News(_live_records(data.first, data.records), data.checkpoint)


def _live_records(first: int, records: Sequence[_LiveRecord]) -> Records:
    leaves: list[bytes] = []
    bodies: list[bytes | None] = []
    for record in records:
        if record.entry is not None and record.salt is not None and record.leaf is None:
            body = record.entry.encode("utf-8", "surrogatepass")
            if len(body) > MAX_ENTRY_BYTES:
                raise _garbage("event.records.entry", "is too long")
            bodies.append(body)
            leaves.append(entry_leaf_hash(_bytes_of(record.salt, SALT_BYTES), body))
        elif record.leaf is not None and record.entry is None and record.salt is None:
            bodies.append(None)
            leaves.append(_bytes_of(record.leaf, HASH_BYTES))
        else:
            raise _garbage("event.records", "must be a salt and an entry, or a leaf")
    return Records(first, leaves, bodies)


def _bytes_of(text: str, size_bytes: int) -> bytes:
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        value = b""
    if len(value) != size_bytes:
        raise _garbage("event.records", f"must be {size_bytes} bytes in base64")
    return value


def _read_checkpoint(event: ServerEvent) -> LiveEvent:
    try:
        return Cosigned(_decode_checkpoint(event.data).checkpoint)
    except (msgspec.DecodeError, RecursionError):
        raise _garbage("event.data", "is not what an event of a checkpoint holds") from None


def _read_behind(event: ServerEvent) -> LiveEvent:
    try:
        size = json.loads(event.data)["size"]
    except (ValueError, RecursionError, KeyError, TypeError):
        size = None
    if type(size) is not int or size < 0:
        raise _garbage("event.data", "is not what an event 'behind' holds")
    return Behind(size)


_READERS: Final = {"entries": _read_entries, "checkpoint": _read_checkpoint, "behind": _read_behind}


def _garbage(where: str, why: str) -> LogRefusedError:
    return LogRefusedError(f"The hub's answer was refused: {where} {why}.", problem="garbage")
