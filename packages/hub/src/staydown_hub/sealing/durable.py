"""Files that are there whole or not at all, for their owner only."""

import os
from pathlib import Path
from typing import Final

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600


def make_private_folder(*folders: Path) -> None:
    """Make the folders, in order, for their owner only; one that is there already is left as it is.

    What is missing above the first is made as usual: other accounts may have to pass through there.
    """
    for folder in folders:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def replace(path: Path, content: bytes, *, is_flushed: bool = True) -> None:
    """Put the content in the file's place in one step; when flushed, it survives a loss of power once this returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        if is_flushed:
            os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)
    if is_flushed:
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the folder's names survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
