"""The other programs that hash pictures, each as a way from a file's path to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagehash
import numpy as np
import pdqhash
from PIL import Image
from threatexchange.signal_type.pdq.signal import PdqSignal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def threatexchange(path: Path) -> str:
    """Give PDQ's text of 64 digits as threatexchange finds it. Raises whatever Pillow does."""
    return str(PdqSignal.hash_from_file(path))


PEERS: dict[str, Callable[[Path], object]] = {
    "threatexchange": threatexchange,
    "pdqhash": lambda path: pdqhash.compute(np.asarray(Image.open(path).convert("RGB"))),
    "imagehash, phash of 64 bits": lambda path: imagehash.phash(Image.open(path)),
}
