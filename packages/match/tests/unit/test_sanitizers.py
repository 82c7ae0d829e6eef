"""The C++ tests of the index and of PDQ under AddressSanitizer with UBSan; threads under ThreadSanitizer."""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

CPP = Path(__file__).parent.parent.parent / "cpp"
BUILD = CPP.parent / "build" / "sanitizers"
ADDRESSES = ("addresses", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
THREADS = ("threads", "-fsanitize=thread")
PLAIN = ("plain",)
PDQ_OPTIONS = ("-ffp-contract=off",)  # as it is always built: see CMakeLists.txt
VECTORS = Path(__file__).parent.parent / "vectors" / "pdq.json"


def sources_of_index() -> list[Path]:
    found = [*CPP.glob("hamming/*.cpp"), *CPP.glob("tests/hamming*.cpp")]
    return sorted([*found, CPP / "hamming_index.cpp", CPP / "brute_force_index.cpp"])


def sources_of_pdq() -> list[Path]:
    return sorted([*CPP.glob("pdq*.cpp"), CPP / "tests" / "pdq_test.cpp"])


def compile_one(source: Path, folder: Path, options: tuple[str, ...], headers: bytes) -> Path:
    """Compile a source unless that was done before with the same content."""
    content = sha256(headers + source.read_bytes() + " ".join(options).encode()).hexdigest()[:16]
    compiled = folder / f"{source.stem}-{content}.o"
    if not compiled.exists():
        unfinished = compiled.with_suffix(f".{os.getpid()}")
        command = ["g++", "-std=c++20", "-O1", "-g", *options, "-c", str(source), "-o", str(unfinished)]
        subprocess.run(command, check=True)
        unfinished.replace(compiled)
    return compiled


def build(name: str, sources: list[Path], *options: str) -> Path:
    """Give the test program back, built with the sanitizer and kept for the next time."""
    assert shutil.which("g++"), "g++ is missing: apt install g++"
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    headers = b"".join(path.read_bytes() for path in sorted(CPP.rglob("*.hpp")))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: compile_one(source, folder, options, headers), sources))
    program = folder / sha256(" ".join(map(str, objects)).encode()).hexdigest()[:16]
    if not program.exists():
        subprocess.run(["g++", *options, *map(str, objects), "-o", str(program), "-lpthread"], check=True)
    for old in set(folder.iterdir()) - {program, *objects}:
        old.unlink()
    return program


@pytest.mark.timeout(600)  # compiling everything for the first time is included
@pytest.mark.parametrize(
    ("sanitizer", "test"),
    [(ADDRESSES, "mix"), (ADDRESSES, "hostile"), (ADDRESSES, "threads"), (THREADS, "threads")],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_no_sanitizer_finds_fault(sanitizer: tuple[str, ...], test: str, tmp_path: Path) -> None:
    name, *options = sanitizer
    program = build(name, sources_of_index(), *options)
    done = subprocess.run([str(program), test, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the golden values as pdq_test reads them."""
    path = tmp_path_factory.mktemp("golden") / "vectors"
    names = ("picture", "height", "width", "channels", "seed", "pdq", "quality")
    vectors = json.loads(VECTORS.read_text())["vectors"]
    path.write_text("".join(" ".join(str(vector[name]) for name in names) + "\n" for vector in vectors))
    return path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("test", ["golden", "views", "trim"])
@pytest.mark.parametrize("sanitizer", [PLAIN, ADDRESSES], ids=lambda value: str(value[0]))
def test_pdq_reads_no_byte_outside_and_is_the_same_from_every_side(
    sanitizer: tuple[str, ...], test: str, golden: Path
) -> None:
    name, *options = sanitizer
    program = build(f"pdq-{name}", sources_of_pdq(), *options, *PDQ_OPTIONS)
    done = subprocess.run([str(program), test, str(golden)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]


def test_pdq_of_another_value_is_found_out(golden: Path, tmp_path: Path) -> None:
    other = tmp_path / "vectors"
    other.write_text(golden.read_text().replace(" 100\n", " 99\n", 1))
    program = build("pdq-plain", sources_of_pdq(), *PDQ_OPTIONS)
    done = subprocess.run([str(program), "golden", str(other)], capture_output=True, text=True, check=False)
    assert "hash.quality == quality" in done.stderr
    assert done.returncode != 0
