"""One PostgreSQL server: starting it, knowing that it is ours, stopping it.

Whether it lives is told by a lock that it and all its children inherit, never by the pid in postmaster.pid: that may
be anybody's after a reboot. A signal goes only to a process whose command line names our data folder.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from staydown_hub.embedded_postgres.binaries import Binaries
from staydown_hub.embedded_postgres.creation import DATABASE, ROLE, SUPERUSER
from staydown_hub.embedded_postgres.errors import StartError, StopError
from staydown_hub.embedded_postgres.locks import try_lock
from staydown_hub.embedded_postgres.placement import (
    Cluster,
    make_socket_folder,
    remove_short_socket_folder,
    write_whole,
)

START_TIMEOUT_S = 120.0  # recovery after a crash replays up to a gigabyte
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.01
_MAX_LOG_BYTES = 1_000_000
_PID_FILE = "postmaster.pid"  # its lines: pid, data folder, start, port, socket folder, address, memory, state
_SOCKETS_LINE = 4
_STATE_LINE = 7
_READY = "ready"

_SETTINGS = {
    "listen_addresses": "",  # the socket only
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log tells the server's life only: a statement, or the error about one, can hold a fingerprint or an address.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its pid, verified to be ours, and the folder of its socket."""

    pid: int
    sockets: Path

    @property
    def database_url(self) -> str:
        """The libpq address of the hub's database."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.sockets), safe='')}&port=5432"


def running_server(cluster: Cluster) -> Server | None:
    """Find the server of this cluster if it runs and takes connections."""
    lines = _pid_file_lines(cluster)
    if len(lines) <= _STATE_LINE or lines[_STATE_LINE].strip() != _READY:
        return None
    pid = int(lines[0])
    return Server(pid, Path(lines[_SOCKETS_LINE])) if _is_server_of(cluster, pid) else None


def start_server(cluster: Cluster, binaries: Binaries, *, server_lock: int) -> None:
    """Start it; `server_lock`, held, passes to it. Returns at once: `wait_until_ready` waits."""
    _remove_pid_file(cluster)  # the lock is ours, so nothing of this cluster runs: the file is a dead server's
    _rotate_log(cluster.log)
    _write_access_rules(cluster)
    settings = _SETTINGS | {
        "unix_socket_directories": str(make_socket_folder(cluster)),
        "hba_file": str(cluster.folder / "pg_hba.conf"),
        "ident_file": str(cluster.folder / "pg_ident.conf"),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = os.open(cluster.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        command = [str(binaries.folder / "postgres"), "-D", str(cluster.data), *options]
        cluster.account.start(command, keep_open=(server_lock,), output=log)
    finally:
        os.close(log)


def wait_until_ready(cluster: Cluster, *, server_lock_path: Path, timeout_s: float = START_TIMEOUT_S) -> Server | None:
    """Wait for the server that holds the lock; None when the lock is free: it died, or was stopped meanwhile."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if server := running_server(cluster):
            return server
        if not is_held(server_lock_path):
            return None
        time.sleep(_POLL_S)
    raise StartError(
        f"PostgreSQL holds {cluster.data} but takes no connections after {timeout_s:.0f} s. Its log is {cluster.log}; "
        "end the processes of that folder and start again."
    )


def is_held(path: Path) -> bool:
    """Whether anybody holds this lock just now. The file is not made: the home may be on its way out."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def stop_server(cluster: Cluster, *, server_lock_path: Path, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Stop it, rolling open transactions back; if that takes too long, at once (the next start recovers)."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT):
        deadline_s = time.monotonic() + timeout_s
        sockets: Path | None = None
        while is_held(server_lock_path) and time.monotonic() < deadline_s:
            sockets = sockets or _signal_server(cluster, signal_number)
            time.sleep(_POLL_S)
        if sockets:
            remove_short_socket_folder(cluster, sockets)
        if not is_held(server_lock_path):
            return
    raise StopError(f"PostgreSQL in {cluster.data} does not end. Its log is {cluster.log}.")


def log_tail(cluster: Cluster) -> str:
    """Give the end of the server's log, for a message."""
    try:
        return " ".join(cluster.log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
    except FileNotFoundError:
        return "no log was written"


def _signal_server(cluster: Cluster, signal_number: signal.Signals) -> Path | None:
    """Signal the server; gives its socket folder, or None when the pid file names no server of ours (yet)."""
    lines = _pid_file_lines(cluster)
    if len(lines) <= _SOCKETS_LINE:
        return None
    pid = int(lines[0])
    try:
        process = os.pidfd_open(pid)  # holds on to the process: the pid cannot pass to another between look and signal
    except OSError:
        return None
    try:
        if not _is_server_of(cluster, pid):
            return None
        signal.pidfd_send_signal(process, signal_number)
    finally:
        os.close(process)
    return Path(lines[_SOCKETS_LINE])


def _pid_file_lines(cluster: Cluster) -> list[str]:
    try:
        lines = (cluster.data / _PID_FILE).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return []
    return lines if lines and lines[0].isdecimal() and int(lines[0]) > 1 else []


def _is_server_of(cluster: Cluster, pid: int) -> bool:
    """Whether this process was started as `... -D <our data folder>` and belongs to the server's account."""
    process = Path("/proc") / str(pid)
    try:
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        owner_uid = process.stat().st_uid
    except OSError:
        return False
    started_with = arguments[1:3] == [b"-D", os.fsencode(cluster.data)]
    return started_with and Path(os.fsdecode(arguments[0])).name == "postgres" and owner_uid == cluster.account.uid


def _remove_pid_file(cluster: Cluster) -> None:
    lines = _pid_file_lines(cluster)
    if len(lines) > _SOCKETS_LINE:
        remove_short_socket_folder(cluster, Path(lines[_SOCKETS_LINE]))
    (cluster.data / _PID_FILE).unlink(missing_ok=True)


def _rotate_log(log: Path) -> None:
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.rename(log.with_suffix(".log.1"))


def _write_access_rules(cluster: Cluster) -> None:
    """Let in only root and the server's account; the kernel says who is at the other end of the socket."""
    users = dict.fromkeys(["root", cluster.account.name])
    identities = "".join(f'staydown "{user}" {role}\n' for user in users for role in (ROLE, SUPERUSER))
    write_whole(cluster.folder / "pg_hba.conf", "local all all peer map=staydown\n")
    write_whole(cluster.folder / "pg_ident.conf", identities)
