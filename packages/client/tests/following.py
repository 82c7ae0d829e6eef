"""Syncing a folder in tests: once, or in a thread until the test is through with it, and what a reader then finds."""

from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from staydown_client.errors import LogRefusedError
from staydown_client.folder import MAX_ENTRIES, Settings, make_folder
from staydown_client.store import connect, read_state
from staydown_client.sync import opened
from staydown_client.view import ListView

from packages.client.tests.conftest import KEY, LIST, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from staydown_client.clock import Moment
    from staydown_client.folder import Folder
    from staydown_client.log.trust import Trust
    from staydown_client.store import State
    from staydown_client.view import ListStatus

    from packages.client.tests.hostile_hub import HostileHub


def folder_with(tmp_path: Path, hub: HostileHub, trust: Trust, *, max_entries: int = MAX_ENTRIES) -> Folder:
    """Make a filter's folder, never synced."""
    settings = Settings(hub=hub.url, list=LIST, log=trust, max_entries=max_entries)
    return make_folder(tmp_path / "filter", settings=settings, key=KEY)


def catch_up(folder: Folder) -> list[object]:
    told = Told()
    with opened(folder) as syncing:
        syncing.catch_up(told)
    return told.progress


def refused(folder: Folder) -> LogRefusedError:
    with pytest.raises(LogRefusedError) as caught:
        catch_up(folder)
    return caught.value


def status_of(folder: Folder) -> ListStatus:
    view = ListView(folder.store_path, list_name=LIST)
    try:
        return view.status()
    finally:
        view.close()


def state_of(folder: Folder) -> State:
    with closing(connect(folder.store_path, list_name=LIST, for_writing=False)) as connection:
        return read_state(connection)


def confirmed_at(folder: Folder) -> Moment | None:
    """Return when the hub last confirmed that there was nothing newer."""
    return state_of(folder).confirmed


def in_force(folder: Folder, *numbers: int) -> list[int]:
    """Return which of these items' digests a reader finds."""
    view = ListView(folder.store_path, list_name=LIST)
    try:
        looked = view.look_up(
            [("sha256", number.to_bytes(32, "big")) for number in numbers], np.zeros((0, 32), np.uint8)
        )
        return [numbers[row] for row, _ in looked.exact_hits]
    finally:
        view.close()


@contextmanager
def following(folder: Folder) -> Iterator[Told]:
    told = Told()
    with opened(folder) as syncing:
        thread = threading.Thread(target=syncing.follow, args=(told,))
        thread.start()
        try:
            yield told
        finally:
            syncing.stop()
            thread.join(timeout=30)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
