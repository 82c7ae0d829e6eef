"""Children that do not outlive their parent, however that one ends: the kernel itself sends them a signal."""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(parent_pid: int) -> None:
    """Have SIGTERM sent to this process when its parent ends; end at once if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)


def tie_forks() -> None:
    """Tie every process that this one forks from now on, such as a server's workers, to it."""
    parent_pid = os.getpid()

    def tie() -> None:
        if os.getppid() == parent_pid:
            end_with_parent(parent_pid)

    os.register_at_fork(after_in_child=tie)
