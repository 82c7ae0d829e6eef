"""Sharing one server: every process that uses it holds a lease; who comes first starts it, who leaves last stops it.

Four locks in the home, each with one duty:
  start.lock     held while somebody decides whether to start;
  lease.lock     held shared by every user; held alone by whoever stops the server;
  server.lock    inherited by the server and its children: held as long as any of them lives;
  watchdog.lock  inherited by the watchdog, which stops the server when users were killed.
A newcomer takes start.lock, then its lease (waiting for a stop that is under way), then looks for the server.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from staydown_hub.embedded_postgres.accounts import OWN_ENVIRONMENT, own_account
from staydown_hub.embedded_postgres.binaries import Binaries, find_binaries, reachable
from staydown_hub.embedded_postgres.creation import create
from staydown_hub.embedded_postgres.errors import StartError
from staydown_hub.embedded_postgres.locks import lock, open_lock, try_lock
from staydown_hub.embedded_postgres.placement import SHARED_STORE, Cluster, locate, place, prepare_home
from staydown_hub.embedded_postgres.server import (
    START_TIMEOUT_S,
    Server,
    log_tail,
    start_server,
    stop_server,
    wait_until_ready,
)

START_LOCK = "start.lock"
LEASE_LOCK = "lease.lock"
SERVER_LOCK = "server.lock"
WATCHDOG_LOCK = "watchdog.lock"
_WAIT_S = START_TIMEOUT_S + 60.0


@dataclass(slots=True)
class RunningPostgres:
    """A lease on a running server. `stop` gives it back; should the process be killed, the kernel does."""

    home: Path
    database_url: str
    _lease: int
    _binaries: Binaries | None = None
    _stopped: bool = field(default=False, init=False)

    def ensure_running(self) -> None:
        """Start the server again if it ended under us (killed, or out of memory); nothing to do while it runs."""
        start_lock = open_lock(self.home / START_LOCK)
        try:
            lock(start_lock, timeout_s=_WAIT_S, waiting_for="another process that is starting the database")
            self.database_url = _server_of(self.home, self._binaries).database_url
        finally:
            os.close(start_lock)

    def stop(self) -> None:
        """Give the lease back, and stop the server if nobody else has one. To call it again does nothing."""
        if self._stopped:
            return
        self._stopped = True
        os.close(self._lease)
        _stop_if_unused(self.home)


def start(home: Path, *, binaries: Binaries | None = None) -> RunningPostgres:
    """Use the server of this home, starting it (and making its cluster) where needed.

    `binaries` overrides which programs a start uses. Raises an EmbeddedPostgresError that says what to do.
    """
    if sys.platform != "linux":
        raise StartError("The embedded database runs on Linux only. Set DATABASE_URL to a PostgreSQL 15 or newer.")
    own_account()  # a user without a name is refused here, with a message, not by initdb
    home = prepare_home(home)
    start_lock = open_lock(home / START_LOCK)
    lease = open_lock(home / LEASE_LOCK)
    try:
        lock(start_lock, timeout_s=_WAIT_S, waiting_for="another process that is starting the database")
        lock(lease, shared=True, timeout_s=_WAIT_S, waiting_for="a database server that is stopping")
        server = _server_of(home, binaries)
    except BaseException:
        os.close(lease)
        raise
    finally:
        os.close(start_lock)
    return RunningPostgres(home, server.database_url, lease, binaries)


def _server_of(home: Path, binaries: Binaries | None) -> Server:
    """Find the running server, or start it. The start lock and a lease are held."""
    cluster = place(home)
    _ensure_watchdog(cluster)
    path = home / SERVER_LOCK
    server_lock = open_lock(path)
    try:
        # Held by a server, by an initdb or by the last children of either: then wait for it, or for its end.
        while not try_lock(server_lock):
            if server := wait_until_ready(cluster, server_lock_path=path):
                return server
        _start(cluster, binaries, server_lock=server_lock)
    finally:
        os.close(server_lock)
    server = wait_until_ready(cluster, server_lock_path=path)
    if server is None:
        raise StartError(f"PostgreSQL ended while starting: {log_tail(cluster)} (the log is {cluster.log})")
    return server


def _start(cluster: Cluster, binaries: Binaries | None, *, server_lock: int) -> None:
    version_file = cluster.data / "PG_VERSION"
    made_by_major = int(version_file.read_text(encoding="ascii")) if version_file.exists() else None
    chosen = binaries or find_binaries(made_by_major=made_by_major)
    usable = reachable(chosen, account=cluster.account, store=SHARED_STORE)
    if made_by_major is None:
        create(cluster, usable, server_lock=server_lock)
    start_server(cluster, usable, server_lock=server_lock)


def _ensure_watchdog(cluster: Cluster) -> None:
    """Start one unless one lives. It inherits its lock, held: there is no moment without either."""
    watchdog_lock = open_lock(cluster.home / WATCHDOG_LOCK)
    log = os.open(cluster.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if try_lock(watchdog_lock):
            program = [sys.executable, "-P", "-m", "staydown_hub.embedded_postgres.watchdog"]
            command = [*program, str(cluster.home), str(watchdog_lock)]
            own_account().start(command, keep_open=(watchdog_lock,), output=log, environment=OWN_ENVIRONMENT)
    finally:
        os.close(log)
        os.close(watchdog_lock)


def _stop_if_unused(home: Path) -> None:
    """Stop the server if ours was the last lease; if somebody is stopping it just now, wait for the end of that."""
    lease = open_lock(home / LEASE_LOCK)
    try:
        if try_lock(lease):
            stop_unused(home)
        elif not try_lock(lease, shared=True):
            lock(lease, shared=True, timeout_s=_WAIT_S, waiting_for="the database server to stop")
    finally:
        os.close(lease)


def stop_unused(home: Path) -> None:
    """Stop the server, if it runs. The lease lock is held alone by the caller."""
    if cluster := locate(home):
        stop_server(cluster, server_lock_path=home / SERVER_LOCK)
