"""What happens to a picture on its way through the net, as functions from a picture to the file that is met later."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Image.Image], Image.Image]

_QUALITY = 80
_QUALITY_BEFORE_THE_CUT = 90
_WHITE, _BLACK, _GREY = (255, 255, 255), (0, 0, 0), (24, 26, 32)


def as_jpeg(picture: Image.Image, quality: int = _QUALITY) -> bytes:
    """Encode as most uploads are."""
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def _cut_off(kept: float) -> Callable[[Image.Image], bytes]:
    def changed(picture: Image.Image) -> bytes:
        data = as_jpeg(picture, _QUALITY_BEFORE_THE_CUT)
        return data[: int(len(data) * kept)]

    return changed


def _resized(factor: float) -> Change:
    return lambda picture: picture.resize((round(picture.width * factor), round(picture.height * factor)))


def _bordered(share: float, colour: tuple[int, int, int]) -> Change:
    return lambda picture: ImageOps.expand(picture, round(min(picture.size) * share), colour)


def _letterboxed(picture: Image.Image) -> Image.Image:
    side = round(max(picture.size) * 1.1)
    canvas = Image.new("RGB", (side, side))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas


def _text(
    picture: Image.Image, at: tuple[float, float], words: str, height: float, colour: tuple[int, int, int]
) -> None:
    font = ImageFont.load_default(size=height)
    ImageDraw.Draw(picture).text(at, words, fill=colour, font=font)


def _caption_bar(picture: Image.Image) -> Image.Image:
    bar = round(picture.height * 0.16)
    canvas = Image.new("RGB", (picture.width, picture.height + bar), _WHITE)
    canvas.paste(picture, (0, bar))
    _text(canvas, (picture.width * 0.04, bar * 0.12), "When the weekend is over", bar * 0.32, _BLACK)
    _text(canvas, (picture.width * 0.04, bar * 0.52), "and it rains anyway", bar * 0.32, _BLACK)
    return canvas


def _text_over(picture: Image.Image) -> Image.Image:
    changed = picture.copy()
    _text(changed, (picture.width * 0.06, picture.height * 0.82), "Greetings from here", picture.height * 0.1, _WHITE)
    return changed


def _screenshot(picture: Image.Image) -> Image.Image:
    """Show the picture on a telephone: a status bar, a bar of an application, buttons under it."""
    width = picture.width
    top, bar, below = round(width * 0.06), round(width * 0.13), round(width * 0.3)
    canvas = Image.new("RGB", (width, top + bar + picture.height + below), _WHITE)
    canvas.paste(_GREY, (0, 0, width, top))
    _text(canvas, (width * 0.03, top * 0.15), "09:41", top * 0.6, _WHITE)
    _text(canvas, (width * 0.05, top + bar * 0.25), "Pictures", bar * 0.4, _BLACK)
    canvas.paste(picture, (0, top + bar))
    for number in range(4):
        left, up = width * (0.08 + 0.24 * number), canvas.height - below * 0.65
        ImageDraw.Draw(canvas).ellipse((left, up, left + below * 0.3, up + below * 0.3), outline=_GREY, width=3)
    return canvas


def _logo(share_of_side: float) -> Change:
    def changed(picture: Image.Image) -> Image.Image:
        result = picture.copy()
        side = round(min(picture.size) * share_of_side)
        left, top = picture.width - side - side // 5, picture.height - side - side // 5
        draw = ImageDraw.Draw(result)
        draw.ellipse((left, top, left + side, top + side), fill=(210, 30, 40))
        draw.rectangle((left + side * 0.3, top + side * 0.3, left + side * 0.7, top + side * 0.7), fill=_WHITE)
        return result

    return changed


def _cropped(share_of_each_edge: float) -> Change:
    def changed(picture: Image.Image) -> Image.Image:
        across, down = round(picture.width * share_of_each_edge), round(picture.height * share_of_each_edge)
        return picture.crop((across, down, picture.width - across, picture.height - down))

    return changed


def _rotated(degrees: float) -> Change:
    return lambda picture: picture.rotate(degrees, Image.Resampling.BICUBIC)


def _noisy(picture: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 12, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "re-encoded, JPEG quality 50": lambda picture: as_jpeg(picture, 50),
    "re-encoded, JPEG quality 20": lambda picture: as_jpeg(picture, 20),
    "file cut off at 98%": _cut_off(0.98),
    "file cut off at 95%": _cut_off(0.95),
    "file cut off at 90%": _cut_off(0.9),
    **{
        name: lambda picture, change=change: as_jpeg(change(picture))  # type: ignore[misc]  # mypy cannot name its type
        for name, change in {
            "resized to 50%": _resized(0.5),
            "resized to 25%": _resized(0.25),
            "resized to 150%": _resized(1.5),
            "grey": lambda picture: picture.convert("L"),
            "brighter by 30%": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
            "darker by 30%": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
            "more contrast, 40%": lambda picture: ImageEnhance.Contrast(picture).enhance(1.4),
            "noise": _noisy,
            "mirrored": ImageOps.mirror,
            "upside down": ImageOps.flip,
            "rotated by 90": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
            "rotated by 180": lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
            "mirrored, resized to 50%": lambda picture: ImageOps.mirror(picture).resize(
                (picture.width // 2, picture.height // 2)
            ),
            "inverted": ImageOps.invert,
            "inverted and mirrored": lambda picture: ImageOps.invert(ImageOps.mirror(picture)),
            "border 2%, black": _bordered(0.02, _BLACK),
            "border 5%, white": _bordered(0.05, _WHITE),
            "bars, letterbox": _letterboxed,
            "bars and mirrored": lambda picture: _letterboxed(ImageOps.mirror(picture)),
            "caption in a bar": _caption_bar,
            "screenshot": _screenshot,
            "text over the picture": _text_over,
            "logo of 10%": _logo(0.1),
            "logo of 20%": _logo(0.2),
            "cropped by 1% an edge": _cropped(0.01),
            "cropped by 2% an edge": _cropped(0.02),
            "cropped by 5% an edge": _cropped(0.05),
            "rotated by 1 degree": _rotated(1),
            "rotated by 2 degrees": _rotated(2),
        }.items()
    },
}
