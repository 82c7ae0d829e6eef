"""Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from staydown_client.errors import ConfigurationError, LogRefusedError
from staydown_client.log.compact_range import MAX_SIZE
from staydown_client.log.hashing import HASH_BYTES
from staydown_client.log.keys import (
    KEY_ID_BYTES,
    LOG_KEY,
    MAX_TIME_S,
    SIGNATURE_BYTES,
    TIME_BYTES,
    WITNESS_KEY,
    VerifierKey,
    WitnessKey,
    checked_key_name,
    parse_vkey,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "Checkpoint",
    "Note",
    "VerifierKey",
    "WitnessKey",
    "cosignature_line",
    "open_note",
    "parse_note",
    "parse_vkey",
]

MAX_NOTE_CHARACTERS: Final = 64 * 1024
MAX_SIGNATURES: Final = 100
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH: Final = "\N{EM DASH} "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature line, taken apart and not verified; `signature` begins with the time when a witness made it."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart and not verified; `body` is what is signed, with its last newline."""

    body: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log's key signed: its list had `size` entries with this root. `text` is the whole note as it came.

    `cosigned_by`: the names of the known witnesses that signed it too, with the seconds since 1970 when each did.
    """

    origin: str
    size: int
    root: bytes
    text: str
    cosigned_by: Mapping[str, int]

    @property
    def body(self) -> str:
        """What is signed: the note without its signatures."""
        return parse_note(self.text).body


def parse_note(text: str) -> Note:
    """Take a note apart; raise `LogRefusedError` (garbage) when it is none. Nothing is verified."""
    if len(text) > MAX_NOTE_CHARACTERS or _CONTROL.search(text) or _SURROGATE.search(text):
        _garbage("it is too long, or holds control characters")
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not body.strip("\n") or not lines.endswith("\n"):
        _garbage("it is not a text, an empty line and signatures")
    rows = lines.removesuffix("\n").split("\n")
    if len(rows) > MAX_SIGNATURES:
        _garbage(f"it has more than {MAX_SIGNATURES} signatures")
    return Note(body + "\n", tuple(_signature(row) for row in rows))


def verified_signatures(note: Note, keys: Collection[VerifierKey]) -> dict[VerifierKey, int | None]:
    """Return which of `keys` signed, witnesses with their newest time; signatures of other keys are ignored.

    Raise `LogRefusedError` (signature) when a line bears a known key's name and id and is not that key's.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[VerifierKey, int | None] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None:
            time_s = _verify(note.body, key, line.signature)
            found[key] = max(time_s, found.get(key) or 0) if time_s is not None else None
    return found


def open_note(text: str, keys: Collection[VerifierKey]) -> Checkpoint:
    """Return the checkpoint in `text`, signed by at least one log key among `keys` whose name is its origin.

    The witnesses among `keys` that signed it are named in `cosigned_by`. Raise `LogRefusedError`: garbage, signature.
    """
    note = parse_note(text)
    origin, size, root = parse_checkpoint_body(note.body)
    signed = verified_signatures(note, keys)
    if not any(key.kind == LOG_KEY and key.name == origin for key in signed):
        raise LogRefusedError(
            "The hub's checkpoint is not signed by a key that is trusted for this list. The list verified before stays "
            "in force. Were the list's keys replaced and the old ones retired while this folder was away? Ask the "
            "hub's operator, by another way than the hub, for the key that signs now (staydown-hub keys list), put it "
            "in the place of the old one in this folder's settings (keys under [log]), and start again.",
            problem="signature",
        )
    cosigned: dict[str, int] = {}
    for key, time_s in signed.items():
        if key.kind == WITNESS_KEY and time_s is not None:
            cosigned[key.name] = max(time_s, cosigned.get(key.name, 0))
    return Checkpoint(origin, size, root, text, cosigned)


def parse_checkpoint_body(body: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a checkpoint's text; lines after these three are permitted and mean nothing."""
    lines = body.removesuffix("\n").split("\n")
    if len(lines) < len(("origin", "size", "root")) or not all(lines):
        _garbage("it has no origin, size and root")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        _garbage("its size is not a number of entries")
    decoded = _decoded(root)
    if len(decoded) != HASH_BYTES:
        _garbage("its root is not a hash")
    return origin, int(size), decoded


def checkpoint_body(origin: str, size: int, root: bytes) -> str:
    """Return the text that is signed for a checkpoint."""
    return f"{origin}\n{size}\n{b64encode(root).decode('ascii')}\n"


def cosignature_line(body: str, key: WitnessKey, *, time_s: int) -> str:
    """Return the line, with its newline, by which a witness countersigns a checkpoint's text at `time_s`."""
    signature = time_s.to_bytes(TIME_BYTES, "big") + key.sign(_cosigned_message(body, time_s))
    return signature_line(key.public, signature)


def signature_line(key: VerifierKey, signature: bytes) -> str:
    """Return a signature as a note's line, with its newline."""
    return f"{_DASH}{key.name} {b64encode(key.key_id + signature).decode('ascii')}\n"


def _verify(body: str, key: VerifierKey, signature: bytes) -> int | None:
    """Return the time of a witness's signature, None for a log's; raise when it is not the key's."""
    if key.kind == LOG_KEY:
        time_s, message = None, body.encode()
    else:
        time_s, signature = int.from_bytes(signature[:TIME_BYTES], "big"), signature[TIME_BYTES:]
        message = _cosigned_message(body, time_s)
    if len(signature) != SIGNATURE_BYTES or (time_s or 0) > MAX_TIME_S or not key.verifies(message, signature):
        raise LogRefusedError(
            f"A signature on the hub's checkpoint bears the name of {key.name}'s key and is not its own: the note was "
            "forged or changed on the way. It was refused; the list verified before stays in force.",
            problem="signature",
        )
    return time_s


def _cosigned_message(body: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{body}".encode()


def _signature(row: str) -> NoteSignature:
    name, space, encoded = row.removeprefix(_DASH).partition(" ")
    if not row.startswith(_DASH) or not space:
        _garbage("a line among its signatures is none")
    try:
        checked_key_name(name)
    except ConfigurationError:
        _garbage("a signature's name is not one")
    signature = _decoded(encoded)
    if len(signature) <= KEY_ID_BYTES:
        _garbage("a signature is too short")
    return NoteSignature(name, signature[:KEY_ID_BYTES], signature[KEY_ID_BYTES:])


def _decoded(encoded: str) -> bytes:
    try:
        decoded = b64decode(encoded, validate=True)
    except ValueError:
        _garbage("it holds base64 that is none")
    if b64encode(decoded).decode("ascii") != encoded:
        # Two texts for the same bytes would let one checkpoint be shown as two.
        _garbage("it holds base64 that is written in an unusual way")
    return decoded


def _garbage(why: str) -> NoReturn:
    raise LogRefusedError(f"The hub's note was refused: {why}.", problem="garbage")
