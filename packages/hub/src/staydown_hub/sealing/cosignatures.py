"""Cosignatures of witnesses (C2SP tlog-cosignature, cosignature/v1): another party saw this checkpoint at this time."""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from staydown_hub.sealing.notes import (
    COSIGNATURE_ED25519,
    BadNoteError,
    Note,
    Signature,
    VerifierKey,
    parse_vkey,
    signature_line,
)

_TIME: Final = struct.Struct(">Q")
_SIGNATURE_BYTES: Final = 64
# The last second of the year 9999: beyond it a time cannot be stored.
_LAST_TIME_S: Final = 253_402_300_799


class BadCosignatureError(BadNoteError):
    """A line that bears a witness's name and is not its signature of this checkpoint."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The line of {name} is not its signature of this checkpoint.")


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature: whose, when (seconds since 1970), and its line as it stands under the checkpoint."""

    witness: VerifierKey
    at_s: int
    line: str


def parse_witness_key(text: str) -> VerifierKey:
    """Return a witness's key. Raises BadNoteError, also for a key that signs checkpoints themselves."""
    key = parse_vkey(text)
    if key.algorithm != COSIGNATURE_ED25519:
        raise BadNoteError("This is a log's key; a witness's is of another kind, and its base64 begins with B.")
    return key


def cosigned_message(text: str, *, at_s: int) -> bytes:
    """Return what a witness signs: a heading, the time, and the checkpoint's text."""
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def cosignatures_in(note: Note, witnesses: Collection[VerifierKey]) -> list[Cosignature]:
    """Return the cosignatures of these witnesses under the note, the last of each; other lines are passed over.

    Raises BadCosignatureError for a line that names a witness's key and is not its signature.
    """
    known = {(one.name, one.id): one for one in witnesses}
    found = {
        key: _verified(known[key], signature, note.text)
        for signature in note.signatures
        if (key := (signature.name, signature.key_id)) in known
    }
    return list(found.values())


def _verified(witness: VerifierKey, given: Signature, text: str) -> Cosignature:
    if len(given.signature) != _TIME.size + _SIGNATURE_BYTES:
        raise BadCosignatureError(witness.name)
    (at_s,) = _TIME.unpack_from(given.signature)
    message = cosigned_message(text, at_s=at_s)
    if at_s > _LAST_TIME_S or not witness.verify(message, given.signature[_TIME.size :]):
        raise BadCosignatureError(witness.name)
    return Cosignature(witness, at_s, signature_line(witness.name, given.key_id, given.signature))
