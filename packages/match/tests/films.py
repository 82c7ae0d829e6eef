"""Films made for the tests: photographs that packages ship, panned, zoomed and cut together."""

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias, cast

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from av.video.stream import VideoStream

Pixels: TypeAlias = NDArray[np.uint8]

NAMES = (
    "chelsea.png", "coffee.png", "motorcycle_left.png", "astronaut.png",
    "china.jpg", "flower.jpg", "brick.png", "grass.png",
)  # fmt: skip
"""One photograph for each scene, over and over."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """What is filmed and how it is encoded. `scenes` are the numbers of the photographs to show."""

    scenes: Sequence[int] = (0, 1, 2)
    scene_s: float = 2.0
    start_s: float = 0.0
    """What comes before this time is cut off."""
    size: tuple[int, int] = (320, 180)
    rate: int = 25
    codec: str = "libx264"
    container: str = "mp4"
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "23", "g": "50"})
    mux_options: dict[str, str] = field(default_factory=dict)
    change: Callable[[Pixels], Pixels] = lambda pixels: pixels
    """What is done to each frame before it is encoded."""
    rotation: int = 0

    @property
    def duration_s(self) -> float:
        return len(self.scenes) * self.scene_s - self.start_s

    def but(self, **changes: object) -> "Film":
        return replace(self, **changes)  # type: ignore[arg-type]  # dataclasses.replace checks the names


class Studio:
    """Makes films of photographs."""

    def __init__(self, photographs: dict[str, Pixels], names: Sequence[str] = NAMES) -> None:
        self._photographs = [Image.fromarray(photographs[name]) for name in names]

    def frames(self, film: Film) -> Iterator[Pixels]:
        """Yield what the film shows, uint8 (height, width, 3): each scene is a slow pan that also zooms in."""
        for number in range(round(film.duration_s * film.rate)):
            at_s = film.start_s + number / film.rate
            scene = min(int(at_s / film.scene_s + 1e-9), len(film.scenes) - 1)
            yield film.change(self.picture(film.scenes[scene], at_s / film.scene_s - scene, film.size))

    def picture(self, scene: int, progress: float, size: tuple[int, int]) -> Pixels:
        """Give a scene's picture at 0 to 1 of its course."""
        photograph = self._photographs[scene % len(self._photographs)]
        zoom = 0.8 - 0.1 * progress
        width, height = photograph.width * zoom, photograph.height * zoom
        left, top = (photograph.width - width) * progress, (photograph.height - height) * (1 - progress)
        box = (left, top, left + width, top + height)
        return np.asarray(photograph.resize(size, Image.Resampling.BILINEAR, box=box))

    def film(self, film: Film | None = None, **changes: object) -> bytes:
        """Encode a film to the bytes of a file."""
        film = (film or Film()).but(**changes)
        return self.encoded(self.frames(film), film)

    def encoded(self, frames: Iterable[Pixels], film: Film, *, stamps: Sequence[int] | None = None) -> bytes:
        """Encode frames of red, green and blue; `stamps` gives their times in frames of the film's rate."""
        with TemporaryDirectory() as folder:  # a real file: to put the header first it is written twice
            path = Path(folder, "film")
            self._encode(path, frames, film, stamps)
            return path.read_bytes()

    def _encode(self, path: Path, frames: Iterable[Pixels], film: Film, stamps: Sequence[int] | None) -> None:
        with own_scheduling(), av.open(str(path), "w", format=film.container, options=film.mux_options) as output:
            stream = cast("VideoStream", output.add_stream(film.codec, rate=film.rate, options=film.options))
            stream.pix_fmt = film.pix_fmt
            if film.rotation:
                stream.set_display_rotation(film.rotation)
            for number, pixels in enumerate(frames):
                if number == 0:
                    stream.height, stream.width = pixels.shape[:2]
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
                frame.pts = stamps[number] if stamps else number
                frame.time_base = Fraction(1, film.rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))


@contextmanager
def own_scheduling() -> Iterator[None]:
    """Give this process its scheduling back: as root, the AV1 encoder raises it to real time, above everything else."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def decoded(data: bytes) -> Iterator[tuple[float, Pixels]]:
    """Yield the frames of a file as other programs see them: their time, and red, green and blue by way of swscale."""
    with av.open(io.BytesIO(data), "r") as opened:
        for frame in opened.decode(video=0):
            yield round(float(frame.time), 3), frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
