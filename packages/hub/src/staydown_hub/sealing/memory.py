"""What was signed last, in a file that a crash cannot damage and that costs one flush to write.

The file `signed.json` has two lines of fixed length, written in turn and in place: while one is being written, the
other one stands. Whichever whole line has the higher turn counts. Each says when it was written, and the file's change
time, which cannot be set as its other times can, says whether that was the last that happened to it: a backup that was
brought back forgets what was signed after it was made, and nothing is signed on its word.
"""

import base64
import binascii
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from staydown_hub.sealing.durable import replace
from staydown_hub.sealing.errors import LostMemoryError, RestoredMemoryError
from staydown_hub.sealing.notes import BadNoteError, parse_checkpoint, parse_note

MEMORY: Final = "signed.json"
_LINE_BYTES: Final = 8192
_LINES: Final = 2
# Writing takes a moment, and what is flushed need not bring its times with it: those may be older after a power cut,
# never newer. An image of the whole disk, brought back, does not show; nor does what is brought back within this time.
_WRITING_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed last."""

    size: int
    root: bytes
    note: str


def read_signed(folder: Path) -> Signed:
    """Return what was signed last, from the list's signing folder. Raises LostMemoryError."""
    return _newest(folder).signed


def begin(folder: Path, signed: Signed) -> None:
    """Remember the first that is signed of a list; what is remembered already stays."""
    if not (folder / MEMORY).exists():
        replace(folder / MEMORY, _line(0, signed) + b" " * (_LINE_BYTES - 1) + b"\n")


def accept(folder: Path) -> Signed:
    """Go on from a memory that was brought back, on the word of somebody who knows that it is the newest one."""
    newest = _newest(folder)
    replace(folder / MEMORY, _line(newest.turn + 1, newest.signed) + b" " * (_LINE_BYTES - 1) + b"\n")
    return newest.signed


class Memory:
    """The file, opened for writing. Raises LostMemoryError, RestoredMemoryError."""

    def __init__(self, folder: Path) -> None:
        newest = _newest(folder)
        if (folder / MEMORY).stat().st_ctime - newest.written_at > _WRITING_S:
            raise RestoredMemoryError(folder / MEMORY, slug=folder.name, size=newest.signed.size)
        self._turn, self.signed = newest.turn, newest.signed
        self._file = os.open(folder / MEMORY, os.O_WRONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def remember(self, signed: Signed) -> None:
        """Have this on the disk before returning. When that fails it may be there or not, and must not be shown."""
        turn = self._turn + 1
        os.pwrite(self._file, _line(turn, signed), turn % _LINES * _LINE_BYTES)
        os.fdatasync(self._file)
        self._turn, self.signed = turn, signed


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file; `written_at` in seconds since 1970."""

    turn: int
    written_at: float
    signed: Signed


def _newest(folder: Path) -> _Line:
    path = folder / MEMORY
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        raise LostMemoryError(path) from None
    found = [one for one in map(_read, lines[:_LINES]) if one is not None]
    if not found:
        raise LostMemoryError(path)
    return max(found, key=lambda one: one.turn)


def _line(turn: int, signed: Signed) -> bytes:
    line_of = _Line(turn, time.time(), signed)
    told = {"turn": turn, "size": signed.size, "root": base64.b64encode(signed.root).decode(), "note": signed.note}
    told |= {"written_at": line_of.written_at, "check": _check(line_of)}
    line = json.dumps(told).encode()
    if len(line) >= _LINE_BYTES:
        raise ValueError("A checkpoint with so many signatures is not remembered: retire keys that are not used.")
    return line.ljust(_LINE_BYTES - 1) + b"\n"


def _read(line: str) -> _Line | None:
    try:
        told = json.loads(line)
        signed = Signed(size=int(told["size"]), root=base64.b64decode(told["root"]), note=str(told["note"]))
        found = _Line(int(told["turn"]), float(told["written_at"]), signed)
        said = parse_checkpoint(parse_note(signed.note).text)
    except (ValueError, KeyError, TypeError, binascii.Error, BadNoteError):
        return None
    is_whole = told.get("check") == _check(found) and (said.size, said.root) == (signed.size, signed.root)
    return found if is_whole else None


def _check(line: _Line) -> str:
    signed = line.signed
    text = f"{line.turn} {line.written_at!r} {signed.size} {signed.root.hex()} {signed.note}"
    return hashlib.sha256(text.encode()).hexdigest()
