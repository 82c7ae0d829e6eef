"""The exact hashes of a file: one pass over its bytes, never more than a block of them in memory."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactHashes:
    """Lower-case hexadecimal hashes, and how many bytes they are of."""

    md5: str
    sha1: str
    sha256: str
    size_bytes: int


def exact_hashes(read: Callable[[int], bytes]) -> ExactHashes:
    """Hash what `read(size)` gives until it gives nothing."""
    # MD5 and SHA-1 are what existing lists hold; nothing here relies on them against forgery.
    digests = [hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")]
    size_bytes = 0
    while chunk := read(CHUNK_BYTES):
        size_bytes += len(chunk)
        for digest in digests:
            digest.update(chunk)
    md5, sha1, sha256 = (digest.hexdigest() for digest in digests)
    return ExactHashes(md5=md5, sha1=sha1, sha256=sha256, size_bytes=size_bytes)
