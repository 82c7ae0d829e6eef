"""No room, no permission: said in a line, nothing of what was verified is lost, and the sync goes on later."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from staydown_client.errors import FolderError
from staydown_client.filter import Filter
from staydown_client.sync import CaughtUp, opened

from packages.client.tests.conftest import LoopbackHub, Told, admit, near
from packages.client.tests.hostile_hub import BUNDLE

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
