"""Writes a folder's list: each verified step in one transaction, by the one process that holds the folder's lock."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from staydown_client.base.files import Base, remove_others
from staydown_client.entries import REDACT
from staydown_client.errors import FolderError, LogRefusedError
from staydown_client.standing import HIDDEN, Standing, next_standing, operations_of
from staydown_client.store import ALGORITHMS, Refusal, connect, damage_named, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from staydown_client.base.files import BaseName
    from staydown_client.clock import Moment
    from staydown_client.entries import Entries, Label, Labels
    from staydown_client.store import State

WITHDRAWN_STAYS_S: Final = 24 * 3600.0
REDACTED_STAYS_S: Final = 600.0


class StoreWriter:
    """The one writer of a folder's list. Hold the folder's lock (see `lock.py`) while using it."""

    def __init__(self, path: Path, *, list_name: str) -> None:
        """Open the store of one list; raise `FolderError` when it cannot be used."""
        self._path = path
        self._list_name = list_name
        self._connection = connect(path, list_name=list_name, for_writing=True)
        try:
            # FULL: a commit also survives a power cut. secure_delete: what was withdrawn leaves the file too.
            for pragma in ("synchronous = FULL", "secure_delete = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self.state = self._read_state()
            self._base = self._open_base()
            remove_others(path.parent, keep=self.state.base.name if self.state.base else None)
        except BaseException:
            self._connection.close()
            raise
        self._left_behind = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def path(self) -> Path:
        """The store's file."""
        return self._path

    @property
    def list_name(self) -> str:
        """The list's short name."""
        return self._list_name

    @property
    def position(self) -> int:
        """The last position verified and applied; -1 when there is none."""
        return self.state.size - 1

    @property
    def feed(self) -> str | None:
        """The feed's address as the hub last gave it."""
        address: str | None = self._connection.execute("SELECT feed FROM state").fetchone()[0]
        return address

    def remember_feed(self, address: str) -> None:
        """Keep the feed's address, for when the hub's own pages are away."""
        if address != self.feed:
            self._set(feed=address)

    def endorsed_keys(self) -> list[tuple[str, str]]:
        """Return the keys that were taken over by an endorsement, each with the note that says so."""
        with damage_named(self._path):
            return self._connection.execute("SELECT vkey, endorsement FROM log_key ORDER BY rowid").fetchall()

    def remember_keys(self, endorsed: Sequence[tuple[str, str]]) -> None:
        """Keep keys that a trusted one endorsed."""
        with self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO log_key (vkey, endorsement) VALUES (?, ?)", endorsed)

    def confirm(self, at: Moment, *, live_since_s: float | None = None) -> None:
        """Note that the hub had nothing newer then, and since when (seconds since 1970) it is followed live."""
        self._set(**_confirmed(at), live_since_s=live_since_s)

    def refuse(self, refusal: Refusal | None) -> None:
        """Note that the hub's list was refused; None: it is believed again."""
        if refusal != self.state.refusal:
            self._set(
                refusal=None if refusal is None else json.dumps({n: getattr(refusal, n) for n in Refusal.__slots__})
            )

    def set_live(self, since_s: float | None) -> None:
        """Note since when (seconds since 1970) the list has been followed live; None: it is not."""
        if since_s != self.state.live_since_s:
            self._set(live_since_s=since_s)

    def apply(self, runs: Sequence[Entries], labels: Labels, *, tree: bytes, note: str, confirmed: Moment) -> None:
        """Apply verified runs that go on from the last position, all or none, with the tree and note they lead to.

        `confirmed`: when the hub showed this note as its newest.

        Raises `LogRefusedError` when a position is not the next one, an operation does not fit its item, or a text is
        missing without a redaction.
        """
        with self._transaction():
            size = self.state.size
            for run in runs:
                if run.first != size:
                    raise LogRefusedError(
                        f"The hub sent position {run.first} where {size} comes next.", problem="garbage"
                    )
                size += len(run)
            if runs:
                self._apply(runs, labels)
            self._update(size=size, tree=tree, note=note, refusal=None, **_confirmed(confirmed))
        self.state = self._read_state()

    def adopt(self, base: BaseName, *, tree: bytes, note: str) -> None:
        """Make `base`, which holds all of a first sync, the list in force."""
        with self._transaction():
            if self.state.size:
                raise FolderError(f"{self._path} holds a list already.")
            self._update(
                size=base.size, tree=tree, note=note, refusal=None,
                base=base.name, base_digest=base.digest, base_size=base.size,
            )  # fmt: skip
        self._use_base()

    def switch(self, base: BaseName) -> None:
        """Make `base`, which holds this list as it was after its first `base.size` entries, the new base."""
        with self._transaction():
            self._connection.execute("DELETE FROM item WHERE changed_at < ?", (base.size,))
            self._connection.execute("DELETE FROM gone WHERE at < ?", (base.size,))
            left = self._connection.execute("SELECT count(*) FROM gone WHERE changed_at < ?", (base.size,)).fetchone()[
                0
            ]
            due_s = self.state.merge_due_s if left else None
            self._update(base=base.name, base_digest=base.digest, base_size=base.size, merge_due_s=due_s)
        self._left_behind = True
        self._use_base()

    def rows_since_base(self) -> int:
        """Return how many rows say what came after the base."""
        counts = "SELECT (SELECT count(*) FROM item) + (SELECT count(*) FROM gone)"
        found: int = self._connection.execute(counts).fetchone()[0]
        return found

    def rows_in_base(self) -> int:
        """Return how many items the base holds."""
        return 0 if self._base is None else len(self._base)

    def clear_away(self) -> None:
        """Empty the write-ahead log after something ceased to be in force, so that it leaves the disk."""
        if self._left_behind:
            with damage_named(self._path):
                [busy, _, _] = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._left_behind = bool(busy)

    def _apply(self, runs: Sequence[Entries], labels: Labels) -> None:
        operations, items = operations_of(runs)
        ids = items.astype(">u8").tobytes()
        standings: dict[bytes, Standing | None] = {}
        start = 0
        for run in runs:
            parts = _Parts(run)
            for place in range(len(run)):
                item, operation = ids[16 * (start + place) : 16 * (start + place + 1)], int(operations[start + place])
                position = run.first + place
                before = standings[item] if item in standings else self._standing(item)
                after = standings[item] = next_standing(before, operation, position)
                if before is not None and before.content_at != HIDDEN:
                    self._retire(before, at=position)
                if operation == REDACT:
                    self._ask_to_merge(REDACTED_STAYS_S)
                if after is not None and after.content_at == position:
                    self._insert(after, item, labels.texts[int(run.labels[place])], parts, place)
            start += len(run)

    def _standing(self, item: bytes) -> Standing | None:
        row = self._connection.execute("SELECT admitted_at, changed_at FROM item WHERE uuid = ?", (item,)).fetchone()
        if row is not None:
            return Standing(*row)
        if self._base is None:
            return None
        admitted_at = self._base.admitted_at((int.from_bytes(item[:8], "big"), int.from_bytes(item[8:], "big")))
        if admitted_at is None:
            return None
        gone = self._connection.execute("SELECT 1 FROM gone WHERE admitted_at = ?", (admitted_at,)).fetchone()
        return Standing(admitted_at, admitted_at) if gone is None else None

    def _retire(self, standing: Standing, *, at: int) -> None:
        self._connection.execute("DELETE FROM item WHERE changed_at = ?", (standing.content_at,))
        self._connection.execute(
            "INSERT INTO gone (at, admitted_at, changed_at) VALUES (?, ?, ?)",
            (at, standing.admitted_at, standing.content_at),
        )
        self._left_behind = True
        if self.state.base is not None and standing.content_at < self.state.base.size:
            self._ask_to_merge(WITHDRAWN_STAYS_S)

    def _ask_to_merge(self, within_s: float) -> None:
        """Note by when the base is to be written anew, so that what is no longer in force leaves its files."""
        if self.state.base is not None:
            self._connection.execute(
                "UPDATE state SET merge_due_s = min(coalesce(merge_due_s, 9e99), ?)", (time.time() + within_s,)
            )

    def _insert(self, standing: Standing, item: bytes, label: Label, parts: _Parts, place: int) -> None:
        self._connection.execute(
            "INSERT INTO item (changed_at, admitted_at, uuid, categories, advice, is_video, exact, pdq) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (standing.content_at, standing.admitted_at, item, " ".join(label[0]), label[1],
             bool(parts.run.videos[place]), parts.exact(place), parts.pdq(place)),
        )  # fmt: skip

    def _open_base(self) -> Base | None:
        return None if self.state.base is None else Base(self._path.parent, self.state.base)

    def _use_base(self) -> None:
        self.state = self._read_state()
        self._base = self._open_base()
        remove_others(self._path.parent, keep=self.state.base.name if self.state.base else None)

    def _read_state(self) -> State:
        with damage_named(self._path):
            return read_state(self._connection)

    def _set(self, **columns: Any) -> None:  # noqa: ANN401 - what SQLite takes
        with self._transaction():
            self._update(**columns)
        self.state = self._read_state()

    def _update(self, **columns: Any) -> None:  # noqa: ANN401 - what SQLite takes
        names = ", ".join(f"{name} = ?" for name in columns)
        self._connection.execute(f"UPDATE state SET {names}", tuple(columns.values()))  # noqa: S608 - our own names

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with damage_named(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _confirmed(at: Moment) -> dict[str, float | str]:
    return {"confirmed_s": at.wall_s, "confirmed_since_boot_s": at.since_boot_s, "confirmed_boot": at.boot}


class _Parts:
    """A run's fingerprints, found by entry."""

    def __init__(self, run: Entries) -> None:
        self.run = run
        places = np.arange(len(run) + 1)
        self._exact = [
            (bytes((code,)), run.exact[name].values, np.searchsorted(run.exact[name].owners, places).tolist())
            for code, name in enumerate(ALGORITHMS)
        ]
        self._pdq = np.searchsorted(run.pdq.owners, places).tolist()

    def exact(self, place: int) -> bytes:
        """Return the entry's digests, each after a byte that says of which algorithm it is."""
        return b"".join(
            code + row.tobytes()
            for code, values, bounds in self._exact
            for row in values[bounds[place] : bounds[place + 1]]
        )

    def pdq(self, place: int) -> bytes:
        """Return the entry's near hashes, one after another."""
        return self.run.pdq.values[self._pdq[place] : self._pdq[place + 1]].tobytes()
