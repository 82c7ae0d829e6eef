"""The C++ as WebAssembly, run in Node: the same bits as under Python for the same pixels, in every layout and size."""

import hashlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import ORIENTATIONS, PdqHash
from staydown_match._pixels import display_pixels
from staydown_match.decode import Frame
from staydown_match.frame_hashes import hashes_of

Pixels: TypeAlias = NDArray[np.uint8]

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[2]
VECTORS = PACKAGE / "tests" / "vectors" / "pdq.json"
LAYOUTS = {1: "grey", 3: "rgb", 4: "rgba"}
SIDES = [1, 2, 4, 5, 6, 63, 64, 65, 127, 128, 129, 130, 191, 255, 256, 257, 300, 511, 640, 900]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the module by the documented command."""
    path = tmp_path_factory.mktemp("wasm") / "staydown_match.wasm"
    command = [sys.executable, str(PACKAGE / "wasm" / "build.py"), str(path)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return path


def node(script: str, *arguments: Path) -> Any:  # noqa: ANN401 - whatever JSON the script prints
    """Run one of the scripts beside this file and read its answer."""
    program = shutil.which("node")
    if program is None:
        pytest.fail("node is missing; the browser's build is tried in it. Install it: apt install nodejs")
    command = [program, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def hashed_in_node(module: Path, pictures: list[Pixels], folder: Path) -> list[dict[str, Any]]:
    jobs = []
    for number, pixels in enumerate(pictures):
        file = folder / f"{number}.raw"
        file.write_bytes(pixels.tobytes())
        height, width, channels = pixels.shape
        jobs.append({"file": str(file), "width": width, "height": height, "layout": LAYOUTS[channels]})
    (folder / "jobs.json").write_text(json.dumps(jobs))
    answers: list[dict[str, Any]] = node("hash_files.mjs", module, folder / "jobs.json")
    return answers


def as_python_hashes(pixels: Pixels) -> dict[str, Any]:
    if pixels.shape[2] == 4:
        pixels = display_pixels(Image.fromarray(pixels))
    shown = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    whole, *trimmed = hashes_of(Frame(pixels=shown, width=shown.shape[1], height=shown.shape[0]))
    return as_json(whole) | {"trimmed": as_json(trimmed[0]) if trimmed else None}


def as_json(found: PdqHash) -> dict[str, Any]:
    turned = [found.orientations[start : start + 32].hex() for start in range(0, 8 * 32, 32)]
    return {"hex": found.bits.hex(), "quality": found.quality, "orientations": turned}


def test_it_asks_nothing_of_its_host(module: Path) -> None:
    """No import section: the module can compute, and can call nothing of the page."""
    data, position, sections = module.read_bytes(), 8, []
    assert data[:8] == b"\0asm\x01\0\0\0"
    while position < len(data):
        section, position = data[position], position + 1
        length, shift = 0, 0
        while True:
            byte, position = data[position], position + 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        sections.append(section)
        position += length
    assert 2 not in sections  # imports
    assert 7 in sections  # exports
    assert len(data) < 100_000


def test_golden_values_and_the_table_behind_them(module: Path) -> None:
    golden = json.loads(VECTORS.read_text())
    answer = node("golden.mjs", module, VECTORS)
    found = [(hashed["hex"], hashed["quality"]) for hashed in answer["hashes"]]
    assert found == [(vector["pdq"], vector["quality"]) for vector in golden["vectors"]]
    framed = [
        (hashed["trimmed"], vector["trimmed"])
        for hashed, vector in zip(answer["hashes"], golden["vectors"], strict=True)
        if "trimmed" in vector
    ]
    assert len(framed) >= 3
    assert [(hashed["hex"], hashed["quality"]) for hashed, _ in framed] == [(v["pdq"], v["quality"]) for _, v in framed]
    assert answer["orientations"] == list(ORIENTATIONS)
    matrix = np.array(answer["dctMatrix"], dtype="<f4")
    assert hashlib.sha256(matrix.tobytes()).hexdigest() == golden["dct_matrix_sha256"]


def test_the_golden_table_is_the_one_of_the_reference() -> None:
    """The reference computes each float from the C library's cosine; the golden digest is of these."""
    i, j = np.mgrid[1:17, 0:64]
    angle = np.pi / 2.0 / 64.0 * i.astype(np.float64) * (2 * j + 1)
    matrix = (np.float64(np.float32(np.sqrt(2.0 / 64.0))) * np.cos(angle)).astype("<f4")
    digest = hashlib.sha256(matrix.tobytes()).hexdigest()
    assert digest == json.loads(VECTORS.read_text())["dct_matrix_sha256"]


def test_random_sizes_have_the_same_bits(module: Path, tmp_path: Path) -> None:
    chance, numbers = random.Random(4), np.random.default_rng(4)  # noqa: S311 - repeatable on purpose
    pictures = []
    for channels in (1, 3, 4):
        for _ in range(25):
            shape = (chance.choice(SIDES), chance.choice(SIDES), channels)
            coarse = numbers.integers(0, 256, (shape[0] // 7 + 1, shape[1] // 9 + 1, channels))
            smooth = np.repeat(np.repeat(coarse, 7, axis=0), 9, axis=1)[: shape[0], : shape[1]]
            pictures.append(np.clip(smooth + numbers.integers(-9, 10, shape), 0, 255).astype(np.uint8))
    assert hashed_in_node(module, pictures, tmp_path) == [as_python_hashes(pixels) for pixels in pictures]


def test_photographs_have_the_same_bits(module: Path, photographs: dict[str, Pixels], tmp_path: Path) -> None:
    pictures = list(photographs.values())
    assert hashed_in_node(module, pictures, tmp_path) == [as_python_hashes(pixels) for pixels in pictures]


def test_pictures_in_frames_have_the_hash_of_what_is_inside(
    module: Path, photographs: dict[str, Pixels], tmp_path: Path
) -> None:
    pictures = [
        np.pad(photographs[name][:300, :400], ((20, 30), (0, 16), (0, 0)), constant_values=shade)
        for name, shade in (("coffee.png", 0), ("chelsea.png", 255), ("astronaut.png", 90))
    ]
    pictures += [np.ascontiguousarray(pixels[:, :, 1:2]) for pixels in pictures]
    answers = hashed_in_node(module, pictures, tmp_path)
    assert answers == [as_python_hashes(pixels) for pixels in pictures]
    assert all(answer["trimmed"] for answer in answers)


def test_a_large_picture_between_small_ones(module: Path, tmp_path: Path) -> None:
    """Memory grows and moves while a picture is hashed; what comes after is not disturbed."""
    numbers = np.random.default_rng(5)
    pictures = [numbers.integers(0, 256, (side, side + 3, 3), np.uint8) for side in (70, 3000, 70)]
    assert hashed_in_node(module, pictures, tmp_path) == [as_python_hashes(pixels) for pixels in pictures]


def test_pixels_that_do_not_fit_their_size_are_refused(module: Path, tmp_path: Path) -> None:
    file, jobs = tmp_path / "pixels.raw", tmp_path / "jobs.json"
    file.write_bytes(bytes(100 * 100 * 3))
    sizes = [(100, 100), (100, 101), (0, 100), (-100, -100), (99.5, 100), (100, 100)]
    jobs.write_text(json.dumps([{"file": str(file), "width": w, "height": h, "layout": "rgb"} for w, h in sizes]))
    answers = node("hash_files.mjs", module, jobs)
    assert [answer.get("error") for answer in answers] == [None, *["InvalidPixelsError"] * 4, None]
    assert answers[0] == answers[-1]
