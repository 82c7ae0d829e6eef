"""Takes a home's database away whole, also the part that lies elsewhere because root's home is closed to the server."""

import os
import shutil
from pathlib import Path

from staydown_hub.embedded_postgres.errors import StopError
from staydown_hub.embedded_postgres.locks import open_lock, try_lock
from staydown_hub.embedded_postgres.placement import SHARED_STORE, locate
from staydown_hub.embedded_postgres.sharing import LEASE_LOCK, stop_unused


def remove(home: Path) -> None:
    """Remove the database of this home and the home itself. Raises StopError while a process uses it."""
    if not home.is_dir():
        return
    home = home.resolve()
    lease = open_lock(home / LEASE_LOCK)
    try:
        if not try_lock(lease):
            raise StopError(f"The database in {home} is in use: stop what uses it first.")
        stop_unused(home)
        cluster = locate(home)
        # Only a folder that says that it is this home's is taken away from outside the home.
        if cluster and cluster.folder.parent == SHARED_STORE and _home_of(cluster.folder) == home:
            shutil.rmtree(cluster.folder)
        shutil.rmtree(home)
    finally:
        os.close(lease)


def _home_of(folder: Path) -> Path:
    return Path((folder / "home").read_text(encoding="utf-8").splitlines()[0])
