"""One list's log as this process serves it: signed as entries come, told to its streams, read from its files."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from staydown_hub.feed.changes import Changes
from staydown_hub.feed.cosigning import Cosigning
from staydown_hub.feed.database import Database, ListRow
from staydown_hub.feed.recent import MAX_RECORDS, Event, Recent
from staydown_hub.sealing.bundles import Packed, packed
from staydown_hub.sealing.errors import NotAsSignedError, OtherHistoryError, SealingError
from staydown_hub.sealing.keys import KeyStore
from staydown_hub.sealing.memory import Signed
from staydown_hub.sealing.notes import Note
from staydown_hub.sealing.paths import TilePlace
from staydown_hub.sealing.records import BUNDLE_RECORDS, Record
from staydown_hub.sealing.sequencer import Batch, Leaf, Sequencer

State = Literal["opening", "serving", "refusing", "unable"]

# Entries are told by the database at once; this is for what it did not tell, and for keys that were added.
_LOOK_EVERY_S: Final = 2.0
_AGAIN_S: Final = 0.5
_AFTER_REFUSAL_S: Final = 10.0
_PAGE_RECORDS: Final = 512
_MAX_TAIL_BYTES: Final = 8 * 1024 * 1024
_KEPT_TAILS: Final = 8
# Each holds up to 8 MiB and a connection while it is read; who asks beyond that waits.
_READ_AT_ONCE: Final = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sealing:
    """What all logs of a hub are signed with, and where their files are."""

    store: KeyStore
    origin: str
    signing_folder: Path
    log_folder: Path


class _Entries:
    """The list's entries, as the sequencer asks for them."""

    def __init__(self, database: Database, shared_list: ListRow) -> None:
        self._database = database
        self._list = shared_list

    async def records(self, start: int, limit: int) -> Sequence[Record]:
        return await self._database.records(self._list, start=start, limit=limit)

    async def leaves(self, start: int, limit: int) -> Sequence[Leaf]:
        return await self._database.leaves(self._list, start=start, limit=limit)

    async def size(self) -> int:
        return await self._database.size_of(self._list)

    async def tell_keys(self, sequencer: Sequencer) -> None:
        keys = [one.text for one in sequencer.signer.verifiers]
        await self._database.tell_keys(self._list, origin=sequencer.signer.origin, keys=keys)


