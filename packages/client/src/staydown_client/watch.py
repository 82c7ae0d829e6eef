"""Checks files as other programs put them into a folder: for web-storage servers, whose uploads pass nobody else."""

from __future__ import annotations

import os
import secrets
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchfiles import Change, watch

from staydown_client.errors import ConfigurationError
from staydown_client.verdict import Problem, Verdict
from staydown_client.watch_tree import Tree

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from watchfiles.main import FileChange

    from staydown_client.filter import Filter

_QUIET_MS: Final = 200
_MAX_REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True)
class _State:
    """What a file is known by; of folders only those come here that cannot be looked into."""

    inode: int
    changed_ns: int
    size: int
    is_file: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """What follows for one file, or for a folder that cannot be looked into.

    `moved_to` is where the file was moved, when it was; `not_moved` says why it was not, although it should have been.
    """

    path: Path
    verdict: Verdict
    moved_to: Path | None = None
    not_moved: str | None = None


class Watch:
    """Watches one folder and all in it, for as long as `run` runs.

    What the operating system tells is quick and not whole: it forgets under a flood, stops at a name that is no text,
    and hears of what is in a new folder only later. So all is also looked through now and then, for what is new.
    """

    def __init__(self, opened: Filter, folder: Path, *, quarantine: Path | None = None) -> None:
        """Watch `folder`; raise `ConfigurationError` when the folders cannot be used so."""
        self._filter = opened
        self._folder = _existing(folder, "FOLDER")
        self._quarantine = None if quarantine is None else _existing(quarantine, "--quarantine")
        if self._quarantine is not None:
            _check_apart(self._folder, self._quarantine)
        self._checked: dict[Path, _State] = {}
        self._to_move: set[Path] = set()
        self._tree = Tree(self._folder)

    def run(self, tell: Callable[[Watched], None], *, stop: threading.Event, existing: bool = False) -> None:
        """Check each file that appears or changes until `stop`; with `existing` first those that are there."""
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:

            def check(paths: Iterable[Path]) -> None:
                for watched in pool.map(self._check, paths):
                    if watched is not None:
                        tell(watched)

            was_begun = False
            while not stop.is_set():
                # The watch begins before the folder is looked through: nothing falls between the two.
                for batch in self._changes(stop):
                    if not was_begun:
                        was_begun = True
                        check(self._tree.all_files() if existing else self._tree.begin())
                    check(self._tree.files_of(Path(path) for change, path in batch if change != Change.deleted))
                    if self._tree.is_due():
                        check(self._tree.news() | self._to_move)
                if not stop.wait(_QUIET_MS / 1000):
                    check(self._tree.news())

    def _changes(self, stop: threading.Event) -> Iterator[set[FileChange]]:
        """Give what the system tells, until `stop` or until it cannot: a name that is no text ends the telling."""
        try:
            yield from watch(
                self._folder,
                watch_filter=None,
                debounce=1000,
                step=_QUIET_MS,
                stop_event=stop,
                yield_on_timeout=True,
                rust_timeout=_QUIET_MS,
                raise_interrupt=False,
            )
        except (RuntimeError, OSError):
            yield set()

    def _check(self, path: Path) -> Watched | None:
        """Check a regular file, once for each content; None when there is nothing to be said of it."""
        state = _state(path)
        if state is None or (self._checked.get(path) == state and path not in self._to_move):
            return None
        try:
            watched = Watched(path, self._filter.check(path)) if state.is_file else _unreadable(path)
        except FileNotFoundError:
            return None  # it went away; when it comes back, so does the event
        except OSError:
            watched = _unreadable(path)
        if len(self._checked) >= _MAX_REMEMBERED:
            self._checked.clear()
        self._checked[path] = state
        return self._moved(watched)

    def _moved(self, watched: Watched) -> Watched | None:
        """Move a file away that is blocked or held; one that cannot be moved is told, and tried again later."""
        if self._quarantine is None or watched.verdict.action not in {"block", "hold"}:
            self._to_move.discard(watched.path)
            return watched
        # Not by the name that a stranger gave it: that may be too long here, or the name of another one.
        target = self._quarantine / f"{time.time_ns()}-{secrets.token_hex(4)}"
        try:
            watched.path.rename(target)
        except OSError as error:
            if _state(watched.path) is None:  # it went away by itself
                self._to_move.discard(watched.path)
                return watched
            was_told = watched.path in self._to_move
            self._to_move.add(watched.path)
            return None if was_told else replace(watched, not_moved=error.strerror)
        self._to_move.discard(watched.path)
        return replace(watched, moved_to=target)


def _unreadable(path: Path) -> Watched:
    problem = Problem("unreadable", "it may not be read, or reading it failed")
    return Watched(path, Verdict("unchecked", (), (problem,), None, None))


def _state(path: Path) -> _State | None:
    """Return what tells a file's content from a later one; None for what is neither a regular file nor a folder."""
    try:
        found = path.lstat()
    except OSError:
        return None
    is_file = stat.S_ISREG(found.st_mode)
    if not is_file and not stat.S_ISDIR(found.st_mode):
        return None
    return _State(found.st_ino, found.st_mtime_ns, found.st_size, is_file)


def _existing(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise ConfigurationError(f"{name}: {folder} is not a folder.")
    return folder.resolve()


def _check_apart(folder: Path, quarantine: Path) -> None:
    if quarantine.is_relative_to(folder):
        raise ConfigurationError("--quarantine must not lie in the folder that is watched.")
    if quarantine.stat().st_dev != folder.stat().st_dev:
        raise ConfigurationError("--quarantine must be on the same file system: a file is moved there, not copied.")
