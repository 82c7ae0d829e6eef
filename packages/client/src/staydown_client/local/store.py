"""The file in a filter's folder that the platform's own decisions and its queue are kept in, for all its processes.

SQLite in WAL mode: a process killed at any byte loses nothing that was committed; a power cut may take the last
moments' matches, never the file.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from staydown_client.errors import FolderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCAL_NAME: Final = "local.sqlite"
FORMAT_VERSION: Final = 1
_BUSY_TIMEOUT_S: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE silenced (
    position INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    dispute TEXT NOT NULL CHECK (dispute IN ('waiting', 'delivered', 'refused'))
) STRICT;
CREATE TABLE flood (
    position INTEGER PRIMARY KEY, since REAL NOT NULL, until REAL, matches INTEGER NOT NULL, uploads INTEGER NOT NULL
) STRICT;
CREATE TABLE seen (
    bucket INTEGER NOT NULL, position INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (position, bucket)
) STRICT, WITHOUT ROWID;
CREATE TABLE match (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    distance_bits INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    at REAL NOT NULL,
    reference TEXT
) STRICT;
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""
# SQLite's connections must not cross a fork, not even to be closed: a child keeps its parent's here, unused.
_INHERITED: list[object] = []
_STORES: WeakSet[LocalStore] = WeakSet()


class LocalStore:
    """Any number of threads and processes at once; goes on working in a forked child. Made when it is missing."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, or make it with mode 0600; raise `FolderError` when it cannot be used."""
        self._path = path
        self._begin()
        _STORES.add(self)

    def close(self) -> None:
        """Give the file up."""
        with self._read_lock, self._write_lock:
            self._reader.close()
            self._writer.close()

    def version(self) -> int:
        """Return a number that is another one once anything was committed, by this process or another."""
        with self._read_lock:  # asked at every check: without what `reading` needs more
            if self._inherited:
                self._follow_fork()
            try:
                version: int = self._reader.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error as error:
                raise self._error(error) from error
            return version

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the file."""
        with self._read_lock, self._named():
            self._follow_fork()
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection within a transaction, which is committed when the block ends well."""
        with self._write_lock, self._named():
            self._follow_fork()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def after_fork(self) -> None:
        """Mark what a child got from its parent; the locks may be held by threads that the child does not have."""
        self._inherited = True
        self._read_lock, self._write_lock = threading.Lock(), threading.Lock()

    def _begin(self) -> None:
        self._inherited = False
        self._read_lock, self._write_lock = threading.Lock(), threading.Lock()
        with self._named():
            self._writer = _connect(self._path)
            try:
                _make_tables(self._writer, self._path)
                self._reader = _connect(self._path)
            except BaseException:
                self._writer.close()
                raise

    def _follow_fork(self) -> None:
        if self._inherited:
            with _FORKED:
                if self._inherited:
                    _INHERITED.append((self._reader, self._writer))
                    self._writer, self._reader = _connect(self._path), _connect(self._path)
                    self._inherited = False

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _error(self, error: sqlite3.Error) -> FolderError:
        return FolderError(
            f"{self._path} cannot be used ({error}). If it stays so, stop the filter and move the file away: silenced "
            "entries and matches not delivered yet are in it."
        )


_FORKED = threading.RLock()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # Only ever a new file: closing one that SQLite has open in this process would take its locks away, and the next
        # process that leaves would then delete the log that this one still reads.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise FolderError(f"{path} cannot be made: {error.strerror}.") from error
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        # secure_delete: what was delivered leaves the file, too.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")  # processes that start together make them once
    try:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        _check_version(version, path)
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _check_version(version: int, path: Path) -> None:
    if version not in {0, FORMAT_VERSION}:
        raise FolderError(f"{path} was written by another version of staydown-client (format {version}).")


def _after_fork() -> None:
    global _FORKED  # noqa: PLW0603 - its holder may not exist in the child
    _FORKED = threading.RLock()
    for store in _STORES:
        store.after_fork()


os.register_at_fork(after_in_child=_after_fork)
