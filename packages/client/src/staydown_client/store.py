"""The folder's state and what changed since its base, in one SQLite file: how it is laid out, made and read.

WAL mode: readers are never blocked, and a process killed at any byte leaves the last commit in force. The bulk of the
list is in a base (see `base/`), which the file refers to by name and digest; rows here say what came after it.
`store_writer.py` writes it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from staydown_client.base.files import BaseName
from staydown_client.clock import Moment
from staydown_client.entries import EXACT_BYTES
from staydown_client.errors import FolderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from staydown_client.entries import ExactAlgorithm, Label
    from staydown_client.errors import LogProblem

FORMAT_VERSION: Final = 2
ALGORITHMS: Final[tuple[ExactAlgorithm, ...]] = tuple(EXACT_BYTES)
"""An item's digests are stored each after the place of its algorithm here."""

_BUSY_TIMEOUT_S: Final = 10.0

# `item` holds what is in force and was said after the base: `changed_at` is the position that said it, `admitted_at`
# that of the item's admission. `gone` holds numbers only: at position `at`, what was said at `changed_at` (a position
# below the base's size: in the base, under `admitted_at`) ceased to be in force. Both grow by position, so that a
# reader that knows all up to one asks for the rows above it.
_SCHEMA: Final = """
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    list TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0),
    tree BLOB NOT NULL,
    note TEXT,
    base TEXT,
    base_digest BLOB,
    base_size INTEGER NOT NULL CHECK (base_size BETWEEN 0 AND size),
    confirmed_s REAL,
    confirmed_since_boot_s REAL,
    confirmed_boot TEXT,
    live_since_s REAL,
    merge_due_s REAL,
    refusal TEXT,
    feed TEXT
) STRICT;
CREATE TABLE log_key (vkey TEXT PRIMARY KEY, endorsement TEXT NOT NULL) STRICT;
CREATE TABLE item (
    changed_at INTEGER PRIMARY KEY,
    admitted_at INTEGER NOT NULL,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    categories TEXT NOT NULL,
    advice TEXT NOT NULL CHECK (advice IN ('block', 'hold')),
    is_video INTEGER NOT NULL,
    exact BLOB NOT NULL,
    pdq BLOB NOT NULL
) STRICT;
CREATE TABLE gone (
    at INTEGER PRIMARY KEY,
    admitted_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX gone_by_admission ON gone (admitted_at);
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """That the hub's list was refused: the problem's word, the message for people, and when (seconds since 1970)."""

    problem: LogProblem
    message: str
    at_s: float


@dataclass(frozen=True, slots=True)
class State:
    """What the store holds beside the items: how far the list was verified, and how it stands with the hub.

    `tree` is a CompactRange's bytes, `note` the last checkpoint believed. `confirmed`: when the hub last confirmed that
    there was nothing newer; None while the list was never received whole.
    """

    size: int
    tree: bytes
    note: str | None
    base: BaseName | None
    confirmed: Moment | None
    live_since_s: float | None
    merge_due_s: float | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item in force that was said after the base."""

    changed_at: int
    admitted_at: int
    item: bytes
    label: Label
    is_video: bool
    exact: tuple[tuple[ExactAlgorithm, bytes], ...]
    pdq: bytes


def create_store(path: Path, *, list_name: str) -> None:
    """Make an empty store for one list at `path`, with mode 0600; nothing may be there."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT_VERSION};")
        connection.execute(
            "INSERT INTO state (one, list, size, tree, base_size) VALUES (1, ?, 0, ?, 0)", (list_name, bytes(8))
        )
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
        raise FolderError(
            f"{path} was written by another version of staydown-client (format {version}). Make a new folder with "
            "'staydown filter init' and sync it: the hub has the whole list."
        )
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
        full = "disk is full" in str(error) or "disk I/O" in str(error)
        raise FolderError(
            f"{path} cannot be used ({error}). "
            + (
                "Is the disk full? Make room: what was verified before stays in force, and the sync goes on from there."
                if full
                else "If it stays so, make a new folder with 'staydown filter init' and sync it: the hub still has the "
                "whole list."
            )
        ) from error


def read_state(connection: sqlite3.Connection) -> State:
    """Return the state row."""
    row = connection.execute(
        "SELECT size, tree, note, base, base_digest, base_size, confirmed_s, confirmed_since_boot_s, confirmed_boot, "
        "live_since_s, merge_due_s, refusal FROM state"
    ).fetchone()
    size, tree, note, base, digest, base_size, confirmed_s, since_boot_s, boot, live_since_s, due_s, refusal = row
    return State(
        size=size,
        tree=tree,
        note=note,
        base=None if base is None else BaseName(base, digest, base_size),
        confirmed=None if confirmed_s is None else Moment(confirmed_s, since_boot_s, boot),
        live_since_s=live_since_s,
        merge_due_s=due_s,
        refusal=None if refusal is None else Refusal(**json.loads(refusal)),
    )


def read_items(connection: sqlite3.Connection, *, since: int) -> Iterator[ItemRow]:
    """Yield what is in force and was said at position `since` or later."""
    rows = connection.execute(
        "SELECT changed_at, admitted_at, uuid, categories, advice, is_video, exact, pdq FROM item "
        "WHERE changed_at >= ? ORDER BY changed_at",
        (since,),
    )
    for changed_at, admitted_at, item, categories, advice, is_video, exact, pdq in rows:
        label = (tuple(categories.split()), advice)
        yield ItemRow(changed_at, admitted_at, item, label, bool(is_video), tuple(_unpacked(exact)), pdq)


def read_gone(connection: sqlite3.Connection, *, since: int) -> list[tuple[int, int]]:
    """Return (admitted_at, changed_at) of what ceased to be in force at position `since` or later."""
    return connection.execute("SELECT admitted_at, changed_at FROM gone WHERE at >= ? ORDER BY at", (since,)).fetchall()


def _unpacked(packed: bytes) -> Iterator[tuple[ExactAlgorithm, bytes]]:
    at = 0
    while at < len(packed):
        algorithm = ALGORITHMS[packed[at]]
        end = at + 1 + EXACT_BYTES[algorithm]
        yield algorithm, packed[at + 1 : end]
        at = end
