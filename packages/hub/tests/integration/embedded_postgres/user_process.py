"""A process that uses the embedded database: the tests start it, talk to it by lines, and kill it.

Arguments: the home, and where the programs come from (any, system, wheel). It prints one JSON line once it is
connected, then answers each line of SQL with the first value of its first row, as JSON. When its input ends it gives
the database back.
"""

import json
import sys
import time
from pathlib import Path

import psycopg
from staydown_hub.embedded_postgres import start
from staydown_hub.embedded_postgres.binaries import system_binaries, wheel_binaries


def main() -> None:
    home, source = Path(sys.argv[1]), sys.argv[2]
    binaries = None if source == "any" else (system_binaries() if source == "system" else wheel_binaries())[0]
    begun_s = time.monotonic()
    running = start(home, binaries=binaries)
    start_s = time.monotonic() - begun_s
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        greeting = {"database_url": running.database_url, "server_pid": server_pid(connection), "start_s": start_s}
        answer(greeting)
        for line in sys.stdin:
            cursor = connection.execute(line.encode())
            row = cursor.fetchone() if cursor.description else None
            answer(row[0] if row else None)
    running.stop()


def server_pid(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Find the postmaster's pid: the parent of the process that serves this connection."""
    status = Path(f"/proc/{connection.info.backend_pid}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201  # this is how it talks


if sys.argv[1:] != ["--check"]:  # which only asks whether the imports are found
    main()
