"""Entries in binary form, as bundles and tails carry them: version 1 of docs/reference/log.md."""

import base64
import json
import struct
from dataclasses import dataclass
from typing import Final

from staydown_hub.sealing.tree import leaf_hash

MAGIC: Final = b"SDB\x01"
BUNDLE_RECORDS: Final = 4096
_HEADER: Final = struct.Struct(">4sQI")
_ENTRY: Final = struct.Struct(">B32sI")
_ENTRY_TAG: Final = 0
_REDACTED_TAG: Final = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What stands at one position: an entry with its salt, or, once it was redacted, its leaf's hash alone."""

    leaf: bytes
    salt: bytes | None
    body: str | None

    @property
    def is_true(self) -> bool:
        """Whether the leaf is that of the entry; a redacted record cannot tell."""
        return self.salt is None or self.body is None or leaf_hash(self.salt, self.body) == self.leaf

    def as_bytes(self) -> bytes:
        """Return the record as bundles carry it."""
        if self.salt is None or self.body is None:
            return bytes([_REDACTED_TAG]) + self.leaf
        encoded = self.body.encode()
        return _ENTRY.pack(_ENTRY_TAG, self.salt, len(encoded)) + encoded

    def as_json(self) -> bytes:
        """Return the record as events carry it; the entry's text is a string, so that it arrives byte for byte."""
        if self.salt is None or self.body is None:
            return b'{"leaf":"%s"}' % base64.b64encode(self.leaf)
        return b'{"salt":"%s","entry":%s}' % (base64.b64encode(self.salt), _string(self.body))


def header(first: int, count: int) -> bytes:
    """Return what stands before the records: magic, the first one's position, and how many they are."""
    return _HEADER.pack(MAGIC, first, count)


def _string(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()
