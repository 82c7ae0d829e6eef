"""Checks files as other programs put them into a folder: for web-storage servers, whose uploads pass nobody else."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from watchfiles import Change, watch

from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from staydown_client.filter import Filter
    from staydown_client.verdict import Verdict

_QUIET_MS: Final = 200
_MAX_REMEMBERED: Final = 100_000
_State: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Watched:
    """What follows for one file; `moved_to` is where it was moved, when it was."""

    path: Path
    verdict: Verdict
    moved_to: Path | None


class Watch:
    """Watches one folder and all in it, for as long as `run` runs."""

    def __init__(self, opened: Filter, folder: Path, *, quarantine: Path | None = None) -> None:
        """Watch `folder`; raise `ConfigurationError` when the folders cannot be used so."""
        self._filter = opened
        self._folder = _existing(folder, "FOLDER")
        self._quarantine = None if quarantine is None else _existing(quarantine, "--quarantine")
        if self._quarantine is not None:
            _check_apart(self._folder, self._quarantine)
        self._checked: dict[Path, _State] = {}

    def run(self, tell: Callable[[Watched], None], *, stop: threading.Event, existing: bool = False) -> None:
        """Check each file that appears or changes until `stop`; with `existing` first those that are there."""
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:

            def check(paths: Iterable[Path]) -> None:
                for watched in pool.map(self._check, paths):
                    if watched is not None:
                        tell(watched)

            # The watch begins before the files that are there are listed: none falls between the two.
            changes = watch(
                self._folder,
                watch_filter=None,
                debounce=1000,
                step=_QUIET_MS,
                stop_event=stop,
                yield_on_timeout=True,
                rust_timeout=_QUIET_MS,
                raise_interrupt=False,
            )
            first = True
            for batch in changes:
                if first and existing:
                    check(self._files())
                first = False
                check(sorted({Path(path) for change, path in batch if change != Change.deleted}))

    def _files(self) -> Iterator[Path]:
        for parent, _, names in os.walk(self._folder):
            for name in names:
                yield Path(parent, name)

    def _check(self, path: Path) -> Watched | None:
        """Check a regular file, once for each content; None when there is nothing to be said of it."""
        state = _state(path)
        if state is None or self._checked.get(path) == state:
            return None
        try:
            verdict = self._filter.check(path)
        except OSError:
            return None  # it went away, or is no file to be read; when it comes back, so does the event
        if len(self._checked) >= _MAX_REMEMBERED:
            self._checked.clear()
        self._checked[path] = state
        moved_to = None
        if self._quarantine is not None and verdict.action in {"block", "hold"}:
            moved_to = _moved(path, self._quarantine)
        return Watched(path, verdict, moved_to)


def _moved(path: Path, quarantine: Path) -> Path | None:
    target = quarantine / f"{time.time_ns()}-{path.name}"
    try:
        path.rename(target)
    except FileNotFoundError:
        return None
    return target


def _state(path: Path) -> _State | None:
    """Return what tells a file's content from a later one; None for what is no regular file, a link too."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _existing(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise ConfigurationError(f"{name}: {folder} is not a folder.")
    return folder.resolve()


def _check_apart(folder: Path, quarantine: Path) -> None:
    if quarantine.is_relative_to(folder):
        raise ConfigurationError("--quarantine must not lie in the folder that is watched.")
    if quarantine.stat().st_dev != folder.stat().st_dev:
        raise ConfigurationError("--quarantine must be on the same file system: a file is moved there, not copied.")
