"""The account that the server runs under: PostgreSQL refuses root, so as root it gets one without privileges."""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from staydown_hub.embedded_postgres.errors import AccountError

# In this order: one made for us, the system's own for PostgreSQL, and what every system has. Other services may share
# the latter two, and could then read the cluster: where that matters, make the first (useradd --system staydown).
UNPRIVILEGED_ACCOUNTS = ("staydown", "postgres", "nobody")

# Nothing of our own environment (secrets, PG* variables) reaches the server.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# Our own programs find their modules where we did.
OWN_ENVIRONMENT = _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, and the way to run a program as that user."""

    name: str
    uid: int
    gid: int

    def run(
        self,
        command: list[str],
        *,
        keep_open: tuple[int, ...] = (),
        stdin: str | None = None,
        output: int | None = None,
        environment: dict[str, str] = _ENVIRONMENT,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, detached from our terminal; captures its output unless `output` is given."""
        as_root = os.geteuid() == 0
        try:
            return subprocess.run(
                command,
                cwd="/",
                env=environment,
                umask=0o077,
                pass_fds=keep_open,
                start_new_session=True,
                input=stdin if stdin is not None else "",
                stdout=output if output is not None else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                user=self.uid if as_root else None,
                group=self.gid if as_root else None,
                extra_groups=[] if as_root else None,
            )
        except PermissionError as error:
            raise AccountError(
                f"Cannot run {command[0]} as the account {self.name}: {error.strerror}. Start Staydown as an ordinary "
                "user instead of root, or set DATABASE_URL."
            ) from error

    def start(
        self,
        command: list[str],
        *,
        keep_open: tuple[int, ...],
        output: int,
        environment: dict[str, str] = _ENVIRONMENT,
    ) -> None:
        """Start a program and leave it running, as no child of ours: who starts the server may end before it does."""
        in_background = ["/bin/sh", "-c", '"$@" &', "sh", *command]
        self.run(in_background, keep_open=keep_open, output=output, environment=environment)

    def can_run(self, program: Path) -> bool:
        """Whether this account can reach and run a program that knows --version."""
        return self.run(["/bin/sh", "-c", '"$1" --version', "sh", str(program)]).returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can traverse every parent down into the folder (asked of the kernel, not worked out)."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]).returncode == 0


def own_account() -> Account:
    """Give the account that this process runs under; AccountError when it has no name."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise AccountError(
            f"The user id {os.geteuid()} has no name on this machine and PostgreSQL needs one. Add it to /etc/passwd, "
            "run as another user, or set DATABASE_URL."
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account(data: Path) -> Account:
    """Choose the account to run the server of this data folder under.

    Ours, unless we are root; then the one that owns the data already, else the first there is of UNPRIVILEGED_ACCOUNTS.
    """
    if os.geteuid() != 0:
        return own_account()
    if data.exists() and (owner_uid := data.stat().st_uid) != 0:
        entry = pwd.getpwuid(owner_uid)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise AccountError(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(UNPRIVILEGED_ACCOUNTS)} exists. "
        "Make one: useradd --system staydown"
    )
