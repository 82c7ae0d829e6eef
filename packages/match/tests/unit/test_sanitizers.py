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
SANITIZERS = {
    "addresses": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "threads": ["-fsanitize=thread"],
}


def sources() -> list[Path]:
    found = [*CPP.glob("hamming/*.cpp"), *CPP.glob("tests/hamming*.cpp")]
    return sorted([*found, CPP / "hamming_index.cpp", CPP / "brute_force_index.cpp"])


def compile_one(source: Path, options: list[str], headers: bytes) -> Path:
    """Compile a source unless that was done before with the same content."""
    content = sha256(headers + source.read_bytes() + " ".join(options).encode()).hexdigest()[:16]
    compiled = BUILD / f"{source.stem}-{content}.o"
    if not compiled.exists():
        unfinished = compiled.with_suffix(f".{os.getpid()}")
        command = ["g++", "-std=c++20", "-O1", "-g", *options, "-c", str(source), "-o", str(unfinished)]
        subprocess.run(command, check=True)
        unfinished.replace(compiled)
    return compiled


@pytest.fixture(scope="session", params=list(SANITIZERS))
def program(request: pytest.FixtureRequest) -> Path:
    assert shutil.which("g++"), "g++ is missing: apt install g++"
    options = SANITIZERS[request.param]
    BUILD.mkdir(parents=True, exist_ok=True)
    headers = b"".join(path.read_bytes() for path in sorted(CPP.rglob("*.hpp")))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: compile_one(source, options, headers), sources()))
    built = BUILD / f"{request.param}-{sha256(' '.join(map(str, objects)).encode()).hexdigest()[:16]}"
    if not built.exists():
        for old in BUILD.glob(f"{request.param}-*"):
            old.unlink()
        subprocess.run(["g++", *options, *map(str, objects), "-o", str(built), "-lpthread"], check=True)
    return built


@pytest.mark.timeout(600)  # compiling everything for the first time is included
@pytest.mark.parametrize("test", ["mix", "threads", "hostile"])
def test_no_sanitizer_finds_fault(program: Path, test: str, tmp_path: Path) -> None:
    done = subprocess.run([str(program), test, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
