"""The watchdog: waits until nobody holds a lease any more, stops the server, ends. Started beside the server.

An application that is killed gives its lease back through the kernel, so the server never outlives its users for good.
"""

import os
import sys
from pathlib import Path

from staydown_hub.embedded_postgres.locks import lock_for_good
from staydown_hub.embedded_postgres.sharing import LEASE_LOCK, stop_unused


def main(home: Path, watchdog_lock: int) -> None:
    """Watch over the server of `home`; `watchdog_lock` is the descriptor, inherited and locked, that says we live."""
    try:
        lease = os.open(home / LEASE_LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)  # made by whoever started us
    except FileNotFoundError:
        return  # the whole home was removed meanwhile
    lock_for_good(lease)
    stop_unused(home)
    os.close(watchdog_lock)  # before the lease: who gets a lease next must see that it needs another watchdog
    os.close(lease)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
