"""Processes that use the embedded database, under the accounts that this run can take."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from staydown_hub.embedded_postgres.accounts import OWN_ENVIRONMENT, Account, own_account
from staydown_hub.embedded_postgres.server import is_held
from staydown_hub.embedded_postgres.sharing import SERVER_LOCK, WATCHDOG_LOCK

_PROGRAM = Path(__file__).with_name("user_process.py")
DEADLINE_S = 30.0


MakeFolder = Callable[[Account], Path]

# An ordinary account cannot run a Python in a folder that is closed to it; the system's own may do instead.
_PYTHONS = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")


def accounts() -> list[Account]:
    """List ours; and as root also an ordinary one, where there is a Python that it can run with our modules."""
    if os.geteuid() != 0:
        return [own_account()]
    entry = pwd.getpwnam("nobody")
    ordinary = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return [own_account(), *([ordinary] if python_for(ordinary) else [])]


@cache
def python_for(account: Account) -> str | None:
    """Find a Python that the account can run, and that finds our modules then."""
    check = [str(_PROGRAM), "--check"]
    for python in _PYTHONS:
        if account.run(["/bin/sh", "-c", '"$@"', "sh", python, *check], environment=OWN_ENVIRONMENT).returncode == 0:
            return python
    return None


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that its parent did not collect yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@dataclass
class User:
    """One process that uses the database of a home."""

    process: subprocess.Popen[str]
    home: Path
    database_url: str = ""
    server_pid: int = 0
    start_s: float = 0.0

    def wait_until_connected(self) -> "User":
        greeting = self._answer()
        self.database_url, self.server_pid = greeting["database_url"], greeting["server_pid"]
        self.start_s = greeting["start_s"]
        return self

    def sql(self, statement: str) -> Any:  # noqa: ANN401  # whatever the column holds
        assert self.process.stdin
        self.process.stdin.write(f"{statement}\n")
        self.process.stdin.flush()
        return self._answer()

    def leave(self) -> None:
        """End in good order."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(DEADLINE_S) == 0

    def end_by(self, signal_number: int) -> None:
        self.process.send_signal(signal_number)
        assert self.process.wait(DEADLINE_S) == -signal_number

    def _answer(self) -> Any:  # noqa: ANN401
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the process ended"
        return json.loads(line)


@dataclass
class Users:
    """Starts processes under one account, and ends those that a test left."""

    account: Account
    started: list[User] = field(default_factory=list)

    def begin(self, home: Path, *, source: str = "any") -> User:
        """Start a process without waiting for its database."""
        as_root = os.geteuid() == 0
        process = subprocess.Popen(
            [python_for(self.account) or sys.executable, str(_PROGRAM), str(home), source],
            env=OWN_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            user=self.account.uid if as_root else None,
            group=self.account.gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
        self.started.append(User(process, home))
        return self.started[-1]

    def enter(self, home: Path, *, source: str = "any") -> User:
        """Start a process and wait until it is connected."""
        return self.begin(home, source=source).wait_until_connected()

    def end_all(self) -> None:
        for user in self.started:
            with user.process as process:
                process.kill()
        for home in {user.home for user in self.started}:
            assert eventually(partial(is_free, home)), f"a server is left in {home}"


def is_free(home: Path) -> bool:
    """Whether neither a server nor a watchdog lives in this home."""
    return not home.exists() or not (is_held(home / SERVER_LOCK) or is_held(home / WATCHDOG_LOCK))


def kill(pid: int) -> None:
    """Kill a process that a test started, and wait for its end."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    finally:
        os.close(process)
    assert eventually(lambda: not is_alive(pid))


def find_process(*arguments: str) -> int | None:
    """Find the pid of a process whose command line has these arguments in a row."""
    wanted = "\0".join(arguments)
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and wanted in (process / "cmdline").read_text():
                return int(process.name)
        except (OSError, UnicodeDecodeError):
            continue
    return None
