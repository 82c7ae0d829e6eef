"""What is new in a folder and all below it, by looking: for what the operating system did not tell."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOOK_EVERY_S: Final = 30.0
"""The folder is looked through this often, unless that takes more than a twentieth of the time."""

_SHARE_OF_TIME: Final = 20
# Clocks of file servers may differ from ours; what is found twice is checked once.
_LEEWAY_S: Final = 60.0
_Inode: TypeAlias = tuple[int, int]


class Tree:
    """Remembers the folders that were there; a file is new when it changed since the last look, or its folder is new.

    A file's change time is set by the system alone, also when the file is moved; one inside a folder that is moved in
    keeps its own, which is why folders are remembered. Links are not followed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[_Inode] = set()
        self._begun_at = 0.0
        self._looked_at = 0.0
        self._due_at_s = 0.0

    def begin(self) -> set[Path]:
        """Remember what is there now as seen; return the folders that cannot be looked into."""
        self._begun_at = time.time()
        return self._look(since=float("inf"), are_new_folders_news=False)

    def all_files(self) -> set[Path]:
        """Return every file there is, and every folder that cannot be looked into."""
        return self._look(since=0.0, are_new_folders_news=True)

    def is_due(self) -> bool:
        """Say whether it is time to look again."""
        return time.monotonic() >= self._due_at_s

    def news(self) -> set[Path]:
        """Return the files that are new since the last look, and the folders that cannot be looked into."""
        return self._look(since=max(self._begun_at, self._looked_at - _LEEWAY_S), are_new_folders_news=True)

    def files_of(self, paths: Iterable[Path]) -> list[Path]:
        """Return the paths in order; in place of a folder, all files in it and below."""
        found: set[Path] = set()
        for path in paths:
            found |= set(self._walked(path, since=0.0, are_new_folders_news=True)) if _is_folder(path) else {path}
        return sorted(found)

    def _look(self, *, since: float, are_new_folders_news: bool) -> set[Path]:
        began_at_s, looked_at = time.monotonic(), time.time()
        found = set(self._walked(self._root, since=since, are_new_folders_news=are_new_folders_news))
        took_s = time.monotonic() - began_at_s
        self._looked_at = looked_at
        self._due_at_s = time.monotonic() + max(LOOK_EVERY_S, _SHARE_OF_TIME * took_s)
        return found

    def _walked(self, top: Path, *, since: float, are_new_folders_news: bool) -> Iterator[Path]:
        closed: list[Path] = []
        for parent, _, names in os.walk(top, onerror=lambda error: closed.append(Path(error.filename))):
            is_news = self._is_new(parent) and are_new_folders_news
            for name in names:
                path = Path(parent, name)
                if is_news or _changed_at(path) >= since:
                    yield path
            yield from closed
            closed.clear()
        yield from closed

    def _is_new(self, folder: str) -> bool:
        """Say whether the folder was not seen before, and remember it."""
        try:
            found = os.lstat(folder)
        except OSError:
            return False  # it went away again
        inode = (found.st_dev, found.st_ino)
        is_new = inode not in self._folders
        self._folders.add(inode)
        return is_new


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_ctime
    except OSError:
        return float("-inf")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
