"""Envelopes: a record's values under a key of its own, and that key wrapped by the ring. AES-256-GCM throughout.

A sealed value is `version (1 byte) || nonce (12) || ciphertext and tag`. Its associated data names table, column and
record, so that it opens nowhere else; the wrapped key is bound to table and record in the same way. Values are padded
to a multiple of 64 bytes (ISO/IEC 7816-4), so that their lengths do not tell them apart.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from staydown_hub.vault.errors import DoesNotOpenError

VERSION: Final = b"\x01"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_BLOCK_BYTES: Final = 64
_END: Final = b"\x80"


class Ring(Protocol):
    """What wraps the records' keys, and makes the digests by which sealed values are found."""

    @property
    def newest(self) -> bytes:
        """The id (4 bytes) of the key that wraps from now on."""

    def wrap(self, key: bytes, *, bound_to: bytes) -> bytes:
        """Return a record's key, wrapped: `version (1 byte) || ring key id (4) || anything`."""

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """Return a record's key. Raises UnknownRingKeyError and DoesNotOpenError."""

    def digest(self, purpose: str, value: bytes) -> bytes:
        """Return the 32 bytes by which a value is found: the same for the same purpose and value, to nobody else."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which record something is sealed for."""

    table: str
    record: str

    def named(self, column: str = "") -> bytes:
        """Return what a seal is bound to: no name can hold a NUL, so no two places read alike."""
        return b"\0".join(part.encode() for part in ("staydown vault", self.table, self.record, column))


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record's wrapped key, and its sealed values by column."""

    key: bytes = field(repr=False)
    values: Mapping[str, bytes] = field(repr=False)


def seal(ring: Ring, place: Place, values: Mapping[str, str]) -> Sealed:
    """Seal a record's values under a fresh key."""
    key = os.urandom(KEY_BYTES)
    cipher = AESGCM(key)
    sealed = {
        column: encrypt(cipher, _padded(value.encode()), bound_to=place.named(column))
        for column, value in values.items()
    }
    return Sealed(ring.wrap(key, bound_to=place.named()), sealed)


def open_value(ring: Ring, place: Place, *, key: bytes, column: str, value: bytes) -> str:
    """Return what was sealed. Raises VaultError when it is not what was sealed for this place."""
    cipher = AESGCM(ring.unwrap(key, bound_to=place.named()))
    return _without_padding(decrypt(cipher, value, bound_to=place.named(column))).decode()


def rewrap(ring: Ring, place: Place, key: bytes) -> bytes:
    """Return a record's key, wrapped by the ring's newest; the values stay as they are. Raises VaultError."""
    return ring.wrap(ring.unwrap(key, bound_to=place.named()), bound_to=place.named())


def encrypt(cipher: AESGCM, content: bytes, *, bound_to: bytes) -> bytes:
    """Return `version || nonce || ciphertext and tag`; the nonce is random, and each key seals a few values only."""
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + cipher.encrypt(nonce, content, VERSION + bound_to)


def decrypt(cipher: AESGCM, sealed: bytes, *, bound_to: bytes) -> bytes:
    """Return what was encrypted. Raises DoesNotOpenError."""
    start = len(VERSION)
    if sealed[:start] != VERSION:
        raise DoesNotOpenError
    try:
        return cipher.decrypt(sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :], VERSION + bound_to)
    except (InvalidTag, ValueError):
        raise DoesNotOpenError from None


def _padded(content: bytes) -> bytes:
    whole = content + _END
    return whole + bytes(-len(whole) % _BLOCK_BYTES)


def _without_padding(content: bytes) -> bytes:
    return content.rstrip(b"\0")[: -len(_END)]
