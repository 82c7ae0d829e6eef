"""Why a log cannot be sealed, each with what to do about it."""

from pathlib import Path


class SealingError(Exception):
    """Something that keeps a log from being signed; the message says what to do."""


class NoKeyError(SealingError):
    """The list has no signing key."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"List {slug} has no signing key: make one with `staydown-hub keys make {slug}`.")


class BadKeyFileError(SealingError):
    """A key file that cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"The key file {path} {why}.")


class OtherOriginError(SealingError):
    """A key that was made for a log of another name."""

    def __init__(self, *, path: Path, name: str, origin: str) -> None:
        super().__init__(
            f"The key file {path} was made for the log {name}, but this log is called {origin}: filters would not "
            f"believe it. Set STAYDOWN_LOG_ORIGIN back to {name.rpartition('/')[0]}."
        )


class LostMemoryError(SealingError):
    """What was signed last is not known any more."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing or damaged. It remembers what was signed last; without it a second, different history "
            "could be signed. Restore it together with the keys, or make a new list."
        )


class RestoredMemoryError(SealingError):
    """What was signed last was brought back from a backup, and may not be the last."""

    def __init__(self, path: Path, *, slug: str, size: int) -> None:
        super().__init__(
            f"List {slug} refuses to sign: {path} was not put there by this hub. It says that {size} entries were "
            "signed, and as part of a backup it does not know of later ones: a second, different history could be "
            "signed. Ask the witnesses, and the filters' page, whether anyone has seen more. Only if nobody has: "
            f"`staydown-hub keys accept-restored {slug} --size {size}`."
        )


class SealedElsewhereError(SealingError):
    """Another process signs this list already."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another process signs list {slug} already: stop it first, or serve from there.")


class MissingEntryError(SealingError):
    """The database has a gap."""

    def __init__(self, slug: str, position: int) -> None:
        super().__init__(
            f"List {slug} cannot be signed: the entry at position {position} is missing in the database, although "
            "later ones are there. Bring it back; `staydown-hub audit verify` tells what else is missing."
        )


class NotAsSignedError(SealingError):
    """What would be served is not what was signed."""

    def __init__(self, slug: str, *, start: int, end: int) -> None:
        super().__init__(
            f"List {slug}: of the entries at positions {start} to {end - 1} in the database, one is not as it was "
            "signed, so none of them is served. `staydown-hub audit verify` tells which."
        )


class OtherHistoryError(SealingError):
    """The database holds another history than the one that was signed: a restored backup, or a changed entry."""

    def __init__(self, *, slug: str, signed_size: int, why: str) -> None:
        super().__init__(
            f"List {slug} refuses to sign: {signed_size} entries were signed, and {why}. This is what a restored "
            "backup looks like. A second history is never signed. Bring back the database that was signed, or start a "
            "new list; filters go on with what they have verified."
        )
        self.signed_size = signed_size


class SignedBeyondError(OtherHistoryError):
    """Somebody shows a checkpoint with our own signature that is not remembered."""

    def __init__(self, path: Path, *, slug: str, signed_size: int, shown_size: int) -> None:
        super().__init__(
            slug=slug,
            signed_size=signed_size,
            why=f"a witness showed this hub's own signature of {shown_size} entries that is not remembered ({path})",
        )
