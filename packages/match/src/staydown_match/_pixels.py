"""A decoded picture as people see it: red, green and blue of 8 bits, upright, over white where it is transparent."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

Pixels: TypeAlias = NDArray[np.uint8]

UNTRANSLATED_MODES = {"I", "F", "LAB"}
"""Pixels that have no fixed black and white (32-bit and floating-point numbers) or need a colour profile."""

WHITE = 255
WHITE_IS_ZERO = 0


class UntranslatedModeError(Exception):
    """The picture was decoded, but what its numbers look like is not defined without a guess."""


def display_pixels(image: Image.Image) -> Pixels:
    """Give the pixels of a loaded picture as they lie in the file: uint8 (height, width, 3), grey (height, width).

    Transparency is seen over white, the background of nearly every page and viewer that a stranger's picture is shown
    on, and what PDQ's users see when they convert. Raises UntranslatedModeError.
    """
    if image.mode in UNTRANSLATED_MODES:
        raise UntranslatedModeError
    if image.mode.startswith("I;16"):
        return _grey_of_16_bits(image)
    if image.has_transparency_data:
        return _over_white(_converted(image, "RGBA"))
    return np.asarray(_converted(image, "L" if image.mode == "1" else image.mode if image.mode == "L" else "RGB"))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """Spare the copy that `convert` makes even of what needs none: 400 MB of a picture of the largest size."""
    return image if image.mode == mode else image.convert(mode)


def _over_white(image: Image.Image) -> Pixels:
    canvas = Image.new("RGB", image.size, (WHITE, WHITE, WHITE))
    canvas.paste(image, mask=image.getchannel("A"))
    return np.asarray(canvas)


def _grey_of_16_bits(image: Image.Image) -> Pixels:
    """Keep the upper 8 bits, as Pillow does for colour. Its own conversion of grey turns everything over 255 white."""
    values = np.asarray(image)
    bits, grey = 16, values
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(Tag.BitsPerSample, (bits,))[0]
        if image.tag_v2.get(Tag.PhotometricInterpretation) == WHITE_IS_ZERO:
            grey = (1 << bits) - 1 - values
    grey_8 = (grey >> (bits - 8)).astype(np.uint8)
    grey_8[values == image.info.get("transparency")] = WHITE
    return grey_8


_TURNS: dict[object, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}


ON_ITS_SIDE = (5, 6, 7, 8)
"""The EXIF orientations in which the width that is seen is the height that is stored."""


_WHERE_ORIENTATION_STANDS = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type APP1"}
"""Pillow looks for it in these entries (a TIFF's tags apart), and takes its time to look in vain."""


def orientation_of(image: Image.Image) -> int:
    """Read the EXIF orientation of a loaded picture: 1 is upright, and so is what is none of the eight.

    A TIFF is turned by its decoder, a HEIC too: theirs are 1.
    """
    if not isinstance(image, TiffImageFile) and not _WHERE_ORIENTATION_STANDS & image.info.keys():
        return 1
    orientation = image.getexif().get(Tag.Orientation)
    return orientation if isinstance(orientation, int) and orientation in _TURNS else 1


def turned_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror `pixels` as an EXIF orientation says, without copying them."""
    turn = _TURNS.get(orientation)
    return turn(pixels) if turn else pixels
