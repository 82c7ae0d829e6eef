"""The safe corpus as a file: what is shipped is what its script makes, and a bad line is named by its field."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from staydown_hub.lists.corpus import read, shipped
from staydown_hub.lists.errors import BadCorpusError
from staydown_hub.rules.fingerprints import Fingerprint
from staydown_match import fingerprint_bytes

HEADER = "algorithm,value,quality,source\n"
SHA256, PDQ = "ab" * 32, "cd" * 32


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Load the script that makes the corpus."""
    place = Path(__file__).resolve().parents[3] / "corpus/make_safe_corpus.py"
    spec = importlib.util.spec_from_file_location("make_safe_corpus", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(script: ModuleType, source: str, data: bytes) -> set[Fingerprint]:
    lines = [",".join(row) + "\n" for row in script.rows_of(source, fingerprint_bytes(data))]
    return set(read([HEADER, *lines])[source])


def test_what_is_shipped_is_what_the_script_makes(script: ModuleType) -> None:
    """Of pictures made here the PDQs count: how a PNG is packed differs from one library to the next."""
    corpus = shipped()
    photographs = dict(script.photographs())
    assert len(photographs) == len(script.PHOTOGRAPHS)
    for source, data in photographs.items():
        assert made(script, source, data) == set(corpus[source])
    flat = dict(script.made_pictures())
    assert set(corpus) == {*photographs, *flat}
    for source, data in flat.items():
        assert {one for one in made(script, source, data) if not one.is_exact} == {
            one for one in corpus[source] if not one.is_exact
        }


def test_a_file_is_read_by_source() -> None:
    found = read([HEADER, f"sha256,{SHA256},,a logo\n", f"pdq,{PDQ},80,a logo\n", f"pdq,{PDQ},80,another\n"])
    assert found == {
        "a logo": [Fingerprint("sha256", b"\xab" * 32), Fingerprint("pdq", b"\xcd" * 32, 80)],
        "another": [Fingerprint("pdq", b"\xcd" * 32, 80)],
    }


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([], "line 1: header"),
        (["value,algorithm\n"], "line 1: header"),
        ([HEADER, f"sha256,{SHA256}\n"], "line 2: line"),
        ([HEADER, f"sha256,{SHA256},,a,b\n"], "line 2: line"),
        ([HEADER, f"photodna,{SHA256},,a\n"], "line 2: algorithm"),
        ([HEADER, f"sha256,{SHA256[2:]},,a\n"], "line 2: value"),
        ([HEADER, f"sha256,{SHA256.upper()},,a\n"], "line 2: value"),
        ([HEADER, f"sha256,{SHA256},,a\n", f"pdq,{PDQ},,a\n"], "line 3: quality"),
        ([HEADER, f"pdq,{PDQ},101,a\n"], "line 2: quality"),
        ([HEADER, f"sha256,{SHA256},7,a\n"], "line 2: quality"),
        ([HEADER, f"sha256,{SHA256},, \n"], "line 2: source"),
    ],
)
def test_a_bad_line_is_named_by_its_field(lines: list[str], named: str) -> None:
    with pytest.raises(BadCorpusError, match=named):
        read(lines)
