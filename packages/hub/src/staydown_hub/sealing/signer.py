"""Signs a list's checkpoints: only ever one history, whatever the database says, and never forgetting what was signed.

What is signed next extends what was signed last, leaf by leaf; that is known from a file outside the database, which is
on the disk before anyone sees the signature.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from staydown_hub.sealing.durable import PRIVATE_FILE, make_private_folder, replace
from staydown_hub.sealing.errors import NoKeyError, OtherHistoryError, SealedElsewhereError, SignedBeyondError
from staydown_hub.sealing.keys import KeyStore, SigningKey, verifier
from staydown_hub.sealing.memory import MEMORY, Memory, Signed, begin
from staydown_hub.sealing.notes import (
    Note,
    VerifierKey,
    checkpoint_text,
    parse_checkpoint,
    parse_note,
    signature_line,
    signed_note,
)
from staydown_hub.sealing.tree import EMPTY_ROOT, CompactRange

_LOCK: Final = "lock"
_BEGINNING: Final = "beginning"
_BEYOND: Final = "beyond"


def sign_checkpoint(origin: str, keys: Sequence[SigningKey], *, size: int, root: bytes) -> str:
    """Return the note, signed with every key. Only `Signer` decides whether it may be."""
    text = checkpoint_text(origin, size=size, root=root)
    lines = [signature_line(origin, verifier(origin, key).id, key.sign(text.encode())) for key in keys]
    return signed_note(text, *lines)


class Signer:
    """The one signer of a list: holds its lock until closed, or until the process ends however it ends."""

    def __init__(self, folder: Path, *, slug: str, origin: str, store: KeyStore) -> None:
        self._folder = folder / slug
        self._slug = slug
        self._store = store
        self.origin = origin
        self._lock = self._locked()
        try:
            self._keys = self._read_keys()
            self._memory = Memory(self._folder)
        except BaseException:
            os.close(self._lock)
            raise
        self._range: CompactRange | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process sign."""
        self._memory.close()
        os.close(self._lock)

    @property
    def signed(self) -> Signed:
        """What was signed last."""
        return self._memory.signed

    def _locked(self) -> int:
        if not self._folder.is_dir():
            raise NoKeyError(self._slug)
        handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise SealedElsewhereError(self._slug) from None
        return handle

    def _read_keys(self) -> Sequence[SigningKey]:
        self._keys_seen_at = self._folder.stat().st_mtime_ns
        keys = self._store.keys(self._slug)
        if not keys:
            raise NoKeyError(self._slug)
        return keys

    @property
    def verifiers(self) -> list[VerifierKey]:
        """The public halves of the keys that sign now."""
        return [verifier(self.origin, key) for key in self._keys]

    def is_ours(self, note: Note) -> bool:
        """Tell whether one of the keys that sign now has signed this note."""
        message = note.text.encode()
        return any(
            line.key_id == key.id and key.verify(message, line.signature)
            for key in self.verifiers
            for line in note.signatures
            if line.name == key.name
        )

    def forbid(self, shown: Note) -> None:
        """Sign nothing any more, also after a restart: `shown` is a note of ours that is not remembered here."""
        lines = [signature_line(line.name, line.key_id, line.signature) for line in shown.signatures]
        self._range = None
        replace(self._folder / _BEYOND, signed_note(shown.text, *lines).encode())

    def _refuse_if_forbidden(self) -> None:
        path = self._folder / _BEYOND
        if path.exists():
            shown = parse_checkpoint(parse_note(path.read_text(encoding="utf-8")).text)
            raise SignedBeyondError(path, slug=self._slug, signed_size=self.signed.size, shown_size=shown.size)

    def resume(self, present: CompactRange) -> None:
        """Go on from this tree. Raises OtherHistoryError unless it is the very one that was signed last."""
        self._refuse_if_forbidden()
        if (present.size, present.root()) != (self.signed.size, self.signed.root):
            raise OtherHistoryError(
                slug=self._slug, signed_size=self.signed.size, why="the database's tree of that size has another root"
            )
        self._range = present.copy()

    def extend(self, leaves: Sequence[bytes]) -> Signed:
        """Add leaves to the tree and sign it; what was signed is on the disk before this returns.

        When anything fails, what was signed before stands here, and the same leaves may be tried again.
        """
        if self._range is None:
            raise OtherHistoryError(
                slug=self._slug, signed_size=self.signed.size, why="the database was not yet compared with that"
            )
        grown = self._range.copy()
        grown.extend(leaves)
        self._sign(size=grown.size, root=grown.root())
        self._range = grown
        return self.signed

    def renew(self) -> bool:
        """Sign the present checkpoint again if keys were added or retired since; tell whether they were."""
        if self._folder.stat().st_mtime_ns == self._keys_seen_at:
            return False
        before = {key.public_key for key in self._keys}
        self._keys = self._read_keys()
        if {key.public_key for key in self._keys} == before:
            return False
        self._sign(size=self.signed.size, root=self.signed.root)
        return True

    def _sign(self, *, size: int, root: bytes) -> None:
        self._memory.remember(Signed(size, root, sign_checkpoint(self.origin, self._keys, size=size, root=root)))


def make_missing(folder: Path, store: KeyStore, *, origin: str, slugs: Sequence[str]) -> list[str]:
    """Give each list that has no key its first one, and sign the empty list with it; return which got one."""
    fresh = [slug for slug in slugs if _is_fresh(folder / slug, store.keys(slug))]
    for slug in fresh:
        make_private_folder(folder, folder / slug)
        # Says, should this process end in between, that nothing was ever signed here, and not that it was forgotten.
        (folder / slug / _BEGINNING).touch(mode=PRIVATE_FILE)
        keys = store.keys(slug) or [store.make(slug)]
        note = sign_checkpoint(f"{origin}/{slug}", keys, size=0, root=EMPTY_ROOT)
        begin(folder / slug, Signed(0, EMPTY_ROOT, note))
        (folder / slug / _BEGINNING).unlink()
    return fresh


def _is_fresh(folder: Path, keys: Sequence[SigningKey]) -> bool:
    return not (folder / MEMORY).exists() and (not keys or (folder / _BEGINNING).exists())
