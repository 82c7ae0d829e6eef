"""Where a cluster lies: in its home, or, when root's home is closed to the server's account, where that can go.

No mode of a folder that we did not make is ever changed.
"""

import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from staydown_hub.embedded_postgres.accounts import Account, own_account, server_account
from staydown_hub.embedded_postgres.errors import PlacementError

# Only ever used by root, for a home that no other account may enter.
SHARED_STORE = Path("/var/lib/staydown")
_POINTER = "cluster-location"
_SOCKETS_POINTER = "sockets-location"
# sun_path holds 108 bytes with its closing NUL.
MAX_SOCKET_PATH_BYTES = 107
_SOCKET_NAME = ".s.PGSQL.5432"
_SHORT_PATHS = "/tmp"  # noqa: S108 -- the one short path everywhere; the folder in it is ours alone
_SHORT_SOCKET_PREFIX = "staydown-postgres-"
# A dead server's lock file names a pid that may be anybody's by now.
_TIDY = 'cd -- "$1" && chmod 700 . && rm -f -- "$2" "$2.lock"'


@dataclass(frozen=True, slots=True)
class Cluster:
    """The paths of one cluster: locks and log are in `home` (ours), the data in `folder` (the server's to enter)."""

    home: Path
    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says: its life cycle only, never a statement or a value."""
        return self.home / "server.log"

    @property
    def sockets(self) -> Path:
        """The usual socket folder."""
        return self.folder / "sockets"


def prepare_home(home: Path) -> Path:
    """Make the home where it is missing; gives its real path. As root it can be passed through, but not listed."""
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PlacementError(
            f"Cannot make {home}: {error.strerror}. Set STAYDOWN_HOME to a folder of yours, or set DATABASE_URL."
        ) from error
    if home.stat().st_mode & stat.S_IWOTH:
        raise PlacementError(f"Everyone may write to {home} and so replace the database. Close it: chmod o-w {home}")
    return home.resolve()


def locate(home: Path) -> Cluster | None:
    """Find the cluster that this home already has; None before the first start."""
    folder = _pointed_to(home) or home
    if not (folder / "data").exists():
        return None
    return Cluster(home, folder, server_account(folder / "data"))


def place(home: Path) -> Cluster:
    """Find the cluster of this home, or choose a place for a new one. To be called under the start lock."""
    if cluster := locate(home):
        return cluster
    account = server_account(home / "data")
    folder = _pointed_to(home)
    if folder is None:
        folder = home if account == own_account() or account.can_enter(home) else _place_in_store(home, account)
    return Cluster(home, folder, account)


def _pointed_to(home: Path) -> Path | None:
    pointer = home / _POINTER
    if not pointer.is_file() or pointer.lstat().st_uid != os.geteuid():  # nobody else tells root where to go
        return None
    folder = Path(pointer.read_text(encoding="utf-8").splitlines()[0])
    if not folder.is_dir():
        raise PlacementError(f"{pointer} says that the database is in {folder}, which is not there: bring it back.")
    return folder


def _place_in_store(home: Path, account: Account) -> Path:
    """Make a folder outside the home, which keeps a note of it.

    Its name is not made from the home's path: a home that was deleted and made again must not find the old data.
    """
    try:
        SHARED_STORE.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=SHARED_STORE))
    except OSError as error:
        raise PlacementError(
            f"The account {account.name}, which runs PostgreSQL because we are root, can enter neither {home} nor "
            f"{SHARED_STORE} ({error.strerror}). Set STAYDOWN_HOME to a folder open to it, such as /srv/staydown, or "
            "set DATABASE_URL."
        ) from error
    folder.chmod(0o711)  # made by us just now
    if not account.can_enter(folder):
        folder.rmdir()
        raise PlacementError(
            f"The account {account.name}, which runs PostgreSQL because we are root, can enter neither {home} nor "
            f"{SHARED_STORE}. Set STAYDOWN_HOME to a folder open to it, such as /srv/staydown, or set DATABASE_URL."
        )
    write_whole(folder / "home", f"{home}\n")
    note = f"{folder}\nThe database of this folder: the account {account.name}, which runs it, cannot enter here.\n"
    write_whole(home / _POINTER, note)
    return folder


def write_whole(path: Path, text: str) -> None:
    """Write a small file that everyone may read; never half of it, and never through a link."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)  # whatever the umask: the server's account reads it
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def make_socket_folder(cluster: Cluster) -> Path:
    """Make a folder that only the server's account can enter, on a path short enough for a socket.

    It is the same each time, so that a server that is started again is found where it was.
    """
    is_short = len(os.fsencode(cluster.sockets / _SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES
    folder = cluster.sockets if is_short else _short_socket_folder(cluster)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_folder_of(cluster.account, folder):
            raise PlacementError(f"Somebody else has made {folder}: start again, for another name.") from None
        # What is the account's is put right as the account: as root we could be led elsewhere by a link.
        cluster.account.run(["/bin/sh", "-c", _TIDY, "sh", str(folder), _SOCKET_NAME])
    else:
        os.chown(folder, cluster.account.uid, cluster.account.gid, follow_symlinks=False)
    return folder


def _short_socket_folder(cluster: Cluster) -> Path:
    """Choose the folder under /tmp that it was before, unless somebody else took its name; else a new one."""
    pointer = cluster.home / _SOCKETS_POINTER
    if pointer.is_file() and pointer.lstat().st_uid == os.geteuid():
        before = Path(pointer.read_text(encoding="utf-8").strip())
        if not os.path.lexists(before) or _is_folder_of(cluster.account, before):
            return before
    folder = Path(_SHORT_PATHS) / f"{_SHORT_SOCKET_PREFIX}{secrets.token_hex(8)}"
    write_whole(pointer, f"{folder}\n")
    return folder


def _is_folder_of(account: Account, folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid


def remove_short_socket_folder(cluster: Cluster, folder: Path) -> None:
    """Remove what `make_socket_folder` made under /tmp; any other folder is left alone."""
    if not folder.name.startswith(_SHORT_SOCKET_PREFIX) or folder.is_symlink():
        return
    if folder.is_dir() and folder.stat().st_uid == cluster.account.uid:
        shutil.rmtree(folder, ignore_errors=True)
