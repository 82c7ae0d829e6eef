"""The C++ tests of the index under AddressSanitizer with UBSan, and under ThreadSanitizer."""

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


def sources() -> list[Path]:
    found = [*CPP.glob("hamming/*.cpp"), *CPP.glob("tests/hamming*.cpp")]
    return sorted([*found, CPP / "hamming_index.cpp", CPP / "brute_force_index.cpp"])


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


def build(name: str, *options: str) -> Path:
    """Give the test program back, built with the sanitizer and kept for the next time."""
    assert shutil.which("g++"), "g++ is missing: apt install g++"
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    headers = b"".join(path.read_bytes() for path in sorted(CPP.rglob("*.hpp")))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: compile_one(source, folder, options, headers), sources()))
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
    program = build(*sanitizer)
    done = subprocess.run([str(program), test, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
