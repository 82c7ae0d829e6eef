"""Checkpoints as signed notes (C2SP signed-note and tlog-checkpoint): text, keys and signature lines."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from staydown_hub.sealing.tree import HASH_BYTES

CHECKPOINT_ED25519: Final = 1
COSIGNATURE_ED25519: Final = 4
KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
_MAX_NOTE_CHARACTERS: Final = 64 * 1024
_MAX_SIGNATURES: Final = 100
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_LINE: Final = re.compile(r"— (\S{1,255}) ([A-Za-z0-9+/=]{8,1000})")


class BadNoteError(ValueError):
    """A text that is no note, no checkpoint or no key; the message says which part is wrong."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its name, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; what `signature` holds after the key id depends on the key's algorithm."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a line break, and the signatures under it, known and unknown."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, as others write it down."""

    name: str
    algorithm: int
    public_key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name the key."""
        return key_id(self.name, self.public_key, algorithm=self.algorithm)

    @property
    def text(self) -> str:
        """The key as one line: name, key id, algorithm and public key."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.algorithm]) + self.public_key)}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key signed the message; `signature` is the 64 bytes of Ed25519."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def is_name(name: str) -> bool:
    """Tell whether a key or log may be called so: no space, no plus sign, no control character."""
    return _NAME.fullmatch(name) is not None


def key_id(name: str, public_key: bytes, *, algorithm: int = CHECKPOINT_ED25519) -> bytes:
    """Return the key id: the first four bytes of SHA-256 over name, line break, algorithm and public key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()[:KEY_ID_BYTES]


def parse_vkey(text: str) -> VerifierKey:
    """Return the key that the line names. Raises BadNoteError."""
    name, _, rest = text.partition("+")
    given_id, _, encoded = rest.partition("+")
    data = _from_base64(encoded)
    if not is_name(name) or len(data) != 1 + PUBLIC_KEY_BYTES:
        raise BadNoteError("A key looks like name+12345678+<base64>.")
    key = VerifierKey(name, data[0], data[1:])
    if given_id != key.id.hex():
        raise BadNoteError("The key's id does not belong to its name and public key.")
    if key.algorithm not in {CHECKPOINT_ED25519, COSIGNATURE_ED25519}:
        raise BadNoteError("The key is of an unknown algorithm.")
    return key


def checkpoint_text(origin: str, *, size: int, root: bytes) -> str:
    """Return the three lines that are signed."""
    return f"{origin}\n{size}\n{_base64(root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return what the text of a note commits to. Raises BadNoteError."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not is_name(lines[0]) or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 -- three lines and their end
        raise BadNoteError("A checkpoint is three lines: origin, size and root.")
    root = _from_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise BadNoteError("A checkpoint's root is 32 bytes in base64.")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """Return one line of a note's lower part."""
    return f"— {name} {_base64(key_id + signature)}\n"


def signed_note(text: str, *lines: str) -> str:
    """Return the note: the text, an empty line and the signature lines."""
    return f"{text}\n{''.join(lines)}"


def parse_note(note: str) -> Note:
    """Return a note's text and signatures; nothing is verified yet. Raises BadNoteError."""
    text, separator, lower = note.rpartition("\n\n")
    lines = lower.split("\n")
    if not separator or len(note) > _MAX_NOTE_CHARACTERS or lines.pop() or not 0 < len(lines) <= _MAX_SIGNATURES:
        raise BadNoteError("A note is a text, an empty line, and one to a hundred signature lines.")
    return Note(text=f"{text}\n", signatures=tuple(_signature(line) for line in lines))


def _signature(line: str) -> Signature:
    found = _SIGNATURE_LINE.fullmatch(line)
    data = _from_base64(found[2]) if found else b""
    if found is None or not is_name(found[1]) or len(data) <= KEY_ID_BYTES:
        raise BadNoteError("A signature line looks like: — name <base64>.")
    return Signature(found[1], data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNoteError("This is not base64.") from None
    if _base64(data) != text:
        raise BadNoteError("This base64 is not written in the one usual way.")
    return data
