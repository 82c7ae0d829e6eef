"""The list on disk: entries applied in order, each batch in one transaction with the position it reaches.

SQLite in WAL mode: readers are never blocked, and a process killed at any byte leaves the last commit in force.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from staydown_client.entries import Admit, Withdraw, operation_of
from staydown_client.errors import FolderError, HubMisbehavedError
from staydown_client.policy import MIN_QUALITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from staydown_client.entries import Amend, Entry, Listing

FORMAT_VERSION: Final = 1
_BUSY_TIMEOUT_S: Final = 10.0

# `pdq.key` only ever grows (AUTOINCREMENT): a reader that knows all keys up to k asks for the rows above k.
# `removed` tells it, in the same way, which keys are gone. `removed` holds numbers only.
# `item.frames` is how many of its PDQs stand for frames of a video: all, or 0 when the item is a picture.
_SCHEMA: Final = """
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    list TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= -1),
    caught_up_at REAL,
    feed TEXT
) STRICT;
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    position INTEGER NOT NULL,
    categories TEXT NOT NULL,
    advice TEXT NOT NULL CHECK (advice IN ('block', 'hold')),
    frames INTEGER NOT NULL
) STRICT;
CREATE TABLE exact (
    value BLOB NOT NULL,
    algorithm TEXT NOT NULL,
    item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    PRIMARY KEY (value, algorithm, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX exact_by_item ON exact (item);
CREATE TABLE pdq (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    bits BLOB NOT NULL CHECK (length(bits) = 32),
    item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX pdq_by_item ON pdq (item);
CREATE TABLE removed (seq INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL) STRICT;
CREATE TRIGGER pdq_removed AFTER DELETE ON pdq BEGIN INSERT INTO removed (key) VALUES (OLD.key); END;
"""


def create_store(path: Path, *, list_name: str) -> None:
    """Make an empty store for one list at `path`, with mode 0600; nothing may be there."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT_VERSION};")
        connection.execute("INSERT INTO state (one, list, position) VALUES (1, ?, -1)", (list_name,))
        connection.execute("COMMIT")
    finally:
        connection.close()


def connect(path: Path, *, list_name: str, for_writing: bool) -> sqlite3.Connection:
    """Open the store of one list; raise `FolderError` when it is missing, damaged, of another version or list."""
    # mode=rw: never made anew by accident. A reader opens it so too: it shares the WAL index with the writer.
    with damage_named(path):
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=_BUSY_TIMEOUT_S,
            check_same_thread=False,
        )
        try:
            _check_is_ours(connection, path, list_name)
            connection.execute(f"PRAGMA query_only = {not for_writing}")
        except BaseException:
            connection.close()
            raise
    return connection


def _check_is_ours(connection: sqlite3.Connection, path: Path, list_name: str) -> None:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT_VERSION:
        raise FolderError(f"{path} was written by another version of staydown-client (format {version}).")
    [stored] = connection.execute("SELECT list FROM state").fetchone()
    if stored != list_name:
        raise FolderError(
            f"{path} holds the list {stored}, and filter.toml names {list_name}. A folder follows one list: make "
            "another folder with 'staydown filter init'."
        )


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a `FolderError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise FolderError(
            f"{path} cannot be used ({error}). If it stays so, make a new folder with 'staydown filter init' and sync "
            "it: the hub still has the whole list."
        ) from error


class StoreWriter:
    """The one writer of a store. Hold the folder's lock (see `lock.py`) while using it."""

    def __init__(self, path: Path, *, list_name: str) -> None:
        """Open the store of one list; raise `FolderError` when it cannot be used."""
        self._path = path
        self._connection = connect(path, list_name=list_name, for_writing=True)
        # FULL: a commit also survives a power cut. secure_delete: what was withdrawn leaves the file too.
        for pragma in ("synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def position(self) -> int:
        """The last position applied; -1 when there is none."""
        position: int = self._connection.execute("SELECT position FROM state").fetchone()[0]
        return position

    @property
    def feed(self) -> str | None:
        """The feed's address as the hub last gave it."""
        address: str | None = self._connection.execute("SELECT feed FROM state").fetchone()[0]
        return address

    def remember_feed(self, address: str) -> None:
        """Keep the feed's address, for when the hub's own pages are away."""
        if address != self.feed:
            with self._transaction():
                self._connection.execute("UPDATE state SET feed = ?", (address,))

    def apply(self, entries: Sequence[Entry], *, caught_up_at: float | None) -> None:
        """Apply `entries`, which go on from the last position, all or none.

        `caught_up_at` (seconds since 1970) says that nothing newer existed then; None leaves the last such time.
        Raises `HubMisbehavedError` when a position is not the next one, or an operation does not fit the item.
        """
        with self._transaction():
            position = self.position
            for entry in entries:
                position += 1
                if entry.position != position:
                    raise HubMisbehavedError(
                        f"The hub sent position {entry.position} where {position} comes next; it was refused."
                    )
                self._apply(entry)
            self._connection.execute(
                "UPDATE state SET position = ?, caught_up_at = coalesce(?, caught_up_at)", (position, caught_up_at)
            )

    def _apply(self, entry: Entry) -> None:
        found = self._connection.execute("SELECT id, position FROM item WHERE uuid = ?", (entry.item.bytes,))
        in_force: tuple[int, int] | None = found.fetchone()
        if (in_force is None) != isinstance(entry, Admit):
            state = "not in force" if in_force is None else "in force already"
            raise HubMisbehavedError(
                f"The hub sent '{operation_of(entry)}' at position {entry.position} for an item that is {state}; "
                "it was refused."
            )
        if in_force is not None:
            self._connection.execute("DELETE FROM item WHERE id = ?", (in_force[0],))
        if not isinstance(entry, Withdraw):
            self._insert(entry, admitted_at=entry.position if in_force is None else in_force[1])

    def _insert(self, entry: Admit | Amend, *, admitted_at: int) -> None:
        listing = entry.listing
        bits = _comparable_bits(listing)
        frames = len(bits) if listing.kind == "video" else 0
        cursor = self._connection.execute(
            "INSERT INTO item (uuid, position, categories, advice, frames) VALUES (?, ?, ?, ?, ?)",
            (entry.item.bytes, admitted_at, " ".join(listing.categories), listing.advice, frames),
        )
        item = cursor.lastrowid
        self._connection.executemany(
            "INSERT OR IGNORE INTO exact (value, algorithm, item) VALUES (?, ?, ?)",
            [(fingerprint.value, fingerprint.algorithm, item) for fingerprint in listing.exact],
        )
        self._connection.executemany("INSERT INTO pdq (bits, item) VALUES (?, ?)", [(one, item) for one in bits])

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


def _comparable_bits(listing: Listing) -> list[bytes]:
    """Return the distinct PDQ hashes that are good enough to be compared, in the order of the entry."""
    return list(dict.fromkeys(pdq.bits for pdq in listing.pdq if pdq.quality >= MIN_QUALITY))
