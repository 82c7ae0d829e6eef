"""Signing keys: what one can do, where they come from, and the default: one file each, outside the database."""

import base64
import binascii
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from staydown_hub.sealing.durable import PRIVATE_FOLDER, flush_folder, make_private_folder, replace
from staydown_hub.sealing.errors import BadKeyFileError, OtherOriginError
from staydown_hub.sealing.notes import CHECKPOINT_ED25519, VerifierKey, key_id

_SEED_BYTES: Final = 32
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SigningKey(Protocol):
    """A key that signs with Ed25519, wherever its secret is kept."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes by which others verify."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""


class KeyStore(Protocol):
    """Where the keys of this hub's logs are kept. A log's keys all carry the log's name."""

    def keys(self, slug: str) -> Sequence[SigningKey]:
        """Return the keys that sign the list's checkpoints, the oldest first; none when there are none."""

    def make(self, slug: str) -> SigningKey:
        """Make one more key."""

    def retire(self, slug: str, key: bytes) -> None:
        """Take the key with this id away; it signs no more."""


@dataclass(frozen=True, slots=True)
class FileKey:
    """A key whose secret is read from a file."""

    name: str
    public_key: bytes
    _secret: Ed25519PrivateKey

    def __repr__(self) -> str:
        """Leave the secret out of every traceback."""
        return f"FileKey({self.id.hex()})"

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name the key."""
        return key_id(self.name, self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._secret.sign(message)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Return the key that this secret of 32 bytes is."""
        secret = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(name, secret.public_key().public_bytes_raw(), secret)

    def text(self) -> str:
        """Return the key with its secret as one line, in the form of Go's note package."""
        data = base64.b64encode(bytes([CHECKPOINT_ED25519]) + self._secret.private_bytes_raw()).decode()
        return f"PRIVATE+KEY+{self.name}+{self.id.hex()}+{data}\n"


def parse_key(text: str) -> FileKey | None:
    """Return the key that the line holds, or None when it holds none."""
    parts = text.strip().split("+", 4)
    if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:  # noqa: PLR2004 -- two words, name, id and data
        return None
    try:
        data = base64.b64decode(parts[4], validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) != 1 + _SEED_BYTES or data[0] != CHECKPOINT_ED25519:
        return None
    key = FileKey.from_seed(parts[2], data[1:])
    return key if key.id.hex() == parts[3] else None


class FileKeys:
    """The keys as files `<folder>/<slug>/<key id>.key`, which nobody but their owner may read."""

    def __init__(self, folder: Path, *, origin: str) -> None:
        self._folder = folder
        self._origin = origin

    def keys(self, slug: str) -> list[FileKey]:
        """Return the list's keys, the oldest first. Raises BadKeyFileError, OtherOriginError."""
        found = sorted((self._folder / slug).glob("*.key"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [self._read(path, name=f"{self._origin}/{slug}") for path in found]

    def make(self, slug: str) -> FileKey:
        """Make a key from the operating system's random source; it is on the disk when this returns."""
        folder = self._folder / slug
        make_private_folder(self._folder, folder)
        key = FileKey.from_seed(f"{self._origin}/{slug}", os.urandom(_SEED_BYTES))
        replace(folder / f"{key.id.hex()}.key", key.text().encode())
        return key

    def retire(self, slug: str, key: bytes) -> None:
        """Take the key's file away; its secret is gone. Raises FileNotFoundError."""
        (self._folder / slug / f"{key.hex()}.key").unlink()
        flush_folder(self._folder / slug)

    def _read(self, path: Path, *, name: str) -> FileKey:
        for place, kind in ((path, "may be read"), (path.parent, "stands in a folder that may be entered")):
            if place.stat().st_mode & _OTHERS:
                mode = "600" if place is path else f"{PRIVATE_FOLDER:o}"
                raise BadKeyFileError(path, f"{kind} by others: run `chmod {mode} {place}`")
        key = parse_key(path.read_text())
        if key is None:
            raise BadKeyFileError(path, "holds no key: restore it, or take it away")
        if key.name != name:
            raise OtherOriginError(path=path, name=key.name, origin=name)
        return key


def verifier(name: str, key: SigningKey) -> VerifierKey:
    """Return the public half, under the log's name."""
    return VerifierKey(name, CHECKPOINT_ED25519, key.public_key)
