"""Bundles on disk: 4096 records each, compressed, made from the entries and made again after a redaction."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard

from staydown_hub.sealing.durable import make_private_folder, replace
from staydown_hub.sealing.paths import index_path
from staydown_hub.sealing.records import BUNDLE_RECORDS, Record, header

_LEVEL: Final = 3
# A bundle whose text is larger than this is served compressed only.
MAX_PLAIN_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes in their compressed form, with what names them."""

    compressed: bytes
    digest: str

    def plain(self) -> bytes:
        """Return the bytes uncompressed."""
        return zstandard.ZstdDecompressor().decompress(self.compressed, max_output_size=MAX_PLAIN_BYTES)


def packed(first: int, records: Iterable[Record]) -> Packed:
    """Return the records in binary form, compressed."""
    parts = [one.as_bytes() for one in records]
    compressed = zstandard.ZstdCompressor(level=_LEVEL).compress(b"".join((header(first, len(parts)), *parts)))
    return _named(compressed)


class BundleFiles:
    """The files `<index path>.zst` in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def has(self, index: int) -> bool:
        """Tell whether the bundle is on disk."""
        return self._path(index).exists()

    def read(self, index: int) -> Packed | None:
        """Return the bundle, or None when it has to be made."""
        path = self._path(index)
        try:
            state = path.stat()
            compressed = path.read_bytes()
        except FileNotFoundError:
            return None
        mark = (state.st_ino, state.st_mtime_ns, len(compressed))
        known = self._digests.get(path)
        if known is None or known[0] != mark:
            known = self._digests[path] = (mark, _named(compressed).digest)
        return Packed(compressed, known[1])

    def write(self, index: int, records: Iterable[Record]) -> Packed:
        """Make the bundle, in one step: a file that is there is whole."""
        made = packed(index * BUNDLE_RECORDS, records)
        path = self._path(index)
        make_private_folder(self._folder, path.parent)
        replace(path, made.compressed)
        return made

    def forget(self, positions: Iterable[int]) -> None:
        """Take away the bundles that hold these positions: they are made anew without the erased texts."""
        for index in {position // BUNDLE_RECORDS for position in positions}:
            self._path(index).unlink(missing_ok=True)

    def _path(self, index: int) -> Path:
        return self._folder / f"{index_path(index)}.zst"


def _named(compressed: bytes) -> Packed:
    return Packed(compressed, hashlib.sha256(compressed).hexdigest()[:32])
