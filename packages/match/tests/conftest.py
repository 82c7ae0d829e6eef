"""What many tests look at: photographs that packages ship, and the reference that PDQ must equal."""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from packages.match.tests.films import Studio

Pixels: TypeAlias = NDArray[np.uint8]
Reference: TypeAlias = Callable[[Pixels], tuple[str, int]]

PHOTOGRAPH_FOLDERS = (("skimage", "data"), ("sklearn", "datasets/images"))


def photograph_paths() -> list[Path]:
    """Find the pictures in scikit-image's and scikit-learn's data folders, without importing either package."""
    folders = []
    for package, folder in PHOTOGRAPH_FOLDERS:
        spec = importlib.util.find_spec(package)
        assert spec is not None, f"{package} is not installed: pip install -r requirements/pictures.txt"
        assert spec.submodule_search_locations is not None
        folders.append(Path(spec.submodule_search_locations[0], folder))
    return sorted(path for folder in folders for path in folder.iterdir() if path.suffix in {".png", ".jpg"})


@pytest.fixture(scope="session")
def photographs() -> dict[str, Pixels]:
    """Photographs as RGB by their file's name, decoded by Pillow alone."""
    paths = photograph_paths()
    assert len(paths) >= 25, "the packages ship fewer pictures than these tests count on"
    return {path.name: np.asarray(Image.open(path).convert("RGB")) for path in paths}


@pytest.fixture(scope="session")
def reference_pdq() -> Reference:
    """PyPI's `pdqhash` on RGB pixels: its hash as official text, and its quality."""
    pdqhash = importlib.import_module("pdqhash")

    def compute(pixels: Pixels) -> tuple[str, int]:
        bits, quality = pdqhash.compute(pixels)
        return np.packbits(bits.astype(np.uint8)).tobytes().hex(), quality

    return compute


@pytest.fixture(scope="session")
def studio(photographs: dict[str, Pixels]) -> Studio:
    """Where films are made of the photographs."""
    return Studio(photographs)
