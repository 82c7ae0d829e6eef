"""Where a picture's uniform borders end: bars above and below, frames around, the surroundings of a screenshot."""

import numpy as np
from numpy.typing import NDArray


def trim_borders(luma: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """Give (top, bottom, left, right), the bounds of a slice without uniform borders; None when there are none."""
    rows = np.flatnonzero(np.ptp(luma, axis=1) > 12)
    columns = np.flatnonzero(np.ptp(luma, axis=0) > 12)
    if not rows.size or not columns.size:
        return None
    box = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return None if box == (0, luma.shape[0], 0, luma.shape[1]) else box
