"""Cosignatures of the lists' witnesses: taken, kept, and put under the checkpoints that they are of."""

import asyncio
import base64
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from staydown_hub.feed.answers import RefusedError
from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database, Detail, KeyRow, ListRow
from staydown_hub.feed.refusals import invalid
from staydown_hub.sealing.cosignatures import Cosignature, cosignatures_in
from staydown_hub.sealing.notes import (
    BadNoteError,
    Checkpoint,
    Note,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)

# So many of the newest checkpoints of a list are kept with what was cosigned of them: a witness takes a moment.
_KEPT_CHECKPOINTS: Final = 1024
_LOOK_AGAIN_AFTER_S: Final = 10.0
_CLOCK_LEEWAY_S: Final = 300
_WITNESSES: Final = """
    SELECT w.id, w.vkey, c.size, c.root, c.line FROM witness w JOIN shared_list l ON l.id = w.shared_list_id
    LEFT JOIN cosignature c ON c.witness_id = w.id WHERE l.slug = %s ORDER BY w.name
"""
# One that is older than what is stored was sent again, or overtaken: it changes nothing.
_STORE: Final = """
    INSERT INTO cosignature (witness_id, size, root, signed_at, line) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (witness_id) DO UPDATE
        SET size = excluded.size, root = excluded.root, signed_at = excluded.signed_at, line = excluded.line
        WHERE (cosignature.size, cosignature.signed_at) < (excluded.size, excluded.signed_at)
"""


@dataclass(frozen=True, slots=True)
class _Witness:
    row: int
    key: VerifierKey


