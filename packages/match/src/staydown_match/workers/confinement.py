"""The walls around a worker, put up by itself before it sees its first file and never taken down again.

Each wall that this system allows is put up; which ones stand is told to the pool, which says so when one is missing.
"""

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from staydown_match.limits import Limits
from staydown_match.workers.seccomp import install_filter

Wall: TypeAlias = Literal["limits", "no_new_privileges", "dies_with_parent", "account", "system_calls"]
WALLS: frozenset[Wall] = frozenset(get_args(Wall))

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NOBODY = 65_534
_OPEN_FILES = 16
_MOST_KILLABLE = b"1000"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the walls are made from; prepared once by the process that workers are forked from."""

    limits: Limits
    parent: int
    seccomp_program: bytes | None


def confine(surroundings: Surroundings) -> frozenset[Wall]:
    """Put up every wall around this process, which must have one thread only; say which ones stand."""
    builders: dict[Wall, Callable[[], None]] = {
        "limits": lambda: _limit(surroundings.limits),
        "account": _give_up_root,
        # After the account: changing it takes this one down.
        "dies_with_parent": lambda: _die_with(surroundings.parent),
        "no_new_privileges": lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 1),
        "system_calls": lambda: _filter_calls(surroundings.seccomp_program),
    }
    return frozenset(wall for wall, build in builders.items() if _stands(build))


def memory_in_use_bytes() -> int:
    """Return the size of this process's address space, which is what its limit of memory counts."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - no pathlib in what a worker does
        return int(statm.read().split()[0]) * resource.getpagesize()


def start_processor_clock(limits: Limits) -> None:
    """Let the system kill this process (SIGPROF) when it has used its processor time, counted from now."""
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)


def stop_processor_clock() -> None:
    """Stop counting: the file is done."""
    signal.setitimer(signal.ITIMER_PROF, 0)


def _stands(build: Callable[[], None]) -> bool:
    try:
        build()
    except (OSError, ValueError):  # setrlimit raises ValueError when the system's own limit is lower
        return False
    return True


def _limit(limits: Limits) -> None:
    # When the machine itself runs out of memory: rather this process than any other. First, as no file can grow later.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as score:  # noqa: PTH123 - as above
        score.write(_MOST_KILLABLE)
    for what, most in (
        (resource.RLIMIT_AS, memory_in_use_bytes() + limits.memory_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (most, most))
    _prctl(_PR_SET_DUMPABLE, 0)


def _give_up_root() -> None:
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _die_with(parent: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def _filter_calls(program: bytes | None) -> None:
    if program is None:
        raise OSError
    install_filter(program)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
