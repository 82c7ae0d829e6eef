"""Changing a list's key without anyone's trust being asked anew: the old key endorses the new one, and both sign on."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from staydown_hub.sealing.durable import flush_folder, make_private_folder, replace
from staydown_hub.sealing.errors import SealingError
from staydown_hub.sealing.keys import KeyStore, SigningKey, verifier
from staydown_hub.sealing.memory import Signed, begin
from staydown_hub.sealing.notes import VerifierKey, parse_note, signature_line, signed_note
from staydown_hub.sealing.signer import sign_checkpoint
from staydown_hub.sealing.tree import EMPTY_ROOT

ENDORSEMENT: Final = "staydown key endorsement"


class HasKeyError(SealingError):
    """A first key was to be made where there is one."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"List {slug} has a signing key: to change it, run `staydown-hub keys rotate {slug}`.")


class NothingToRotateError(SealingError):
    """A key was to be changed where there is none."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"List {slug} has no signing key yet: make one with `staydown-hub keys make {slug}`.")


class UnknownSigningKeyError(SealingError):
    """The list has no key with this id."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"List {slug} has no signing key with this id: see `staydown-hub keys list`.")


class LastKeyError(SealingError):
    """The only key was to be retired."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"This is the only key of list {slug}, and without one nothing is signed: run `staydown-hub keys rotate "
            f"{slug}` first, and retire it when every filter has followed."
        )


class PublicKey(TypedDict):
    """A key as others may see it, with the signed note by which the older keys endorse it."""

    vkey: str
    endorsement: str | None


@dataclass(frozen=True, slots=True)
class ListKeys:
    """The keys of one list: the store that holds them, the list's signing folder, and the log's name."""

    store: KeyStore
    folder: Path
    slug: str
    origin: str

    def all(self) -> list[VerifierKey]:
        """Return the public halves, the oldest first."""
        return [verifier(self.origin, key) for key in self.store.keys(self.slug)]

    def make_first(self) -> VerifierKey:
        """Make the list's first key. Raises HasKeyError."""
        if self.store.keys(self.slug):
            raise HasKeyError(self.slug)
        make_private_folder(self.folder)
        key = self.store.make(self.slug)
        begin(self.folder, Signed(0, EMPTY_ROOT, sign_checkpoint(self.origin, [key], size=0, root=EMPTY_ROOT)))
        return verifier(self.origin, key)

    def rotate(self) -> VerifierKey:
        """Make one more key and have all others endorse it; finish what an earlier call left. Raises SealingError.

        From now on all of them sign, until the old ones are retired.
        """
        keys = list(self.store.keys(self.slug))
        if not keys:
            raise NothingToRotateError(self.slug)
        fresh = self._unfinished(keys) or self.store.make(self.slug)
        older = [key for key in keys if key.public_key != fresh.public_key]
        replace(self._endorsement_of(fresh), endorsement(self.origin, older, fresh).encode())
        self._tell_the_signer()
        return verifier(self.origin, fresh)

    def _unfinished(self, keys: Sequence[SigningKey]) -> SigningKey | None:
        """Return the key that an earlier call made and did not get to endorse.

        Not by its age alone: files that were brought back may all look equally old. A key that endorsed another one was
        in force, and is not endorsed by those that came after it.
        """
        notes = [parse_note(text) for key in keys if (text := _read(self._endorsement_of(key)))]
        in_force = {line.key_id for note in notes for line in note.signatures}
        found = [
            key
            for key in keys
            if not self._endorsement_of(key).exists() and verifier(self.origin, key).id not in in_force
        ]
        return found[-1] if found and len(keys) > 1 else None

    def _tell_the_signer(self) -> None:
        """Have a running signer look at its keys again: a store may keep them elsewhere, and change nothing here."""
        os.utime(self.folder)

    def retire(self, key_id: bytes) -> None:
        """Take a key away for good. Raises UnknownSigningKeyError, LastKeyError."""
        found = [key for key in self.store.keys(self.slug) if verifier(self.origin, key).id == key_id]
        if not found:
            raise UnknownSigningKeyError(self.slug)
        if len(self.store.keys(self.slug)) == 1:
            raise LastKeyError(self.slug)
        self.store.retire(self.slug, key_id)
        self._endorsement_of(found[0]).unlink(missing_ok=True)
        self._tell_the_signer()
        flush_folder(self.folder)

    def _endorsement_of(self, key: SigningKey) -> Path:
        return _endorsement_path(self.folder, verifier(self.origin, key))


def endorsement(origin: str, older: Iterable[SigningKey], fresh: SigningKey) -> str:
    """Return the signed note by which the older keys hand over to the fresh one."""
    text = f"{ENDORSEMENT}\n{origin}\n{verifier(origin, fresh).text}\n"
    lines = [signature_line(origin, verifier(origin, key).id, key.sign(text.encode())) for key in older]
    return signed_note(text, *lines)


def public_keys(folder: Path, keys: Iterable[VerifierKey]) -> list[PublicKey]:
    """Return the keys with the endorsements that stand in the list's signing folder."""
    return [{"vkey": key.text, "endorsement": _read(_endorsement_path(folder, key))} for key in keys]


def _endorsement_path(folder: Path, key: VerifierKey) -> Path:
    return folder / f"{key.id.hex()}.endorsement"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
