"""A bundle that is none, from the hub or on the disk, costs one try: what is bad is never kept, nor believed again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import zstandard
from staydown_client.download import FOLDER_NAME
from staydown_client.errors import HubMisbehavedError, HubUnavailableError
from staydown_client.sync import CaughtUp

from packages.client.tests.conftest import admit
from packages.client.tests.following import catch_up, folder_with, status_of
from packages.client.tests.hostile_hub import BUNDLE, HostileHub, running
from packages.client.tests.made_log import MadeLog
from packages.client.tests.mischief import failing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from staydown_client.folder import Folder

    from packages.client.tests.hostile_hub import Answer, Asked, Mischief

SIZE = 2 * BUNDLE + 5
WHOLE = [CaughtUp(SIZE - 1, SIZE)]


def zstd(data: bytes) -> bytes:
    """Compress, with a compressor for each call: the hub answers in several threads."""
    return zstandard.ZstdCompressor().compress(data)


@pytest.fixture(scope="module")
def log() -> MadeLog:
    log = MadeLog()
    log.append(*(admit(n) for n in range(SIZE)))
    return log


@pytest.fixture
def hub(log: MadeLog) -> Iterator[HostileHub]:
    with running(HostileHub(log)) as served:
        served.compress = ("zstd", zstd)
        yield served


@pytest.fixture
def folder(tmp_path: Path, hub: HostileHub) -> Folder:
    return folder_with(tmp_path, hub, hub.log.trust)


def packed_as(body: bytes) -> Mischief:
    def spoil(_asked: Asked, answer: Answer) -> Answer:
        return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "zstd"})

    return spoil


BAD = {
    "not zstd": b"\x00garbage" * 50,
    "zstd cut short": zstd(bytes(1000))[:-4],
    "far too much": zstd(bytes(257 * 1024 * 1024)),
    "no bundle": zstd(b"no bundle"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_bundle_from_the_hub_is_refused_and_the_next_sync_fetches_it_anew(
    name: str, folder: Folder, hub: HostileHub
) -> None:
    hub.spoil["bundle"] = packed_as(BAD[name])
    for _ in range(2):
        with pytest.raises(HubMisbehavedError):
            catch_up(folder)
        assert status_of(folder).position == -1
        assert not (folder.path / FOLDER_NAME).exists()
    hub.spoil.clear()
    assert catch_up(folder) == WHOLE


@pytest.mark.parametrize("damage", [b"", b"\x00" * 512, BAD["no bundle"]], ids=["lost", "zeros", "no bundle"])
def test_a_bundle_that_was_damaged_on_the_disk_is_fetched_anew_by_the_same_sync(
    damage: bytes, folder: Folder, hub: HostileHub
) -> None:
    hub.spoil["tail"] = failing()
    with pytest.raises(HubUnavailableError):
        catch_up(folder)
    kept = folder.path / FOLDER_NAME / "1.zst"
    kept.write_bytes(damage or kept.read_bytes()[:-100])
    hub.spoil.clear()
    assert catch_up(folder) == WHOLE
