"""Keys of logs and witnesses as texts (C2SP signed-note's vkeys), and what each can verify or sign."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from staydown_client.errors import ConfigurationError

LOG_KEY: Final = 0x01
WITNESS_KEY: Final = 0x04
KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
TIME_BYTES: Final = 8
MAX_TIME_S: Final = 2**63 - 1
# No space, no plus, nothing that does not show; signed-note asks for no more.
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f-\xa0\ufeff]{1,255}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_PRIVATE: Final = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by its name. `kind`: LOG_KEY signs checkpoints, WITNESS_KEY countersigns them with a time."""

    name: str
    kind: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Which of a name's keys it is: 4 bytes; a hint, no proof."""
        return sha256(b"%s\n%c%s" % (self.name.encode(), self.kind, self.public_key)).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text: name, key id and key, for people to compare and to put into settings."""
        material = b64encode(bytes((self.kind,)) + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Say whether `signature` (64 bytes) is this key's for exactly `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def checked_key_name(name: str) -> str:
    """Return `name` when it can be a key's: 1 to 255 characters, no space, no plus, such as hub.example/national."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError("A key's name is 1 to 255 characters without spaces and '+': hub.example/national.")
    return name


def parse_vkey(text: str) -> VerifierKey:
    """Read a key written as name+id+base64; raise `ConfigurationError` when it is none, or of an unknown kind."""
    name, key_id, material = _three_parts(text)
    key = VerifierKey(checked_key_name(name), material[0], material[1:])
    if key.kind not in {LOG_KEY, WITNESS_KEY} or len(key.public_key) != PUBLIC_KEY_BYTES:
        raise ConfigurationError("This key is of a kind that this version does not know; only Ed25519 keys are used.")
    if key.key_id.hex() != key_id:
        raise ConfigurationError("This key's id does not fit its name and bytes: it was changed or cut. Copy it whole.")
    return key


class WitnessKey:
    """A witness's private key; `repr` and pickles hold nothing of it."""

    __slots__ = ("_private", "public")

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the key that grows from `seed`, 32 secret bytes."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.public = VerifierKey(checked_key_name(name), WITNESS_KEY, public)

    @classmethod
    def make(cls, name: str) -> Self:
        """Return a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `reveal` wrote; raise `ConfigurationError` for anything else."""
        name, key_id, material = _three_parts(text.removeprefix(_PRIVATE))
        if not text.startswith(_PRIVATE) or material[0] != WITNESS_KEY or len(material) != 1 + PUBLIC_KEY_BYTES:
            raise ConfigurationError("This is not a witness's private key.")
        key = cls(name, material[1:])
        if key.public.key_id.hex() != key_id:
            raise ConfigurationError("This private key's id does not fit it: it was changed or cut.")
        return key

    def reveal(self) -> str:
        """Return the private key as text, in the form of Go's note package, for the key file alone."""
        material = b64encode(bytes((WITNESS_KEY,)) + self._private.private_bytes_raw()).decode("ascii")
        return f"{_PRIVATE}{self.public.name}+{self.public.key_id.hex()}+{material}"

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"WitnessKey({self.public.name}, hidden)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("A private key is not pickled: it would be written where nobody guards it.")


def _three_parts(text: str) -> tuple[str, str, bytes]:
    # The base64 of a key may hold a plus; a name may not.
    parts = text.split("+", 2)
    try:
        name, key_id, material = parts[0], parts[1], b64decode(parts[2], validate=True)
    except (IndexError, ValueError):
        name, key_id, material = "", "", b""
    if not _KEY_ID.fullmatch(key_id) or not material:
        raise ConfigurationError("A key is written as name+8 hex digits+base64, on one line.")
    return name, key_id, material
