"""No room, no permission: said in a line, nothing of what was verified is lost, and the sync goes on later."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from staydown_client import download
from staydown_client.errors import FolderError, HubUnavailableError
from staydown_client.filter import Filter
from staydown_client.sync import CaughtUp, opened

from packages.client.tests.conftest import LoopbackHub, Told, admit, near
from packages.client.tests.hostile_hub import BUNDLE, FEED

if TYPE_CHECKING:
    from pathlib import Path

    from staydown_client.folder import Folder

_LIMITED = """
import resource, sys
from staydown_client import verifying
from staydown_client.cli.main import main
verifying.BASE_FROM = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[3:]))
"""


def catch_up(folder: Folder) -> list[object]:
    told = Told()
    with opened(folder) as syncing:
        syncing.catch_up(told)
    return told.progress


def sync_with_room_for(largest_file_bytes: int, folder: Folder, *, base_from: int) -> subprocess.CompletedProcess[str]:
    words = [str(largest_file_bytes), str(base_from), "filter", "sync", str(folder.path)]
    return subprocess.run([sys.executable, "-c", _LIMITED, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("before", "new", "largest_file_bytes", "base_from"),
    [(0, BUNDLE + 1, 500_000, 10**9), (0, BUNDLE, 300_000, 100), (1, BUNDLE, 500_000, 10**9)],
    ids=["no room for a bundle", "no room for a base", "no room for the store"],
)
def test_without_room_the_last_list_stays_and_the_sync_goes_on_when_there_is(
    folder: Folder, hub: LoopbackHub, before: int, new: int, largest_file_bytes: int, base_from: int
) -> None:
    if before:
        hub.publish(admit(10_000))
        catch_up(folder)
    hub.publish(*(admit(n, *(near(f"{4 * n + k:064x}") for k in range(4))) for n in range(new)))
    done = sync_with_room_for(largest_file_bytes, folder, base_from=base_from)
    assert (done.returncode, done.stdout) != (0, "")
    assert done.returncode in {1, 2}, done.stderr
    assert "disk" in done.stderr
    assert "Traceback" not in done.stderr
    with Filter.open(folder.path) as uploads:
        assert uploads.list_status().position == before - 1
    assert catch_up(folder) == [CaughtUp(hub.log.size - 1, new)]
    assert not list(folder.path.glob("*.unfinished"))


def test_bundles_are_kept_only_while_that_leaves_the_room_that_the_list_needs(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish(*(admit(n) for n in range(3 * BUNDLE + 1)))
    length = len(hub.log.bundle(0, BUNDLE))
    usage = shutil.disk_usage(folder.path)._replace(free=download.LEAST_FREE_BYTES + 5 * length)
    monkeypatch.setattr("staydown_client.download.shutil.disk_usage", lambda _path: usage)
    hub.answers[f"{FEED}tail"] = lambda handler: handler.answer({}, status=503)
    for asked in (3, 4):  # what was kept is not fetched again, and what was not takes no more room the second time
        with pytest.raises(HubUnavailableError):
            catch_up(folder)
        kept = list((folder.path / download.FOLDER_NAME).iterdir())
        assert len(kept) in {1, 2}
        assert sum(path.stat().st_size for path in kept) <= 2.5 * length
        assert sum(path.startswith(f"{FEED}bundle") for path in hub.paths()) >= asked
    hub.answers.clear()
    assert catch_up(folder) == [CaughtUp(hub.log.size - 1, hub.log.size)]
    assert not (folder.path / download.FOLDER_NAME).exists()


def test_a_base_that_cannot_be_written_leaves_nothing_of_it_behind(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    hub.publish(admit(1))
    monkeypatch.setattr("staydown_client.verifying.BASE_FROM", 1)
    with monkeypatch.context() as patched, opened(folder) as syncing:
        patched.setattr("staydown_client.base.files._write", full)
        with pytest.raises(FolderError, match="No space left"):
            syncing.catch_up(Told())
        assert not list(folder.path.glob("base-*"))
    assert catch_up(folder) == [CaughtUp(0, 1)]


@pytest.mark.parametrize("name", ["sync.lock", "list.sqlite"])
def test_what_cannot_be_opened_is_named(name: str, folder: Folder, hub: LoopbackHub) -> None:
    (folder.path / name).unlink()
    (folder.path / name).mkdir()
    with pytest.raises(FolderError, match=f"{name} cannot be"):
        catch_up(folder)
    assert not hub.requests


def test_a_folder_that_is_open_to_others_is_refused_before_anything_is_fetched(
    folder: Folder, hub: LoopbackHub, tmp_path: Path
) -> None:
    folder.path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "staydown_client", "filter", "sync", str(folder.path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "chmod 700" in done.stderr
    assert not hub.requests
