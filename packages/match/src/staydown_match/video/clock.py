"""When a frame is shown, in seconds from the video's beginning, also where its time stamps jump or are missing."""

DEFAULT_FRAME_S = 0.04
"""The time between frames of a video that does not say it: 25 frames a second."""


class Clock:
    """Turns time stamps into seconds from the beginning that never run backwards."""

    def __init__(self, *, start_s: float | None, frame_s: float | None) -> None:
        """Take from the header the first time stamp and the time between frames, both in seconds, where known."""
        self._start_s = start_s
        self.frame_s = frame_s if frame_s and frame_s > 0 else DEFAULT_FRAME_S
        self._last_s: float | None = None

    def at_s(self, stamp_s: float | None) -> float:
        """Give the time of the next frame; `stamp_s` is None when it has no time stamp."""
        if stamp_s is None:
            at_s = self._following_s()
        else:
            if self._start_s is None:
                self._start_s = stamp_s
            at_s = max(0.0, stamp_s - self._start_s)
            if (
                self._last_s is not None and at_s < self._last_s
            ):  # a recording of several parts, or a counter that wrapped
                at_s = self._following_s()
                self._start_s = stamp_s - at_s
        self._last_s = at_s
        return at_s

    def _following_s(self) -> float:
        return 0.0 if self._last_s is None else self._last_s + self.frame_s
