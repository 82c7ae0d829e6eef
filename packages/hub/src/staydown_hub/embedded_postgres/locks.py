"""Advisory file locks (flock): the kernel drops them with the process, however it ends.

They are closed, never unlocked: a forked child that shares the description keeps the lock until it ends as well.
"""

import fcntl
import os
import time
from pathlib import Path

from staydown_hub.embedded_postgres.errors import StartError

_POLL_S = 0.02


def open_lock(path: Path) -> int:
    """Open (and make, mode 0600) a lock file; gives the descriptor, not yet locked.

    A symbolic link is refused: as root we open files in folders that others may own.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(
            f"Cannot open {path}: {error.strerror}. The embedded database belongs to the user who made it: "
            "run as that user, choose another STAYDOWN_HOME, or set DATABASE_URL."
        ) from error


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock without waiting; False when somebody else's lock forbids it."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(descriptor: int, *, timeout_s: float, shared: bool = False, waiting_for: str) -> None:
    """Lock, waiting at most `timeout_s`; raises StartError naming what was waited for."""
    deadline_s = time.monotonic() + timeout_s
    while not try_lock(descriptor, shared=shared):
        if time.monotonic() > deadline_s:
            raise StartError(f"Gave up after {timeout_s:.0f} s of waiting for {waiting_for}. Try again, or end it.")
        time.sleep(_POLL_S)


def lock_for_good(descriptor: int) -> None:
    """Lock exclusively, waiting for as long as it takes."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
