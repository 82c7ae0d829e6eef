"""Which frames of a video keep their hash: those that differ from the last one kept, and only so many a minute.

A film of 25 frames a second has 1,500 hashes a minute, of which most say the same as the one before. What is dropped
costs almost no recall (`./staydown bench video_sampling` measures it) as long as the dropped frame is far nearer to the
kept one than the distance at which hashes match.
"""

from staydown_match.types import MIN_QUALITY

MAX_DISTANCE_BITS_TO_DROP = 12
"""A frame this near to the last kept one is dropped. Chosen by measurement; see the table named above."""

LOW_QUALITY_INTERVAL_S = 1.0
"""Of frames that say too little to be matched (black ones between scenes) one a second is kept."""

BURST_S = 10.0
"""As many seconds' share of the minute's hashes may be used at once, for a few seconds of fast cuts."""


class FrameSampler:
    """Says of each frame, in the order in which they are shown, whether its hash is kept."""

    def __init__(
        self, *, max_hashes_per_minute: int, max_distance_bits_to_drop: int = MAX_DISTANCE_BITS_TO_DROP
    ) -> None:
        """Take how many hashes to keep a minute and how near is the same."""
        self._per_second = max_hashes_per_minute / 60
        self._burst = max(1.0, self._per_second * BURST_S)
        self._left = self._burst
        self._max_distance_bits = max_distance_bits_to_drop
        self._last_bits: int | None = None
        self._last_at_s = 0.0
        self._low_quality_until_s = 0.0
        self.left_out = 0
        """How many frames were not kept only because of the bound."""

    def keeps(self, bits: bytes, *, quality: int, at_s: float) -> bool:
        """Decide on the frame at `at_s` whose PDQ hash is the 32 bytes `bits`."""
        self._left = min(self._burst, self._left + max(0.0, at_s - self._last_at_s) * self._per_second)
        self._last_at_s = at_s
        number = int.from_bytes(bits, "big")
        if self._last_bits is not None:
            if (number ^ self._last_bits).bit_count() <= self._max_distance_bits:
                return False
            if quality < MIN_QUALITY and at_s < self._low_quality_until_s:
                return False
        if self._left < 1:
            self.left_out += 1
            return False
        self._left -= 1
        self._last_bits = number
        if quality < MIN_QUALITY:
            self._low_quality_until_s = at_s + LOW_QUALITY_INTERVAL_S
        return True
