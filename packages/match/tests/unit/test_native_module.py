"""The compiled module: its committed stub is the one it would generate, and its core needs no Python."""

import importlib
import inspect
import re
from pathlib import Path

import staydown_match
from staydown_match import _native

PACKAGE = Path(__file__).parent.parent.parent


def test_the_committed_stub_is_the_generated_one() -> None:
    stubgen = importlib.import_module("nanobind.stubgen")
    generator = stubgen.StubGen(_native)
    generator.put(_native)
    committed = (PACKAGE / "src" / "staydown_match" / "_native.pyi").read_text()
    assert committed == generator.get(), (
        "generate it again: python -m nanobind.stubgen -q -m staydown_match._native -o src/staydown_match/_native.pyi"
    )


def test_only_the_bindings_know_python() -> None:
    sources = [path for path in (PACKAGE / "cpp").rglob("*") if path.suffix in {".cpp", ".hpp"}]
    assert len(sources) > 3
    knowing = [path.name for path in sources if re.search(r"#include\s*[<\"](nanobind|Python\.h)", path.read_text())]
    assert knowing == ["bindings.cpp"]


def test_every_public_name_is_documented() -> None:
    for name in staydown_match.__all__:
        value = getattr(staydown_match, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name
            methods = vars(value).items() if inspect.isclass(value) else ()
            assert all(method.__doc__ for key, method in methods if inspect.isfunction(method) and key[0] != "_"), name
