"""What the vault refuses, each with what to do about it. No message holds a key or what is sealed."""

from pathlib import Path


class VaultError(Exception):
    """Something that cannot be sealed, opened or changed."""


class NoRingError(VaultError):
    """There is no ring, and records that only it opens."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"There are sealed records and no key ring in {place}: put the ring's backup there. Without it they stay "
            "closed for good."
        )


class HasRingError(VaultError):
    """A first ring was to be made where there is one."""

    def __init__(self) -> None:
        super().__init__("There is a key ring: to change its key, run `staydown-hub ring rotate`.")


class BadRingFileError(VaultError):
    """A file of the ring cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} {problem}.")


class UnknownRingKeyError(VaultError):
    """A record was wrapped with a key that the ring does not have."""

    def __init__(self, key_id: bytes) -> None:
        super().__init__(f"The ring has no key {key_id.hex()}: put the ring's backup back.")


class DoesNotOpenError(VaultError):
    """A sealed value is not what was sealed for this record and column."""

    def __init__(self) -> None:
        super().__init__(
            "A sealed value does not open: it was changed, or belongs to another record. Compare with a backup."
        )


class ErasedError(VaultError):
    """What was sealed is gone for good: its record's key was erased."""

    def __init__(self) -> None:
        super().__init__("This was erased when its time was up: nobody can read it any more.")


class NewestKeyError(VaultError):
    """The key that wraps was to be retired."""

    def __init__(self) -> None:
        super().__init__("This key wraps what is sealed now: run `staydown-hub ring rotate` and `ring rewrap` first.")


class KeyInUseError(VaultError):
    """Records are wrapped with the key that was to be retired."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} records are wrapped with this key: run `staydown-hub ring rewrap` first.")


class TooEarlyError(VaultError):
    """Somebody may still be sealing with the key that was to be retired."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"The newest key is younger than {minutes} minutes: the old one may be in use. Wait a while.")
