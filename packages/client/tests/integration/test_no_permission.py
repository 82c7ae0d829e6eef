"""An account that may not read or write what it needs: said in a line, nothing is lost, and nothing passes for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from staydown_client.folder import open_folder

from packages.client.tests.conftest import LoopbackHub, admit
from packages.client.tests.following import catch_up, status_of
from packages.client.tests.hostile_hub import BUNDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from staydown_client.folder import Folder

# The tests may run as root, to whom everything is permitted. What the program needs is read before root is given up:
# the interpreter itself may lie where only root can read.
_DROPPED = """
import os, sys
from staydown_client.cli.main import main
uid, command, warm, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
words = {"sync": ["sync"], "status": ["status", "--folder"]}[command]
main(["filter", *words, warm])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
sys.stdout.flush()
print("--- dropped", flush=True)
sys.exit(main(["filter", *words, folder]))
"""
UNPRIVILEGED = 65_534 if os.geteuid() == 0 else os.geteuid()


@pytest.fixture
def owned(folder: Folder, hub: LoopbackHub) -> Iterator[Folder]:
    """Bring a synced folder to where an account without privileges reaches it, and give it that account."""
    hub.publish(admit(1))
    catch_up(folder)
    place = Path(tempfile.mkdtemp(prefix="staydown-test-"))
    try:
        shutil.copytree(folder.path, place / "filter")
        for path in (place, place / "filter", *(place / "filter").iterdir()):
            os.chown(path, UNPRIVILEGED, -1)
        yield replace(folder, path=place / "filter")
    finally:
        for path in (place / "filter").rglob("*"):
            path.chmod(0o700)
        shutil.rmtree(place)


def unprivileged(command: str, folder: Folder, warm: Folder) -> tuple[int, str]:
    """Run a command on `folder` without privileges; return its status and what it said."""
    words = [str(UNPRIVILEGED), command, str(warm.path), str(folder.path)]
    done = subprocess.run([sys.executable, "-c", _DROPPED, *words], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.partition("--- dropped\n")[2] + done.stderr


def closed(folder: Folder) -> None:
    folder.path.chmod(0o000)


def read_only(folder: Folder) -> None:
    for path in folder.path.iterdir():
        path.chmod(0o400)
    folder.path.chmod(0o500)


def key_that_cannot_be_read(folder: Folder) -> None:
    (folder.path / "key").chmod(0o000)


def settings_that_cannot_be_read(folder: Folder) -> None:
    folder.settings_path.chmod(0o000)


def store_that_cannot_be_written(folder: Folder) -> None:
    folder.store_path.chmod(0o400)


def nowhere_for_bundles(folder: Folder) -> None:
    (folder.path / "incoming").mkdir(mode=0o500)
    os.chown(folder.path / "incoming", UNPRIVILEGED, -1)


DENIED: list[tuple[Callable[[Folder], None], str]] = [
    (closed, "Permission denied"),
    (read_only, "sync.lock cannot be opened: Permission denied"),
    (key_that_cannot_be_read, "key"),
    (settings_that_cannot_be_read, "filter.toml cannot be read: Permission denied"),
    (store_that_cannot_be_written, "list.sqlite cannot be used"),
    (nowhere_for_bundles, "Permission denied"),
]


@pytest.mark.parametrize(("deny", "named"), DENIED, ids=[deny.__name__ for deny, _ in DENIED])
def test_a_sync_that_may_not_says_what_it_may_not(
    deny: Callable[[Folder], None], named: str, owned: Folder, folder: Folder, hub: LoopbackHub
) -> None:
    hub.publish(*(admit(n) for n in range(2, BUNDLE + 10)))
    deny(owned)
    status, said = unprivileged("sync", owned, folder)
    assert status in {1, 2}
    assert named in said
    restore(owned)
    assert status_of(owned).position == 0
    shutil.rmtree(owned.path / "incoming", ignore_errors=True)
    catch_up(open_folder(owned.path))
    assert status_of(owned).position == hub.log.size - 1


@pytest.mark.parametrize("deny", [closed, read_only, settings_that_cannot_be_read])
def test_a_filter_that_may_not_read_its_list_is_not_ready(
    deny: Callable[[Folder], None], owned: Folder, folder: Folder
) -> None:
    deny(owned)
    status, said = unprivileged("status", owned, folder)
    assert status in {1, 2}
    assert said


def restore(folder: Folder) -> None:
    folder.path.chmod(0o700)
    for path in folder.path.iterdir():
        path.chmod(0o700 if path.is_dir() else 0o600)