class ServedLog:
    """A list's log. `run` keeps it up; everything else answers from what was signed last."""

    def __init__(
        self, shared_list: ListRow, *, database: Database, requests: Database, changes: Changes, sealing: Sealing
    ) -> None:
        """Sign over `database`, whose connections nobody else waits for; answer requests over `requests`."""
        self.slug = shared_list.slug
        self.origin = f"{sealing.origin}/{shared_list.slug}"
        self.signing_folder = sealing.signing_folder / shared_list.slug
        self.state: State = "opening"
        self.recent = Recent()
        self.news = asyncio.Event()
        self.beats = 0
        self.cosigning = Cosigning(
            database,
            requests=requests,
            slug=self.slug,
            origin=self.origin,
            root_at=self.root_at,
            was_shown=self._was_shown,
        )
        self._entries = _Entries(database, shared_list)
        self._requested = _Entries(requests, shared_list)
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)
        self._changes = changes
        self._sealing = sealing
        self._sequencer: Sequencer | None = None
        self._bundling: asyncio.Task[None] | None = None
        self._bundled = 0
        self._tails: dict[tuple[int, int, int], asyncio.Task[Packed]] = {}

    @property
    def sequencer(self) -> Sequencer | None:
        """What signs the log; None while it is being opened, or cannot be."""
        return self._sequencer

    @property
    def signed(self) -> Signed | None:
        """What was signed last; it may be served also while nothing more is signed."""
        return self._sequencer.signed if self._sequencer else None

    def wake(self) -> None:
        """Have every stream look for news."""
        self.news.set()
        self.news.clear()

    def beat(self) -> None:
        """Have every stream that has all there is say so."""
        self.beats += 1
        self.wake()

    async def run(self) -> None:
        """Sign what comes, for ever; what stands in the way is said once, and tried again."""
        try:
            while True:
                await self._look()
        finally:
            for task in (self._bundling, *self._tails.values()):
                if task is not None:
                    task.cancel()
            if self._sequencer:
                self._sequencer.close()

    async def _look(self) -> None:
        count = self._changes.count(self.slug)
        try:
            await self._keep_up()
        except (DatabaseError, PoolTimeout):
            await asyncio.sleep(_AGAIN_S)
        except OtherHistoryError as error:
            self._stand("refusing", str(error))
            await asyncio.sleep(_AFTER_REFUSAL_S)
        except SealingError as error:
            self._stand("unable", str(error))
            await asyncio.sleep(_AGAIN_S)
        except OSError as error:
            self._stand("unable", f"List {self.slug} cannot be signed: its folders cannot be used ({error.strerror}).")
            await asyncio.sleep(_AGAIN_S)
        except Exception as error:  # noqa: BLE001 -- a list that is not kept up any more must not look as if it were
            if self.state != "unable":
                _log.error("List %s cannot be signed, for a reason that was not foreseen.", self.slug, exc_info=error)
            self._stand("unable", "")
            await asyncio.sleep(_AFTER_REFUSAL_S)
        else:
            self._stand("serving", "")
            await self._changes.wait_beyond(self.slug, count, timeout_s=_LOOK_EVERY_S)

    def _stand(self, state: State, problem: str) -> None:
        if problem and self.state != state:
            _log.error("%s", problem)
        self.state = state
        if state != "serving":
            self.wake()

    async def _keep_up(self) -> None:
        if self._sequencer is None:
            sealing = self._sealing
            self._sequencer = await asyncio.to_thread(
                Sequencer,
                slug=self.slug,
                origin=self.origin,
                store=sealing.store,
                signing_folder=sealing.signing_folder,
                log_folder=sealing.log_folder,
                source=self._entries,
            )
        if self.state != "serving":
            await self._sequencer.resume()
            await self._prime(self._sequencer.signed)
            await self._entries.tell_keys(self._sequencer)
            self.cosigning.remember(self._sequencer.signed)
        await self.cosigning.look()
        if await self._sequencer.renew():
            self.cosigning.remember(self._sequencer.signed)
            self.recent.begin(self._sequencer.signed.size)
            await self._entries.tell_keys(self._sequencer)
        while batch := await self._sequencer.advance():
            self._tell(batch)
        if self._bundling is None or self._bundling.done():
            self._bundling = asyncio.create_task(self._prepare_bundles())

    def _tell(self, batch: Batch) -> None:
        self.cosigning.remember(batch.signed)
        if batch.records is None:
            self.recent.begin(batch.signed.size)
        else:
            if batch.redacted or self.recent.size != batch.first:
                self.recent.begin(batch.first)
            if batch.names_its_redactions:
                self.recent.add(Event(batch.first, batch.records, batch.signed.note))
            else:
                # Redacted before it was ever told: followers read it together with the redaction, a moment later.
                self.recent.begin(batch.signed.size)
        if batch.redacted:
            self._tails.clear()
        self.wake()

    async def _prime(self, signed: Signed) -> None:
        """Read the newest entries again, for followers that lost their stream when this process ended."""
        start, records, total = signed.size, list[Record](), 0
        while start and signed.size - start < MAX_RECORDS and total < _MAX_TAIL_BYTES:
            earlier = max(0, start - _PAGE_RECORDS)
            page = await self._entries.records(earlier, start - earlier)
            total += sum(len(one.body or "") for one in page)
            start, records = earlier, [*page, *records]
        self.recent.begin(start)
        if records:
            self.recent.add(Event(start, records, signed.note))

    async def _prepare_bundles(self) -> None:
        """Make the bundles before they are wanted."""
        with suppress(DatabaseError, PoolTimeout, OSError, SealingError):
            while self.signed and (self._bundled + 1) * BUNDLE_RECORDS <= self.signed.size:
                await self.bundle(self._bundled)
                self._bundled += 1

    def tile(self, place: TilePlace) -> bytes | None:
        """Return a tile, or None when the tree is not so large yet."""
        return self._sequencer.files.tile(place, size=self._sequencer.signed.size) if self._sequencer else None

    def root_at(self, size: int) -> bytes | None:
        """Return the root of the tree as it was at this size; None beyond what is signed."""
        if self._sequencer is None or size > self._sequencer.signed.size:
            return None
        return self._sequencer.files.root_at(size)

    def _was_shown(self, note: Note) -> None:
        """Stop for good when a note that is not remembered has this list's own signature: a backup was put back."""
        sequencer = self._sequencer
        if sequencer is not None and self.state == "serving" and sequencer.signer.is_ours(note):
            sequencer.signer.forbid(note)
            self.state = "opening"  # it is compared again, and then refused, before anything else is signed

    async def bundle(self, index: int) -> Packed | None:
        """Return a full bundle, or None when the list is not so long yet."""
        sequencer = self._sequencer
        if sequencer is None or (index + 1) * BUNDLE_RECORDS > sequencer.signed.size:
            return None
        found = await asyncio.to_thread(sequencer.bundles.read, index)
        if found is None:
            async with sequencer.bundling:
                found = await asyncio.to_thread(sequencer.bundles.read, index)
                if found is None:
                    records = await self._read(index * BUNDLE_RECORDS, BUNDLE_RECORDS)
                    found = await asyncio.to_thread(sequencer.bundles.write, index, records)
        return found

    async def tail(self, *, after: int, limit: int) -> Packed:
        """Return what follows a position, up to what is signed; one reading serves all who ask for the same."""
        size, start = self.signed.size if self.signed else 0, after + 1
        asked = (start, min(limit, max(0, size - start)), size)
        task = self._tails.get(asked)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._tails[asked] = asyncio.create_task(self._packed(start, asked[1]))
            while len(self._tails) > _KEPT_TAILS:
                self._tails.pop(next(iter(self._tails)))
        return await asyncio.shield(task)

    async def _packed(self, start: int, count: int) -> Packed:
        async with self._reading:
            records = await self._read(start, count, max_bytes=_MAX_TAIL_BYTES)
            return await asyncio.to_thread(packed, start, records)

    async def _read(self, start: int, count: int, *, max_bytes: int | None = None) -> list[Record]:
        records, total = list[Record](), 0
        while len(records) < count and (max_bytes is None or total < max_bytes):
            page = await self._requested.records(start + len(records), min(_PAGE_RECORDS, count - len(records)))
            if not page:
                break
            records += page
            total += sum(len(one.body or "") for one in page)
        await asyncio.to_thread(self._check, start, records)
        return records

    def _check(self, start: int, records: Sequence[Record]) -> None:
        """Refuse to serve what was not signed so, whatever happened to the database."""
        leaves = b"".join(one.leaf for one in records)
        signed = self._sequencer.files.read(0, start, len(records)) if self._sequencer else b""
        if leaves != signed or not all(one.is_true for one in records):
            raise NotAsSignedError(self.slug, start=start, end=start + len(records))
