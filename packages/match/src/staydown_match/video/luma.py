"""The brightness of a decoded frame, where the decoder left it: no copy, no scaling library, upright.

PDQ looks at luma only, and a video frame has it as its first plane. Taking that plane spares the way through RGB, and
its rounding.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from av import VideoFrame
from av.video.format import VideoFormat
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.buffer import Buffer

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

FULL_RANGE = 2
"""AVCOL_RANGE_JPEG: black is 0 and white the highest number. Anything else, also nothing, is 16 to 235 of 8 bits."""

LIMITED_BLACK, LIMITED_WHITE = 16, 235
_LEAST_BITS, _MOST_BITS = 8, 16
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114


class PixelFormatError(Exception):
    """The frame's pixels are stored in a way that is not read here."""


@dataclass(frozen=True, slots=True)
class Luma:
    """`samples`: (height, width) as seen by people; `black` and `white`: the samples that mean them."""

    samples: Samples
    black: float
    white: float


@dataclass(frozen=True, slots=True)
class _Layout:
    dtype: np.dtype[Any]
    bits: int
    shift: int  # how many bits the samples stand above the lowest
    is_rgb: bool
    is_always_full_range: bool


class LumaReader:
    """Gives each frame of one video its luma, and remembers how the video is turned.

    The display matrix is read from the first frame, and again when the rotation changes: reading it ties the frame into
    a reference cycle, and a thousand frames of 3 MB that wait for the garbage collector are too many.
    """

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}

    def luma_of(self, frame: VideoFrame) -> Luma:
        """Give the luma of `frame`, upright; valid as long as the frame is. Raises PixelFormatError."""
        layout = _layout_of(frame.format.name)
        samples = _luma_of_rgb(frame, layout) if layout.is_rgb else _plane(frame, 0, layout)
        unit = 1 << (layout.bits - _LEAST_BITS + layout.shift)
        black, white = LIMITED_BLACK * unit, LIMITED_WHITE * unit
        if layout.is_always_full_range or frame.color_range == FULL_RANGE:
            black, white = 0, ((1 << layout.bits) - 1) << layout.shift
        return Luma(self._turn_of(frame).applied_to(samples), float(black), float(white))

    def _turn_of(self, frame: VideoFrame) -> "_Turn":
        rotation = frame.rotation
        if rotation not in self._turns:
            self._turns[rotation] = _turn_of(frame)
        return self._turns[rotation]


@dataclass(frozen=True, slots=True)
class _Turn:
    """First transposed, then mirrored: -1 is backwards."""

    is_transposed: bool = False
    down: int = 1
    along: int = 1

    def applied_to(self, samples: Samples) -> Samples:
        if self.is_transposed:
            samples = samples.T
        return samples[:: self.down, :: self.along]


def _turn_of(frame: VideoFrame) -> _Turn:
    """Read from the frame's display matrix how its camera was held, to the nearest quarter turn."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # side data of a type that PyAV has no name for
        return _TURNS_BY_ROTATION.get(round(frame.rotation / 90) % 4, _Turn())
    if data is None:
        return _Turn()
    # x' = a x + c y and y' = b x + d y. Source: ISO/IEC 14496-12, track header box.
    a, b, _, c, d = (int(number) for number in np.frombuffer(bytes(cast("Buffer", data)), np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _Turn(down=_sign(d), along=_sign(a))
    return _Turn(is_transposed=True, down=_sign(b), along=_sign(c))


def _sign(number: int) -> int:
    return -1 if number < 0 else 1


# By quarter turns against the clock.
_TURNS_BY_ROTATION = {
    1: _Turn(is_transposed=True, down=-1),
    2: _Turn(down=-1, along=-1),
    3: _Turn(is_transposed=True, along=-1),
}


@lru_cache(maxsize=256)
def _layout_of(name: str) -> _Layout:
    pixels = VideoFormat(name, 16, 16)
    components = pixels.components
    bits = components[0].bits
    alone = all(component.plane != components[0].plane for component in components[1:])
    if pixels.has_palette or pixels.is_bit_stream or not alone or not _LEAST_BITS <= bits <= _MOST_BITS:
        raise PixelFormatError
    if not pixels.is_rgb and not components[0].is_luma:
        raise PixelFormatError
    dtype = np.dtype(np.uint8) if bits == _LEAST_BITS else np.dtype(">u2" if pixels.is_big_endian else "<u2")
    # P010 and its kin, which hardware decoders give, have their bits at the upper end.
    shift = _MOST_BITS - bits if name.startswith(("p0", "p2", "p4")) else 0
    return _Layout(dtype, bits, shift, pixels.is_rgb, pixels.is_rgb or name.startswith("yuvj"))


def _plane(frame: VideoFrame, index: int, layout: _Layout) -> Samples:
    plane = frame.planes[index]
    if plane.line_size < frame.width * layout.dtype.itemsize:
        raise PixelFormatError
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height]
    samples: Samples = lines[:, : frame.width * layout.dtype.itemsize].view(layout.dtype)
    return samples if samples.dtype.isnative else samples.astype(np.uint16)


def _luma_of_rgb(frame: VideoFrame, layout: _Layout) -> Samples:
    green, blue, red = (_plane(frame, index, layout) for index in range(3))
    luma: Samples = (_RED * red + _GREEN * green + _BLUE * blue).round().astype(green.dtype)
    return luma
