"""Takes a home's database away whole, also the part that lies elsewhere because root's home is closed to the server."""

import os
import shutil
import time
from pathlib import Path

from staydown_hub.embedded_postgres.errors import StopError
from staydown_hub.embedded_postgres.locks import open_lock, try_lock
from staydown_hub.embedded_postgres.placement import SHARED_STORE, locate
from staydown_hub.embedded_postgres.server import STOP_TIMEOUT_S
from staydown_hub.embedded_postgres.sharing import LEASE_LOCK, stop_unused

_STOPPING_TIMEOUT_S = 2 * STOP_TIMEOUT_S + 5.0
_POLL_S = 0.01


def remove(home: Path) -> None:
    """Remove the database of this home and the home itself. Raises StopError while a process uses it."""
    if not home.is_dir():
        return
    home = home.resolve()
    lease = open_lock(home / LEASE_LOCK)
    try:
        _lock_alone(lease, home=home)
        stop_unused(home)
        cluster = locate(home)
        # Only a folder that says that it is this home's is taken away from outside the home.
        if cluster and cluster.folder.parent == SHARED_STORE and _home_of(cluster.folder) == home:
            shutil.rmtree(cluster.folder)
        shutil.rmtree(home)
    finally:
        os.close(lease)


def _lock_alone(lease: int, *, home: Path) -> None:
    """Take the lease alone. Who holds it alone just now (the watchdog, say) is stopping the server: wait for that."""
    deadline_s = time.monotonic() + _STOPPING_TIMEOUT_S
    while not try_lock(lease):
        shared_with_users = try_lock(lease, shared=True) and not try_lock(lease)
        if shared_with_users or time.monotonic() > deadline_s:
            raise StopError(f"The database in {home} is in use: stop what uses it first.")
        time.sleep(_POLL_S)


def _home_of(folder: Path) -> Path:
    return Path((folder / "home").read_text(encoding="utf-8").splitlines()[0])
