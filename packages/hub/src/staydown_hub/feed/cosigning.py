"""Cosignatures of a list's witnesses: taken, kept, and put under the checkpoints that they are of."""

import asyncio
import base64
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from staydown_hub.feed.answers import RefusedError
from staydown_hub.feed.database import Database, Detail, KeyRow
from staydown_hub.feed.refusals import invalid
from staydown_hub.sealing.cosignatures import Cosignature, cosignatures_in
from staydown_hub.sealing.memory import Signed
from staydown_hub.sealing.notes import (
    BadNoteError,
    Checkpoint,
    Note,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)

# So many of the newest checkpoints are kept with what was cosigned of them: a witness takes a moment.
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
class _Checkpoint:
    """A checkpoint with the lines of those who cosigned it, by their names."""

    signed: Signed
    lines: dict[str, str] = field(default_factory=dict)


class Cosigning:
    """The cosignatures of one list; ``root_at`` gives the root that the hub signed at a size, None where it did not.

    ``was_shown`` is told of checkpoints that the hub knows nothing of. What a request waits for is read from
    ``requests``, so that no rush of them stands in the signer's way.
    """

    def __init__(
        self,
        database: Database,
        *,
        requests: Database,
        slug: str,
        origin: str,
        root_at: Callable[[int], bytes | None],
        was_shown: Callable[[Note], None],
    ) -> None:
        self.version = 0
        self._database = database
        self._requests = requests
        self._was_shown = was_shown
        self._slug = slug
        self._origin = origin
        self._root_at = root_at
        self._checkpoints: OrderedDict[int, _Checkpoint] = OrderedDict()
        self._witnesses: dict[str, _Witness] = {}
        self._looked_at_s = -math.inf
        self._newest_size = -1
        self._taking = asyncio.Lock()

    def remember(self, signed: Signed) -> None:
        """Know a checkpoint that was signed just now, or again with other keys."""
        before = self._checkpoints.pop(signed.size, None)
        is_same = before is not None and before.signed.root == signed.root
        self._checkpoints[signed.size] = _Checkpoint(signed, before.lines if before and is_same else {})
        while len(self._checkpoints) > _KEPT_CHECKPOINTS:
            self._checkpoints.popitem(last=False)

    async def look(self) -> None:
        """Read anew who the witnesses are, unless that was done just now."""
        if time.monotonic() - self._looked_at_s > _LOOK_AGAIN_AFTER_S:
            await self._look(self._database)

    async def witnesses(self) -> list[VerifierKey]:
        """Return the keys of the list's witnesses as they are at this moment."""
        return [one.key for one in (await self._look(self._requests)).values()]

    def cosigned(self, signed: Signed) -> str:
        """Return the checkpoint's note with the cosignatures of it that are known."""
        known = self._checkpoints.get(signed.size)
        if known is None or known.signed.root != signed.root:
            return signed.note
        return signed.note + "".join(line for name, line in sorted(known.lines.items()) if name in self._witnesses)

    def newest(self) -> str | None:
        """Return the checkpoint that was cosigned last, with all its lines; None before there was any."""
        known = self._checkpoints.get(self._newest_size)
        return None if known is None else self.cosigned(known.signed)

    async def take(self, key: KeyRow, body: bytes) -> bool:
        """Take the cosignatures under a checkpoint that this hub signed; tell whether followers can be told of any.

        Raises RefusedError: 422 for what is no checkpoint of this list or not signed by the witness that it names, 403
        without a line of a witness, 409 for a checkpoint that this hub did not sign; the last two go on record.
        """
        note, checkpoint = _read(body, origin=self._origin)
        async with self._taking:
            witnesses = await self._look(self._requests)
            found = _cosignatures(note, [one.key for one in witnesses.values()])
            if not found:
                await self._record(key, checkpoint, status=HTTPStatus.FORBIDDEN)
                message = "None of these lines is of a witness of this list: ask the hub's operator to add your key."
                raise RefusedError(HTTPStatus.FORBIDDEN, "forbidden", message)
            if await asyncio.to_thread(self._root_at, checkpoint.size) != checkpoint.root:
                await self._record(key, checkpoint, status=HTTPStatus.CONFLICT)
                await asyncio.to_thread(self._was_shown, note)
                message = "This hub did not sign this checkpoint: read the present one, and check it against the last."
                raise RefusedError(HTTPStatus.CONFLICT, "conflict", message)
            rows = [(witnesses[one.witness.name].row, one) for one in found]
            fresh = await self._store(checkpoint, rows)
            return self._show(checkpoint.size, fresh)

    async def _store(self, checkpoint: Checkpoint, found: list[tuple[int, Cosignature]]) -> list[Cosignature]:
        """Keep the newest of each witness, named by its row; return those that are."""
        fresh = []
        async with self._requests.connection() as connection:
            for witness, one in found:
                at = datetime.fromtimestamp(one.at_s, tz=UTC)
                row = (witness, checkpoint.size, checkpoint.root, at, one.line)
                if (await connection.execute(_STORE, row)).rowcount:
                    fresh.append(one)
        return fresh

    def _show(self, size: int, fresh: list[Cosignature]) -> bool:
        known = self._checkpoints.get(size)
        if not fresh or known is None:
            return False
        known.lines |= {one.witness.name: one.line for one in fresh}
        self._newest_size = size
        self.version += 1
        return True

    async def _look(self, database: Database) -> dict[str, _Witness]:
        async with database.connection() as connection:
            rows = await (await connection.execute(_WITNESSES, [self._slug])).fetchall()
        self._looked_at_s = time.monotonic()
        read = [(_Witness(row[0], parse_vkey(row[1])), row[2:]) for row in rows]
        witnesses = {one.key.name: one for one, _ in read}
        self._forget({name for name, one in self._witnesses.items() if witnesses.get(name) != one})
        self._witnesses = witnesses
        for one, (size, root, line) in read:
            known = None if size is None else self._checkpoints.get(size)
            if known is not None and known.signed.root == bytes(root):
                known.lines.setdefault(one.key.name, line)
        return witnesses

    def _forget(self, names: set[str]) -> None:
        """Serve no line any more of those that are no witnesses, or have another key now."""
        for one in self._checkpoints.values() if names else ():
            for name in names:
                one.lines.pop(name, None)

    async def _record(self, key: KeyRow, checkpoint: Checkpoint, *, status: HTTPStatus) -> None:
        root = base64.b64encode(checkpoint.root).decode()
        detail: Detail = {"list": self._slug, "size": checkpoint.size, "root": root, "status": int(status)}
        await self._requests.record_refusal(key, act="cosignature refused", detail=detail)


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