@dataclass(slots=True)
class _Cosigned:
    """One checkpoint with the lines of those who cosigned it, by their names."""

    root: bytes
    note: str
    lines: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Log:
    """What this process knows of one list: its newest checkpoints, and who may cosign them."""

    checkpoints: "OrderedDict[int, _Cosigned]" = field(default_factory=OrderedDict)
    witnesses: dict[str, _Witness] = field(default_factory=dict)
    looked_at_s: float | None = None
    version: int = 0
    latest_size: int = -1
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Cosigning:
    """The cosignatures of all lists; ``root_at`` gives the root that the hub signed, or None where it signed none."""

    def __init__(
        self, database: Database, changes: Changes, *, origin: str, root_at: Callable[[str, int], bytes | None]
    ) -> None:
        self._database = database
        self._changes = changes
        self._origin = origin
        self._root_at = root_at
        self._logs: defaultdict[str, _Log] = defaultdict(_Log)

    async def remember(self, slug: str, *, size: int, root: bytes, note: str) -> None:
        """Know a checkpoint that was signed just now, or again with other keys."""
        log = self._logs[slug]
        before = log.checkpoints.pop(size, None)
        lines = before.lines if before is not None and before.root == root else {}
        log.checkpoints[size] = _Cosigned(root, note, lines)
        while len(log.checkpoints) > _KEPT_CHECKPOINTS:
            log.checkpoints.popitem(last=False)
        if log.looked_at_s is None or time.monotonic() - log.looked_at_s > _LOOK_AGAIN_AFTER_S:
            await self._look(slug)

    async def witnesses(self, slug: str) -> list[VerifierKey]:
        """Return the keys of the list's witnesses as they are now."""
        await self._look(slug)
        return [one.key for one in self._logs[slug].witnesses.values()]

    def cosigned(self, slug: str, size: int, note: str) -> str:
        """Return the note with the cosignatures of it that are known."""
        log = self._logs[slug]
        known = log.checkpoints.get(size)
        if known is None or parse_note(known.note).text != parse_note(note).text:
            return note
        return note + "".join(line for name, line in sorted(known.lines.items()) if name in log.witnesses)

    def version(self, slug: str) -> int:
        """Return a number that grows with each cosignature that came."""
        return self._logs[slug].version

    def latest(self, slug: str) -> str | None:
        """Return the newest checkpoint that got a cosignature in this process's time, with all of them."""
        log = self._logs[slug]
        known = log.checkpoints.get(log.latest_size)
        return None if known is None else self.cosigned(slug, log.latest_size, known.note)

    async def take(self, key: KeyRow, shared_list: ListRow, body: bytes) -> None:
        """Take the cosignatures under a checkpoint that this hub signed.

        Raises RefusedError: 422 for what is no checkpoint of this list or not signed by the witness that it names, 403
        without a line of a witness, 409 for a checkpoint that this hub did not sign; the last two go on record.
        """
        slug = shared_list.slug
        note, checkpoint = _read(body, origin=f"{self._origin}/{slug}")
        async with self._logs[slug].taking:
            found = _cosignatures(note, await self.witnesses(slug))
            if not found:
                await self._record(key, slug, checkpoint, status=HTTPStatus.FORBIDDEN)
                message = "None of these lines is of a witness of this list: ask the hub's operator to add your key."
                raise RefusedError(HTTPStatus.FORBIDDEN, "forbidden", message)
            root = await asyncio.to_thread(self._root_at, slug, checkpoint.size)
            if root != checkpoint.root:
                await self._record(key, slug, checkpoint, status=HTTPStatus.CONFLICT)
                message = "This hub did not sign this checkpoint: read the present one, and check it against the last."
                raise RefusedError(HTTPStatus.CONFLICT, "conflict", message)
            if await self._store(slug, checkpoint, found):
                await self._changes.announce({slug})

    async def _store(self, slug: str, checkpoint: Checkpoint, found: list[Cosignature]) -> bool:
        """Keep the newest of each witness; tell whether there is something that streams can be told."""
        log = self._logs[slug]
        fresh = []
        async with self._database.connection() as connection:
            for one in found:
                at = datetime.fromtimestamp(one.at_s, tz=UTC)
                row = (log.witnesses[one.witness.name].row, checkpoint.size, checkpoint.root, at, one.line)
                if (await connection.execute(_STORE, row)).rowcount:
                    fresh.append(one)
        known = log.checkpoints.get(checkpoint.size)
        if not fresh or known is None:
            return False
        known.lines |= {one.witness.name: one.line for one in fresh}
        log.latest_size = checkpoint.size
        log.version += 1
        return True

    async def _look(self, slug: str) -> None:
        """Read who the witnesses are, and what they signed last: other processes may have taken it."""
        log = self._logs[slug]
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_WITNESSES, [slug])).fetchall()
        log.looked_at_s = time.monotonic()
        log.witnesses = {}
        for row, vkey, size, root, line in rows:
            key = parse_vkey(vkey)
            log.witnesses[key.name] = _Witness(row, key)
            known = log.checkpoints.get(size) if size is not None else None
            if known is not None and known.root == bytes(root):
                known.lines.setdefault(key.name, line)

    async def _record(self, key: KeyRow, slug: str, checkpoint: Checkpoint, *, status: HTTPStatus) -> None:
        root = base64.b64encode(checkpoint.root).decode()
        detail: Detail = {"list": slug, "size": checkpoint.size, "root": root, "status": int(status)}
        await self._database.record_refusal(key, act="cosignature refused", detail=detail)


def _read(body: bytes, *, origin: str) -> tuple[Note, Checkpoint]:
    try:
        note = parse_note(body.decode())
        checkpoint = parse_checkpoint(note.text)
    except UnicodeDecodeError:
        raise invalid({"body": "This is not UTF-8."}) from None
    except BadNoteError as error:
        raise invalid({"body": str(error)}) from None
    if checkpoint.origin != origin:
        raise invalid({"origin": "This checkpoint is of another log."})
    return note, checkpoint


def _cosignatures(note: Note, witnesses: list[VerifierKey]) -> list[Cosignature]:
    try:
        found = cosignatures_in(note, witnesses)
    except BadNoteError as error:
        raise invalid({"signature": str(error)}) from None
    if any(one.at_s > time.time() + _CLOCK_LEEWAY_S for one in found):
        raise invalid({"time": "This was signed in the future: set the witness's clock right."})
    return found
