"""The file storage of a system that holds no files: it refuses."""

from typing import IO, Any, NoReturn

from django.core.files.storage import Storage


class NoMediaError(RuntimeError):
    """Something tried to store a file. The hub holds no media: keep the file where it is and send its fingerprints."""


class NoStorage(Storage):
    """Django's default storage here: saving and opening are errors."""

    def _save(self, name: str, content: IO[Any]) -> NoReturn:  # noqa: ARG002 -- Django's signature
        raise NoMediaError("The hub stores no files: send fingerprints instead.")

    def _open(self, name: str, mode: str = "rb") -> NoReturn:  # noqa: ARG002 -- Django's signature
        raise NoMediaError("The hub stores no files: send fingerprints instead.")

    def exists(self, name: str) -> bool:  # noqa: ARG002 -- Django's signature
        """Return False: nothing is ever stored."""
        return False
