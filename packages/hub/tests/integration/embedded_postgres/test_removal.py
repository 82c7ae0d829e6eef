"""Taking a database away: all of it, nothing else, and never under somebody's feet."""

import os
import threading
from pathlib import Path

import pytest
from staydown_hub.embedded_postgres import StopError, remove, start
from staydown_hub.embedded_postgres.locks import open_lock, try_lock
from staydown_hub.embedded_postgres.placement import SHARED_STORE, locate
from staydown_hub.embedded_postgres.sharing import LEASE_LOCK


def test_a_database_that_is_used_is_not_removed(own_copy: Path) -> None:
    running = start(own_copy)
    try:
        with pytest.raises(StopError, match="in use"):
            remove(own_copy)
        assert (own_copy / "data" / "PG_VERSION").exists()
    finally:
        running.stop()
    remove(own_copy)
    assert not own_copy.exists()
    assert own_copy.parent.exists()


def test_removal_waits_for_whoever_is_stopping_the_server_just_now(own_copy: Path) -> None:
    stopping = open_lock(own_copy / LEASE_LOCK)
    assert try_lock(stopping)
    done = threading.Timer(0.3, os.close, [stopping])
    done.start()
    remove(own_copy)
    done.join()
    assert not own_copy.exists()


def test_what_was_never_there_is_no_error(tmp_path: Path) -> None:
    remove(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_the_part_that_lies_elsewhere_is_removed_too(tmp_path: Path) -> None:
    home = tmp_path / "home"  # pytest's folders are closed to others: as root the data goes to the shared store
    start(home).stop()
    cluster = locate(home)
    assert cluster is not None
    assert (cluster.folder.parent == SHARED_STORE) == (os.geteuid() == 0)
    remove(home)
    assert not cluster.folder.exists()
    assert not home.exists()
