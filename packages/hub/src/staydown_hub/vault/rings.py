"""The key ring as files that nobody but their owner may read: the keys that wrap, and the one that searches.

`<folder>/<number>-<key id>.key`, the highest number being the newest, and `<folder>/search.key`. Both are read again as
soon as the folder changes, so a running process follows a rotation.
"""

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from staydown_hub.sealing.durable import PRIVATE_FOLDER, flush_folder, make_private_folder, replace
from staydown_hub.vault.envelopes import KEY_BYTES, VERSION, Ring, decrypt, encrypt
from staydown_hub.vault.errors import (
    BadRingFileError,
    DoesNotOpenError,
    HasRingError,
    NewestKeyError,
    TooEarlyError,
    UnknownRingKeyError,
)

KEY_ID_BYTES: Final = 4
# A process that looked at the ring before a rotation may still be in a transaction that seals with the old key.
SETTLES_AFTER_MINUTES: Final = 10
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_NAME: Final = re.compile(r"(?P<number>\d{4,9})-(?P<id>[0-9a-f]{8})\.key")
_TEXT: Final = "STAYDOWN RING KEY"
_SEARCH: Final = "search.key"


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key of a ring, without its secret: when it was made, in seconds since 1970."""

    id: bytes
    made_at_s: float


class RingStore(Ring, Protocol):
    """A ring that can be made and changed, wherever its keys are kept."""

    def exists(self) -> bool:
        """Tell whether there is a ring."""

    def make(self) -> None:
        """Make the first key and the search key. Raises HasRingError."""

    def rotate(self) -> bytes:
        """Make one more key, which wraps from now on, and return its id."""

    def retire(self, key_id: bytes) -> None:
        """Take a key away for good. Raises UnknownRingKeyError, NewestKeyError and TooEarlyError."""

    def ring_keys(self) -> Sequence[RingKey]:
        """Return the keys that wrap, the oldest first."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The ring as it was read, and the state of the folder that it was read from."""

    folder_state: int
    order: tuple[RingKey, ...]
    ciphers: dict[bytes, AESGCM] = field(repr=False)
    search: bytes = field(repr=False)


class FileRing:
    """The ring as files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: _Loaded | None = None

    def __repr__(self) -> str:
        """Leave the keys out of every traceback."""
        return f"FileRing({self._folder})"

    @property
    def newest(self) -> bytes:
        """The id of the key that wraps from now on. Raises BadRingFileError."""
        return self._ring().order[-1].id

    def wrap(self, key: bytes, *, bound_to: bytes) -> bytes:
        """Return a record's key, wrapped by the newest key."""
        ring = self._ring()
        key_id = ring.order[-1].id
        return VERSION + key_id + encrypt(ring.ciphers[key_id], key, bound_to=bound_to)

    def unwrap(self, wrapped: bytes, *, bound_to: bytes) -> bytes:
        """Return a record's key. Raises UnknownRingKeyError and DoesNotOpenError."""
        start = len(VERSION) + KEY_ID_BYTES
        if wrapped[: len(VERSION)] != VERSION or len(wrapped) < start:
            raise DoesNotOpenError
        key_id = wrapped[len(VERSION) : start]
        cipher = self._ring().ciphers.get(key_id)
        if cipher is None:
            raise UnknownRingKeyError(key_id)
        return decrypt(cipher, wrapped[start:], bound_to=bound_to)

    def digest(self, purpose: str, value: bytes) -> bytes:
        """Return the HMAC-SHA-256 of the value under the search key, different for each purpose."""
        return hmac.digest(self._ring().search, purpose.encode() + b"\0" + value, "sha256")

    def exists(self) -> bool:
        """Tell whether there is a ring."""
        return any(self._files()) or (self._folder / _SEARCH).exists()

    def make(self) -> None:
        """Make the first key and the search key; both are on the disk when this returns. Raises HasRingError."""
        with self._alone():
            if any(self._files()):
                raise HasRingError
            if not (self._folder / _SEARCH).exists():
                self._write(_SEARCH, os.urandom(KEY_BYTES))
            self._add(1)

    def rotate(self) -> bytes:
        """Make one more key and return its id. Raises BadRingFileError."""
        with self._alone():
            self._ring()  # a ring that cannot be read is not added to
            return self._add(self._files()[-1][0] + 1)

    def retire(self, key_id: bytes) -> None:
        """Take a key's file away; its secret is gone."""
        with self._alone():
            ring = self._ring()
            if key_id not in ring.ciphers:
                raise UnknownRingKeyError(key_id)
            if key_id == ring.order[-1].id:
                raise NewestKeyError
            if time.time() - ring.order[-1].made_at_s < 60 * SETTLES_AFTER_MINUTES:
                raise TooEarlyError(SETTLES_AFTER_MINUTES)
            for _, path in self._files():
                if path.name.endswith(f"-{key_id.hex()}.key"):
                    path.unlink()
            flush_folder(self._folder)

    def ring_keys(self) -> Sequence[RingKey]:
        """Return the keys that wrap, the oldest first."""
        return self._ring().order

    def _files(self) -> list[tuple[int, Path]]:
        found = [(_NAME.fullmatch(path.name), path) for path in self._folder.glob("*.key")]
        return sorted((int(name["number"]), path) for name, path in found if name)

    def _add(self, number: int) -> bytes:
        key = os.urandom(KEY_BYTES)
        self._write(f"{number:04d}-{_id_of(key).hex()}.key", key)
        return _id_of(key)

    def _write(self, name: str, key: bytes) -> None:
        line = f"{_TEXT} {_id_of(key).hex()} {base64.b64encode(key).decode()}\n"
        replace(self._folder / name, line.encode())

    def _ring(self) -> _Loaded:
        try:
            state = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            raise BadRingFileError(self._folder, "is not there: run `staydown-hub ring make`") from None
        if self._loaded is None or self._loaded.folder_state != state:
            self._loaded = self._read_all(state)
        return self._loaded

    def _read_all(self, state: int) -> _Loaded:
        files = self._files()
        if not files:
            raise BadRingFileError(self._folder, "holds no key ring: run `staydown-hub ring make`, or restore it")
        keys = [(self._read(path), path.stat().st_mtime) for _, path in files]
        order = tuple(RingKey(_id_of(key), made_at_s) for key, made_at_s in keys)
        return _Loaded(
            folder_state=state,
            order=order,
            ciphers={_id_of(key): AESGCM(key) for key, _ in keys},
            search=self._read(self._folder / _SEARCH),
        )

    def _read(self, path: Path) -> bytes:
        if not path.exists():
            raise BadRingFileError(path, "is not there: put the ring's backup back")
        for place, mode in ((path, "600"), (self._folder, f"{PRIVATE_FOLDER:o}")):
            if place.stat().st_mode & _OTHERS:
                raise BadRingFileError(place, f"is open to others: run `chmod {mode} {place}`")
        key = _key_in(path.read_text(encoding="utf-8"))
        if key is None or (path.name != _SEARCH and not path.name.endswith(f"-{_id_of(key).hex()}.key")):
            raise BadRingFileError(path, "holds no key of this ring: put the ring's backup back")
        return key

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Change the ring by one process at a time."""
        make_private_folder(self._folder)
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"staydown ring key" + key).digest()[:KEY_ID_BYTES]


def _key_in(text: str) -> bytes | None:
    start, _, rest = text.strip().partition(f"{_TEXT} ")
    key_id, _, data = rest.partition(" ")
    try:
        key = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if not start and len(key) == KEY_BYTES and key_id == _id_of(key).hex() else None
