"""When the list was last confirmed, kept so that a clock that is set anew neither ages nor refreshes it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_BOOT_FILE: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by two clocks.

    `wall_s` counts from 1970, and somebody may set that clock; `since_boot_s` counts from this start of the machine
    (`boot`) and only runs on, through sleep too.
    """

    wall_s: float
    since_boot_s: float
    boot: str

    def age_s(self, now: Moment) -> float:
        """Return how long ago this was; infinite when it lies in the future, which says that no clock can tell."""
        age_s = (
            now.since_boot_s - self.since_boot_s if self.boot and self.boot == now.boot else now.wall_s - self.wall_s
        )
        return age_s if age_s >= 0 else math.inf


def moment_now() -> Moment:
    """Return the present moment."""
    return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot())


@cache
def _boot() -> str:
    """Return which start of the machine this is; "" where the system does not say."""
    try:
        return _BOOT_FILE.read_text().strip()
    except OSError:
        return ""
