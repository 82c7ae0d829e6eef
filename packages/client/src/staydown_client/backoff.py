"""How long to wait before the hub is asked again."""

from __future__ import annotations

import random
from typing import Final

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0


class Backoff:
    """Waits that double up to a minute, each drawn at random below its bound so that filters do not return as one."""

    def __init__(self) -> None:
        self._bound_s = _FIRST_WAIT_S

    def next_s(self) -> float:
        """Return the next wait."""
        wait_s = random.uniform(self._bound_s / 4, self._bound_s)  # noqa: S311 - spreads load; nothing secret
        self._bound_s = min(2 * self._bound_s, _LONGEST_WAIT_S)
        return wait_s

    def reset(self) -> None:
        """Begin again with short waits."""
        self._bound_s = _FIRST_WAIT_S
