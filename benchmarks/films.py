"""Films to measure with: photographs that packages ship, seen by a camera that moves slowly, as usual or fast."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from PIL import Image

from demo.pictures import photograph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_NAMES = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "china.jpg", "flower.jpg")
SCENE_S = 5.0
"""How long one photograph is filmed."""

_VIEW = 0.75
"""The share of a photograph's sides that the camera sees."""

# How far the camera pans and how much the hand shakes, as shares of the photograph.
MOTIONS = {"slow": (0.02, 0.0), "medium": (0.08, 0.004), "fast": (0.25, 0.012)}

ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "H.264": ("libx264", {"preset": "veryfast", "crf": "23"}),
    "HEVC": ("libx265", {"preset": "ultrafast", "crf": "26", "x265-params": "log-level=none"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "b": "4M"}),
    "AV1": ("libsvtav1", {"preset": "12", "crf": "35"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A stretch of film: how the camera moves, from when to when, and the pictures' size and rate."""

    motion: str
    start_s: float = 0.0
    length_s: float
    size: tuple[int, int] = (1920, 1080)
    rate: int = 25

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames, uint8 (height, width, 3). The same moment looks the same at any rate and size."""
        photographs = [Image.open(photograph(name)).convert("RGB") for name in _NAMES]
        pan, shake = MOTIONS[self.motion]
        for number in range(round(self.length_s * self.rate)):
            at_s = self.start_s + number / self.rate
            scene, within_s = divmod(at_s, SCENE_S)
            picture = photographs[int(scene) % len(photographs)]
            middle_x = (
                0.5
                + 0.125 * np.sin(6 * pan * within_s + scene)
                + shake * (np.sin(17 * within_s) + np.sin(29 * within_s))
            )
            middle_y = 0.5 + 0.12 * np.cos(5 * pan * within_s + scene) + shake * np.cos(23 * within_s)
            left = float(np.clip(middle_x - _VIEW / 2, 0, 1 - _VIEW)) * picture.width
            top = float(np.clip(middle_y - _VIEW / 2, 0, 1 - _VIEW)) * picture.height
            box = (left, top, left + _VIEW * picture.width, top + _VIEW * picture.height)
            yield np.asarray(picture.resize(self.size, Image.Resampling.BILINEAR, box=box))

    def encode(self, path: Path, *, codec: str, options: dict[str, str]) -> None:
        """Write the film to `path`, in the container that its name ends with."""
        with own_scheduling(), av.open(str(path), "w") as output:
            stream = cast("VideoStream", output.add_stream(codec, rate=self.rate, options=options))
            stream.width, stream.height = self.size
            stream.pix_fmt = "yuv420p"
            for number, pixels in enumerate(self.frames()):
                frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, self.rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))


def name_of_scene(number: int) -> str:
    """Give the name of the photograph that is filmed in a scene of any film."""
    return _NAMES[number % len(_NAMES)]


@contextmanager
def own_scheduling() -> Iterator[None]:
    """Give this process its scheduling back: as root, the AV1 encoder raises it to real time, above everything else."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
