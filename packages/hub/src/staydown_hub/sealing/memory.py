"""What was signed last, in a file that a crash cannot damage and that costs one flush to write.

The file `signed.json` has two lines of fixed length, written in turn and in place: while one is being written, the
other one stands. Whichever whole line has the higher turn counts.
"""

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from staydown_hub.sealing.durable import replace
from staydown_hub.sealing.errors import LostMemoryError
from staydown_hub.sealing.notes import BadNoteError, parse_checkpoint, parse_note

MEMORY: Final = "signed.json"
_LINE_BYTES: Final = 8192
_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed last."""

    size: int
    root: bytes
    note: str


def read_signed(folder: Path) -> Signed:
    """Return what was signed last, from the list's signing folder. Raises LostMemoryError."""
    return _newest(folder)[1]


def begin(folder: Path, signed: Signed) -> None:
    """Remember the first that is signed of a list; what is remembered already stays."""
    if not (folder / MEMORY).exists():
        replace(folder / MEMORY, _line(0, signed) + b" " * (_LINE_BYTES - 1) + b"\n")


class Memory:
    """The file, opened for writing."""

    def __init__(self, folder: Path) -> None:
        self._turn, self.signed = _newest(folder)
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


def _newest(folder: Path) -> tuple[int, Signed]:
    path = folder / MEMORY
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        raise LostMemoryError(path) from None
    found = [one for one in map(_read, lines[:_LINES]) if one is not None]
    if not found:
        raise LostMemoryError(path)
    return max(found, key=lambda one: one[0])


def _line(turn: int, signed: Signed) -> bytes:
    told = {"turn": turn, "size": signed.size, "root": base64.b64encode(signed.root).decode(), "note": signed.note}
    told["check"] = _check(turn, signed)
    line = json.dumps(told).encode()
    if len(line) >= _LINE_BYTES:
        raise ValueError("A checkpoint with so many signatures is not remembered: retire keys that are not used.")
    return line.ljust(_LINE_BYTES - 1) + b"\n"


def _read(line: str) -> tuple[int, Signed] | None:
    try:
        told = json.loads(line)
        turn = int(told["turn"])
        signed = Signed(size=int(told["size"]), root=base64.b64decode(told["root"]), note=str(told["note"]))
        said = parse_checkpoint(parse_note(signed.note).text)
    except (ValueError, KeyError, TypeError, binascii.Error, BadNoteError):
        return None
    is_whole = told.get("check") == _check(turn, signed) and (said.size, said.root) == (signed.size, signed.root)
    return (turn, signed) if is_whole else None


def _check(turn: int, signed: Signed) -> str:
    return hashlib.sha256(f"{turn} {signed.size} {signed.root.hex()} {signed.note}".encode()).hexdigest()
