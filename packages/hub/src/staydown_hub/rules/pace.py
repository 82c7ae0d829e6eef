"""How often a key may be used: a leaky bucket of one instant (GCRA, ITU-T I.371), so that nothing is counted or reset.

Each request moves the key's instant on by a step. A request is refused while the instant is more than a minute ahead:
a key at rest may send a whole minute's requests at once, and then as many as drain.
"""

import math
from datetime import datetime, timedelta
from typing import Final

DEFAULT_REQUESTS_A_MINUTE: Final = 6_000
MOST_REQUESTS_A_MINUTE: Final = 600_000
WINDOW: Final = timedelta(minutes=1)


def step_of(requests_a_minute: int) -> timedelta:
    """Return by how much each request moves the key's instant on."""
    return WINDOW / requests_a_minute


def retry_after_s(filled_until: datetime, *, at: datetime, requests_a_minute: int) -> int:
    """Return after how many whole seconds, at least one, a refused key may be used again."""
    free_at = filled_until - WINDOW + step_of(requests_a_minute)
    return max(1, math.ceil((free_at - at).total_seconds()))
