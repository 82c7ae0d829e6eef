"""A watched folder: each file is checked when it is there whole, and what is listed is moved away."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest
from staydown_client import Filter
from staydown_client.errors import ConfigurationError
from staydown_client.verdict import Verdict
from staydown_client.watch import Watch, Watched

from packages.client.tests.conftest import photograph
from packages.client.tests.integration.sidecar.conftest import cat_bytes, listed
from packages.client.tests.integration.sidecar.running import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from packages.client.tests.integration.sidecar.conftest import Listed

__all__ = ["cat_bytes", "listed"]


def test_files_are_checked_as_they_come_and_listed_ones_moved(
    listed: Listed,
    tmp_path: Path,
    cat_bytes: bytes,
) -> None:
    watched, quarantine, log = tmp_path / "in", tmp_path / "away", tmp_path / "log"
    for folder in (watched, quarantine):
        folder.mkdir()
    (watched / "before.png").write_bytes(cat_bytes)
    (tmp_path / "outside.png").write_bytes(cat_bytes)
    (watched / "link.png").symlink_to(tmp_path / "outside.png")
    command = [sys.executable, "-m", "staydown_client", "filter", "watch", str(watched), "--existing"]
    command += ["--quarantine", str(quarantine), "--folder", str(listed.folder.path)]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, text=True)
    try:
        until("the file that was there", lambda: "before.png: block" in log.read_text())
        (watched / "deep" / "deeper").mkdir(parents=True)
        shutil.copy(photograph("coffee.png"), watched / "deep" / "deeper" / "coffee.png")
        with (watched / "slow.png").open("wb") as file:
            for start in range(0, len(cat_bytes), len(cat_bytes) // 3 + 1):
                file.write(cat_bytes[start : start + len(cat_bytes) // 3 + 1])
                file.flush()
                time.sleep(0.3)
        (tmp_path / "moved.png").write_bytes(cat_bytes)
        os.replace(tmp_path / "moved.png", watched / "moved.png")  # noqa: PTH105 - as an upload server does it
        until("the others", lambda: all(f"{name}.png: block" in log.read_text() for name in ("slow", "moved")))
        until("what may stay", lambda: "coffee.png: allow" in log.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert [path.read_bytes() for path in quarantine.iterdir()] == [cat_bytes] * 3
    for path in quarantine.iterdir():
        assert f"moved to {path}" in log.read_text()
    assert sorted(path.name for path in watched.iterdir()) == ["deep", "link.png"]
    assert "link.png" not in log.read_text()


class Block:
    """Blocks all that can be read: what is tried here is what is looked at, and what happens then."""

    def check(self, path: Path) -> Verdict:
        if path.name == "closed":
            raise PermissionError
        path.read_bytes()
        return Verdict("block", (), (), 0, 0.0)


@contextmanager
def watching(folder: Path, quarantine: Path | None = None, *, existing: bool = False) -> Iterator[list[Watched]]:
    """Watch while the body runs; give what is told. What ends the watch by itself fails the test."""
    told: list[Watched] = []
    stop = threading.Event()
    watch = Watch(cast("Filter", Block()), folder, quarantine=quarantine)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(watch.run, told.append, stop=stop, existing=existing)
        try:
            until("the watch begins", lambda: _is_told(told, folder / f"{time.time_ns()}") or running.done())
            yield told
        finally:
            stop.set()
        running.result()


def _is_told(told: list[Watched], fresh: Path) -> bool:
    """Put in one more file, for the one before may have come before the watch; say whether one was told."""
    fresh.write_bytes(b"x")
    time.sleep(0.1)
    return bool(told)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    found = tmp_path / "in", tmp_path / "away"
    for each in found:
        each.mkdir()
    return found


def told_of(told: list[Watched], *names: str) -> Callable[[], bool]:
    return lambda: set(names) <= {os.fsencode(each.path.name).decode("latin-1") for each in told}


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staydown_client.watch_tree.LOOK_EVERY_S", 0.3)


@pytest.mark.usefixtures("_soon")
def test_whatever_a_file_is_called_and_however_it_comes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, quarantine = folders
    (folder / "old").mkdir()
    (folder / "old" / "stays").write_bytes(b"x")
    with watching(folder, quarantine) as told:
        name = "n" * 255
        (folder / name).write_bytes(b"x")
        (folder / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"x")
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "inside").write_bytes(b"x")
        os.utime(tmp_path / "made" / "inside", (0, 0))
        (tmp_path / "made").rename(folder / "moved in")
        (folder / "a" / "b" / "c").mkdir(parents=True)
        (folder / "a" / "b" / "c" / "deep").write_bytes(b"x")
        until("all are told", told_of(told, name, "\xff\xfe.png", "inside", "deep"))
    assert len(told) == len({each.path for each in told}), "each once"
    assert all(each.moved_to is not None for each in told)
    assert (folder / "old" / "stays").exists(), "what was there is left alone"


@pytest.mark.usefixtures("_soon")
def test_what_the_system_does_not_tell_is_found_by_looking(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's queue of events ran over: of these files nothing was told."""

    def deaf(*_: object, stop_event: threading.Event, **__: object) -> Iterator[set[object]]:
        while not stop_event.wait(0.05):
            yield set()

    monkeypatch.setattr("staydown_client.watch.watch", deaf)
    folder, _ = folders
    with watching(folder) as told:
        (folder / "file").write_bytes(b"x")
        (folder / "new").mkdir()
        (folder / "new" / "other").write_bytes(b"x")
        until("both are told", told_of(told, "file", "other"))


@pytest.mark.usefixtures("_soon")
def test_what_cannot_be_read_is_said_to_be_unchecked(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To root nothing is closed, so the refusal is played: by the check of a file, by the listing of a folder."""
    folder, _ = folders
    (folder / "shut").mkdir()
    list_of = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return list_of(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with watching(folder, existing=True) as told:
        (folder / "closed").write_bytes(b"x")
        until("both are told", told_of(told, "closed", "shut"))
    for name in ("closed", "shut"):
        [said] = [each.verdict for each in told if each.path.name == name]
        assert (said.action, [problem.code for problem in said.problems]) == ("unchecked", ["unreadable"])


@pytest.mark.usefixtures("_soon")
def test_what_cannot_be_moved_is_said_and_tried_again(folders: tuple[Path, Path]) -> None:
    folder, quarantine = folders
    quarantine.rmdir()
    quarantine.mkdir()
    with watching(folder, quarantine) as told:
        quarantine.rename(quarantine.with_name("gone"))
        (folder / "file").write_bytes(b"x")
        until("it is told", told_of(told, "file"))
        quarantine.with_name("gone").rename(quarantine)
        until("it is moved", lambda: not (folder / "file").exists())
    tries = [each for each in told if each.path.name == "file"]
    assert [each.moved_to is not None for each in tries] == [False, True]


def test_folders_that_cannot_be_used_so_are_refused(
    listed: Listed,
    tmp_path: Path,
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with Filter.open(listed.folder.path) as opened:
        for folder, quarantine in ((tmp_path / "missing", None), (tmp_path, tmp_path / "no"), (tmp_path, inside)):
            with pytest.raises(ConfigurationError):
                Watch(opened, folder, quarantine=quarantine)
