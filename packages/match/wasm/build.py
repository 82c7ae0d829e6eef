# ruff: noqa: INP001 - a command of its own, beside what it builds; nothing imports it
"""Build the browser's module: the C++ of this package as WebAssembly, by the compiler in PyPI's `ziglang`.

`./staydown wasm staydown_match.wasm` runs this. There is no operating system and no C library in it: of the
C++ library only the headers are used, and exports.cpp has the few functions that they call.
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CPP = HERE.parent / "cpp"

# The compiler's own headers come between these two, where the C++ library's headers expect them.
_CPP_INCLUDES = ("libcxx/include", "libcxxabi/include")
_C_INCLUDES = (
    "libc/include/wasm-wasi-musl",
    "libc/include/generic-musl",
    "libc/include/any-wasi-any",
)
_LIBRARY_SETTINGS = (
    "_LIBCPP_ABI_VERSION=1",
    "_LIBCPP_ABI_NAMESPACE=__1",
    "_LIBCPP_HAS_THREADS=0",
    "_LIBCPP_HAS_MUSL_LIBC=1",
    "_LIBCPP_HAS_FILESYSTEM=0",
    "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
    "_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE",
    "_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_IGNORE",
    "_LIBCPP_PSTL_BACKEND_SERIAL",
    "__wasi__",  # only for the declarations in its headers, which are of no other system
    "NDEBUG",
)
_COMPILER_OPTIONS = (
    "-target",
    "wasm32-freestanding",
    "-std=c++20",
    "-O2",
    "-ffp-contract=off",  # a fused multiply-add would change bits of the hash, as in the other builds
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-Wall",
    "-Wextra",
    "-nostdlib",
    "-Wl,--no-entry",
    "-Wl,-z,stack-size=1048576",
    "-Wl,--strip-all",
)


class BuildError(Exception):
    """The module could not be built; the message has the compiler's words."""


def build(output: Path) -> None:
    """Write the module to `output`. Raises BuildError."""
    sources = sorted(CPP.glob("pdq*.cpp"))
    command = [sys.executable, "-m", "ziglang", "c++", *_COMPILER_OPTIONS, "-nostdinc", f"-I{CPP}"]
    library = _zig_library()
    command += [f"-I{library / include}" for include in _CPP_INCLUDES]
    command += [word for include in _C_INCLUDES for word in ("-isystem", str(library / include))]
    command += [f"-D{setting}" for setting in _LIBRARY_SETTINGS]
    command += [*map(str, sources), str(HERE / "exports.cpp"), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"zig says:\n{done.stderr}")


def _zig_library() -> Path:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise BuildError("the compiler is missing: pip install -r requirements/wasm.txt")
    return Path(spec.origin).parent / "lib"


def main() -> None:
    """Build to the path given."""
    parser = argparse.ArgumentParser(description="Build the browser's module from packages/match/cpp.")
    parser.add_argument("output", type=Path, metavar="FILE.wasm")
    options = parser.parse_args()
    try:
        build(options.output)
    except BuildError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
