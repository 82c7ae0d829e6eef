"""A watched folder: each file is checked when it is there whole, and what is listed is moved away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from staydown_client import Filter
from staydown_client.errors import ConfigurationError
from staydown_client.watch import Watch

from packages.client.tests.conftest import photograph
from packages.client.tests.integration.sidecar.conftest import cat_bytes, listed
from packages.client.tests.integration.sidecar.running import until

if TYPE_CHECKING:
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
        (watched / "deep").mkdir()
        time.sleep(0.3)
        shutil.copy(photograph("coffee.png"), watched / "deep" / "coffee.png")
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
    assert sorted(path.name.partition("-")[2] for path in quarantine.iterdir()) == [
        "before.png",
        "moved.png",
        "slow.png",
    ]
    assert sorted(path.name for path in watched.iterdir()) == ["deep", "link.png"]
    assert "link.png" not in log.read_text()


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
