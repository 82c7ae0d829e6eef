"""Files that nobody else may read, written so that a crash leaves the old or the new, never a half."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from staydown_client.errors import FolderError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def is_file(path: Path) -> bool:
    """Say whether a file is at `path`; raise `FolderError` when nobody lets this account see that."""
    try:
        return path.is_file()
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}.") from error


def check_private(path: Path, remedy: str) -> None:
    """Raise `FolderError` with the remedy when others could read or change what is at `path`."""
    try:
        found = path.stat()
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}.") from error
    if found.st_mode & _OTHERS:
        raise FolderError(f"{path} is open to other users. Close it: {remedy}")
    if found.st_uid != os.geteuid() and os.geteuid() != 0:
        raise FolderError(f"{path} belongs to another user; run this as its owner.")


def write_private(path: Path, text: str) -> None:
    """Write a new file with mode 0600 to the disk itself."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, text: str) -> None:
    """Put `text` in the place of the file's content; on return it is on the disk itself, whatever happens next."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    write_private(draft, text)
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring to the disk which files are in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def built_beside(folder: Path) -> Iterator[Path]:
    """Give an empty private folder that takes the name `folder` once it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".staydown-", dir=folder.parent))
        try:
            yield draft
            sync_folder(draft)
            draft.rename(folder)
            sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise FolderError(f"{folder} cannot be made: {error.strerror}.") from error
