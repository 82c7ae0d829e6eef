"""A log as a hub makes it, for tests: entries with salts, signed checkpoints, tiles, bundles, redactions, rotation."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from staydown_client.log.keys import LOG_KEY, VerifierKey, WitnessKey
from staydown_client.log.notes import checkpoint_body, cosignature_line, signature_line
from staydown_client.log.trust import Trust, endorsement_body

from packages.client.tests import slow_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

ORIGIN = "hub.example/national"
NOW_S = 1_800_000_000

Body: TypeAlias = dict[str, Any]


class LogKey:
    """A log's signing key, as a hub holds it."""

    def __init__(self, name: str = ORIGIN, *, seed: int = 1) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log key %d" % seed).digest())
        self.public = VerifierKey(name, LOG_KEY, self._private.public_key().public_bytes_raw())

    def line(self, body: str) -> str:
        return signature_line(self.public, self._private.sign(body.encode()))

    def note(self, body: str) -> str:
        return f"{body}\n{self.line(body)}"

    def endorse(self, key: VerifierKey) -> str:
        """Return the note by which this key hands over to another."""
        return self.note(endorsement_body(self.public.name, key))


def witness_key(number: int = 1, *, name: str | None = None) -> WitnessKey:
    return WitnessKey(name or f"witness.example/w{number}", hashlib.sha256(b"witness key %d" % number).digest())


def canonical(body: Body) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class MadeRecord:
    """One position: what is left when `body` is None is the leaf's hash."""

    salt: bytes
    body: bytes | None
    leaf: bytes

    def encoded(self) -> bytes:
        if self.body is None:
            return b"\x01" + self.leaf
        return b"\x00" + self.salt + len(self.body).to_bytes(4, "big") + self.body

    def as_json(self) -> Body:
        """Return the record as a live event holds it."""
        if self.body is None:
            return {"leaf": b64encode(self.leaf).decode()}
        return {"salt": b64encode(self.salt).decode(), "entry": self.body.decode()}


def record(body: bytes, *, salt: bytes) -> MadeRecord:
    return MadeRecord(salt, body, slow_tree.leaf(salt + body))


def bundle(first: int, records: Sequence[MadeRecord]) -> bytes:
    head = b"SDB\x01" + first.to_bytes(8, "big") + len(records).to_bytes(4, "big")
    return head + b"".join(each.encoded() for each in records)


@dataclass
class MadeLog:
    """One history; `fork` begins another with the same keys. `branch` makes salts differ between histories."""

    origin: str = ORIGIN
    keys: list[LogKey] = field(default_factory=lambda: [LogKey()])
    records: list[MadeRecord] = field(default_factory=list)
    branch: int = 0
    _levels: list[list[bytes]] = field(default_factory=lambda: [[]])

    @property
    def size(self) -> int:
        return len(self.records)

    @property
    def leaves(self) -> list[bytes]:
        return [each.leaf for each in self.records]

    @property
    def trust(self) -> Trust:
        return Trust(self.origin, (self.keys[0].public,))

    def append(self, *bodies: Body) -> None:
        """Add entries, each with a salt that is the same whenever the log is made anew."""
        for body in bodies:
            salt = hashlib.sha256(b"salt %d %d" % (self.branch, self.size)).digest()
            self.append_record(record(canonical(body), salt=salt))

    def append_record(self, made: MadeRecord) -> None:
        self.records.append(made)
        node, height = made.leaf, 0
        self._levels[0].append(node)
        while len(self._levels[height]) % 2 == 0:
            left, right = self._levels[height][-2:]
            height += 1
            if height == len(self._levels):
                self._levels.append([])
            self._levels[height].append(hashlib.sha256(b"\x01" + left + right).digest())

    def redact(self, item: str, *positions: int, at: str = "2026-01-02T03:04:05.678901Z") -> None:
        """Add the operation and drop the entries at `positions`; their leaves stay."""
        self.append({"operation": "redact", "item": item, "positions": sorted(positions), "at": at})
        self.drop(*positions)

    def drop(self, *positions: int) -> None:
        """Drop entries without the operation that permits it."""
        for position in positions:
            self.records[position] = MadeRecord(b"", None, self.records[position].leaf)

    def fork(self, *, size: int, branch: int = 1) -> MadeLog:
        """Return a log with the same keys that shares the first `size` positions with this one."""
        other = MadeLog(self.origin, list(self.keys), branch=branch)
        for made in self.records[:size]:
            other.append_record(made)
        return other

    def node(self, height: int, index: int) -> bytes:
        return self._levels[height][index]

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves, from the complete subtrees that cover them."""
        size = self.size if size is None else size
        start = 0
        parts: list[bytes] = []
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                parts.append(self._levels[height][start >> height])
                start += 1 << height
        found = parts.pop() if parts else hashlib.sha256().digest()
        for part in reversed(parts):
            found = hashlib.sha256(b"\x01" + part + found).digest()
        return found

    def checkpoint(self, size: int | None = None, *, cosigners: Sequence[WitnessKey] = (), time_s: int = NOW_S) -> str:
        """Return the note over the first `size` entries, signed by every key and countersigned by `cosigners`."""
        size = self.size if size is None else size
        body = checkpoint_body(self.origin, size, self.root(size))
        lines = [key.line(body) for key in self.keys] + [cosignature_line(body, w, time_s=time_s) for w in cosigners]
        return f"{body}\n{''.join(lines)}"

    def tile(self, level: int, index: int, *, width: int = 256) -> bytes | None:
        """Return a tile's bytes; None while the log is too small for it."""
        height = 8 * level
        row = self._levels[height][index * 256 : index * 256 + width] if height < len(self._levels) else []
        return b"".join(row) if len(row) == width else None

    def bundle(self, first: int, count: int) -> bytes:
        return bundle(first, self.records[first : first + count])
