"""Makes the safe corpus that the hub ships: fingerprints of ordinary photographs and of blank and flat pictures.

The photographs are those that packages ship for everybody's use. `python packages/hub/corpus/make_safe_corpus.py`
writes `safe_corpus.csv` anew; a test makes it again and compares.
"""

import csv
import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from staydown_match import Fingerprints, fingerprint_bytes

CORPUS: Final = Path(__file__).resolve().parents[1] / "src/staydown_hub/lists/safe_corpus.csv"
# Those of the packages' photographs that the demo and the tests of the whole loop leave alone.
PHOTOGRAPHS: Final = (
    ("sklearn", "datasets/images/flower.jpg"),
    ("skimage", "data/moon.png"),
    ("skimage", "data/gravel.png"),
    ("skimage", "data/page.png"),
    ("skimage", "data/logo.png"),
    ("skimage", "data/color.png"),
    ("skimage", "data/clock_motion.png"),
)
_SIDES: Final = (1, 16, 256, 1024)
_GREYS: Final = (0, 128, 255)


def photographs() -> Iterator[tuple[str, bytes]]:
    """Yield the photographs with their names."""
    for package, name in PHOTOGRAPHS:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(location) / name
            if path.exists():
                yield f"{package} {path.name}", path.read_bytes()


def made_pictures() -> Iterator[tuple[str, bytes]]:
    """Yield flat pictures, ramps and chequers with their names: what blank pages, placeholders and test cards are."""
    for side in _SIDES:
        for grey in _GREYS:
            yield f"flat {grey} {side}x{side}", _png(np.full((side, side, 3), grey, dtype=np.uint8))
    ramp = np.linspace(0, 255, 256, dtype=np.uint8)
    across = np.broadcast_to(ramp, (256, 256))
    yield "ramp across", _png(np.repeat(across[:, :, None], 3, axis=2))
    yield "ramp down", _png(np.repeat(across.T[:, :, None], 3, axis=2))
    rows, columns = np.indices((256, 256))
    for side in (8, 32, 64):
        squares = (((rows // side + columns // side) % 2) * 255).astype(np.uint8)
        yield f"chequers of {side}", _png(np.repeat(squares[:, :, None], 3, axis=2))


def _png(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(written, "PNG")
    return written.getvalue()


def rows_of(source: str, found: Fingerprints) -> Iterator[tuple[str, str, str, str]]:
    """Yield the lines of one picture; a PDQ without features tells pictures apart from nothing and is left out."""
    yield "sha256", found.sha256, "", source
    yield "sha1", found.sha1, "", source
    yield "md5", found.md5, "", source
    for one in found.pdq:
        if one.quality >= 50:  # noqa: PLR2004 -- PDQ's own bound
            yield "pdq", one.bits.hex(), str(one.quality), source


def main() -> None:
    """Write the corpus."""
    with CORPUS.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("algorithm", "value", "quality", "source"))
        for source, data in (*photographs(), *made_pictures()):
            out.writerows(rows_of(source, fingerprint_bytes(data)))


if __name__ == "__main__":
    main()
