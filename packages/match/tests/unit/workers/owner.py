"""A program of its own that uses a pool, to be killed: prints the pool's processes, then decodes for ever."""

import os
import sys
import threading
import time
from pathlib import Path

from staydown_match import FingerprintPool


def main() -> None:
    pool = FingerprintPool(workers=2, _reader="misbehaving:read").start()
    for _ in range(2):
        threading.Thread(target=pool.fingerprint_bytes, args=(b"ORDER sleep\n",), daemon=True).start()
    while sum(place.worker is not None and place.worker.files > 0 for place in pool._places._places) < 2:
        time.sleep(0.02)
    workers = [place.worker.pid for place in pool._places._places if place.worker]
    print(pool._crew.nursery_pid, *workers, flush=True)  # noqa: T201 - read by the test
    match sys.argv[1]:
        case "killed":
            time.sleep(600)
        case "leaves":
            os._exit(3)
        case "ends":
            Path("/proc/self").resolve()  # falls off its end, without closing the pool


main()
