"""Follows a list's entries in the database: extends the tree, has it signed, and only then lets anyone see it."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from staydown_hub.sealing.bundles import BundleFiles
from staydown_hub.sealing.durable import make_private_folder
from staydown_hub.sealing.errors import OtherHistoryError
from staydown_hub.sealing.hashes import TreeFiles
from staydown_hub.sealing.keys import KeyStore
from staydown_hub.sealing.memory import Signed
from staydown_hub.sealing.records import Record
from staydown_hub.sealing.signer import Signer
from staydown_hub.sealing.tree import HASH_BYTES

# What one checkpoint adds at most while filters listen: each is one event.
MAX_BATCH_RECORDS: Final = 256
MAX_BATCH_BYTES: Final = 1024 * 1024
# Beyond so many unsigned entries nobody is told of each: followers catch up from bundles.
_BULK_RECORDS: Final = 4096
_PAGE_LEAVES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry's leaf, without its text; `redacted` are the positions that a redaction names."""

    leaf: bytes
    redacted: tuple[int, ...]


class Source(Protocol):
    """The list's entries in the database; every answer begins at `start` and has no gap."""

    async def records(self, start: int, limit: int) -> Sequence[Record]:
        """Return entries with their texts."""

    async def leaves(self, start: int, limit: int) -> Sequence[Leaf]:
        """Return entries' leaves alone."""

    async def size(self) -> int:
        """Return how many entries there are."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was signed just now: the records from `first` on; None when they were too many to be told one by one."""

    first: int
    records: tuple[Record, ...] | None
    redacted: tuple[int, ...]
    signed: Signed

    @property
    def names_its_redactions(self) -> bool:
        """Whether a redaction in the batch names each of its records that has no text."""
        told = enumerate(self.records or (), self.first)
        return {position for position, one in told if one.body is None} <= set(self.redacted)


def redacted_by(body: str | None) -> tuple[int, ...]:
    """Return the positions that an entry's text redacts; none unless it is a redaction."""
    if body is None or '"operation":"redact"' not in body:
        return ()
    fields = json.loads(body)
    return tuple(fields["positions"]) if fields["operation"] == "redact" else ()


class Sequencer:
    """One list's signer with the files that are served; `resume` compares them with the database before any signing."""

    def __init__(
        self, *, slug: str, origin: str, store: KeyStore, signing_folder: Path, log_folder: Path, source: Source
    ) -> None:
        self.signer = Signer(signing_folder, slug=slug, origin=origin, store=store)
        try:
            make_private_folder(log_folder, log_folder / slug)
            self.files = TreeFiles(log_folder / slug / "tree")
        except BaseException:
            self.signer.close()
            raise
        self.bundles = BundleFiles(log_folder / slug / "bundle")
        self.bundling = asyncio.Lock()
        self._source = source
        self._slug = slug

    @property
    def signed(self) -> Signed:
        """What was signed last."""
        return self.signer.signed

    def close(self) -> None:
        """Close the files and let another process sign."""
        self.files.close()
        self.signer.close()

    async def resume(self) -> None:
        """Compare the database with what was signed last, and go on from there.

        Raises OtherHistoryError when the database holds another history. What is served stays what was signed.
        """
        signed = self.signed
        self.files.cut(signed.size)
        if await self._fill() != signed.root:
            self.files.cut(0)
            if await self._fill() != signed.root:
                self.files.cut(0)
                raise self._refusal("the database's tree of that size has another root")
        if signed.size:
            last = await self._source.leaves(signed.size - 1, 1)
            if not last:
                raise self._refusal(f"the database has only {await self._source.size()}")
            self._check_anchor(last[0].leaf)
        self.signer.resume(self.files.compact_range(signed.size))

    async def advance(self) -> Batch | None:
        """Sign what was committed since, as one batch; return it, or None when there is nothing new.

        The last signed entry is read and compared each time: a database put back under a running process is noticed.
        """
        size = self.signed.size
        rows = await self._source.records(max(0, size - 1), MAX_BATCH_RECORDS + 1)
        if size and not rows:
            raise self._refusal(f"the database has only {await self._source.size()}")
        if len(rows) > MAX_BATCH_RECORDS and await self._source.size() - size > _BULK_RECORDS:
            return await self._advance_by(await self._source.leaves(max(0, size - 1), _PAGE_LEAVES), records=None)
        fresh = _first_bytes(rows[1:] if size else rows)
        if not all(one.is_true for one in fresh):
            raise self._refusal("a later entry does not have the hash that was recorded with it")
        leaves = [Leaf(one.leaf, redacted_by(one.body)) for one in fresh]
        anchor = [Leaf(rows[0].leaf, ())] if size and rows else []
        return await self._advance_by([*anchor, *leaves], records=tuple(fresh))

    async def renew(self) -> bool:
        """Sign the present checkpoint again if the keys changed; tell whether they did."""
        return await asyncio.to_thread(self.signer.renew)

    async def _advance_by(self, leaves: Sequence[Leaf], *, records: tuple[Record, ...] | None) -> Batch | None:
        size = self.signed.size
        self._check_anchor(leaves[0].leaf if leaves else b"")
        fresh = leaves[1:] if size else leaves
        if not fresh:
            return None
        redacted = tuple(position for one in fresh for position in one.redacted)
        if redacted:
            # Before the redaction is signed: after a crash it is read, and they are taken away, once more.
            async with self.bundling:
                await asyncio.to_thread(self.bundles.forget, redacted)
        signed = await asyncio.to_thread(self._extend, [one.leaf for one in fresh])
        return Batch(first=size, records=records, redacted=redacted, signed=signed)

    def _extend(self, leaves: list[bytes]) -> Signed:
        before = self.files.size
        try:
            self.files.append(b"".join(leaves))
            return self.signer.extend(leaves)
        except BaseException:
            self.files.cut(before)
            raise

    def _check_anchor(self, leaf: bytes) -> None:
        size = self.signed.size
        if size and leaf != self.files.read(0, size - 1, 1):
            raise self._refusal(f"the database has another entry at position {size - 1}")

    async def _fill(self) -> bytes | None:
        """Read what the files lack from the database, up to what was signed; return the root of what they then hold."""
        size = self.signed.size
        while self.files.size < size:
            page = await self._source.leaves(self.files.size, min(_PAGE_LEAVES, size - self.files.size))
            if not page:
                return None
            await asyncio.to_thread(self.files.append, b"".join(one.leaf for one in page))
        return await asyncio.to_thread(self.files.root_at, size)

    def _refusal(self, why: str) -> OtherHistoryError:
        return OtherHistoryError(slug=self._slug, signed_size=self.signed.size, why=why)


def _first_bytes(records: Iterable[Record]) -> list[Record]:
    taken: list[Record] = []
    total = 0
    for one in records:
        total += HASH_BYTES + len(one.body or "")
        if taken and total > MAX_BATCH_BYTES:
            break
        taken.append(one)
    return taken
