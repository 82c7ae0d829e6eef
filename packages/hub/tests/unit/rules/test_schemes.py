"""Law packs as files: every shipped code maps or says why it does not; of a bad one the field is named."""

import tomllib
from importlib import resources
from pathlib import Path

import pytest
from staydown_hub.rules.schemes import BadSchemeError, Scheme, UnknownCodeError, Vocabulary, read_scheme
from staydown_hub.schemes.catalogue import read

SHIPPED = read(None)
CODES = [(scheme, code) for scheme in SHIPPED.schemes for code in scheme.codes]
VOCABULARY = Vocabulary("there", "There", ("x", "y"))
PACK = """
scheme = "mine-1"
name = "Mine"
[axes]
first = ["A", "B"]
[[codes]]
code = "M1"
qualifies = true
axes = { first = "A" }
maps = { there = ["x"] }
[[codes]]
code = "M0"
qualifies = false
unmapped = { there = "Nothing to say." }
"""


def pack(text: str = PACK) -> Scheme:
    return read_scheme(text, file="mine-1.toml", vocabularies=[VOCABULARY])


@pytest.mark.parametrize(("scheme", "code"), CODES, ids=[f"{scheme.slug} {code.code}" for scheme, code in CODES])
def test_every_shipped_code_maps_or_says_why_not(scheme: Scheme, code: object) -> None:
    known = next(one for one in scheme.codes if one is code)
    for vocabulary in SHIPPED.vocabularies:
        terms, why_not = known.maps.get(vocabulary.slug, ()), known.unmapped.get(vocabulary.slug, "")
        assert bool(terms) != bool(why_not), vocabulary.slug
        assert set(terms) <= set(vocabulary.terms)
        assert not why_not or why_not.endswith(".")
    assert known.qualifies or not known.maps, "what does not qualify is nothing elsewhere"
    assert all(value in scheme.axes[name] for name, value in known.axes.items())


def test_the_shipped_schemes_and_vocabularies_are_these() -> None:
    assert {one.slug for one in SHIPPED.vocabularies} == {"interpol", "a1b2", "xarf", "dsa", "kr"}
    assert {one.slug for one in SHIPPED.schemes} == {"baseline-1", "kr-1"}
    baseline = [one.code for one in SHIPPED.all_named() if one.scheme == "baseline-1"]
    assert baseline == ["A1", "A2", "B1", "B2", "NCII", "TEST", "NONE"]


def test_every_term_of_a_vocabulary_is_some_codes() -> None:
    """A term that nothing maps to is a code that was forgotten; the exceptions are said here."""
    used = {(name, term) for _, code in CODES for name, terms in code.maps.items() for term in terms}
    unused = {(one.slug, term) for one in SHIPPED.vocabularies for term in one.terms} - used
    assert unused == {("xarf", "content/csam/baseline"), ("dsa", "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE")}


def test_shipped_packs_hold_codes_and_references_only() -> None:
    """Longer texts would be descriptions: a reason is one sentence, a term and a name a few words."""
    for file in (one for one in resources.files("staydown_hub.schemes").iterdir() if one.name.endswith(".toml")):
        for code in tomllib.loads(file.read_text())["codes"]:
            assert all(len(text) <= 80 for text in code.get("unmapped", {}).values())
            assert code.keys() <= {"code", "qualifies", "axes", "maps", "unmapped"}


def test_a_code_is_found_with_its_scheme() -> None:
    assert SHIPPED.named("A1").scheme == "baseline-1"
    assert not SHIPPED.named("KR-NONE", scheme="kr-1").qualifies
    for code, scheme in (("A1", "kr-1"), ("a1", None), ("", None), ("A1 ", None)):
        with pytest.raises(UnknownCodeError):
            SHIPPED.named(code, scheme=scheme)


@pytest.mark.parametrize(
    ("part", "other", "said"),
    [
        ('scheme = "mine-1"', "", "mine-1.toml: scheme: is missing"),
        ('scheme = "mine-1"', 'scheme = "Mine 1"', "mine-1.toml: scheme: does not consist of"),
        ('name = "Mine"', 'name = "Mine"\ncolour = "red"', "mine-1.toml: colour: is not a field here"),
        ('code = "M1"', 'code = "M 1"', "mine-1.toml: code 1: code: does not consist of"),
        ('code = "M1"', 'code = "M0"', "mine-1.toml: codes: names M0 twice"),
        ("qualifies = true", "", r"code 1 \(M1\): qualifies: is missing"),
        ("qualifies = true", 'qualifies = "yes"', r"code 1 \(M1\): qualifies: is missing"),
        ("qualifies = true", "qualifies = false", "mine-1.toml: codes: needs one that qualifies"),
        ('axes = { first = "A" }', 'axes = { first = "C" }', r"code 1 \(M1\), axes: first: is none of A, B"),
        ('axes = { first = "A" }', 'axes = { second = "A" }', r"code 1 \(M1\), axes: second: is not a field here"),
        ('first = ["A", "B"]', 'first = ["A", "A"]', "axes: first: is not an axis"),
        ('maps = { there = ["x"] }', "", r"code 1 \(M1\): maps.there: or unmapped.there: one of the two is needed"),
        (
            'maps = { there = ["x"] }',
            'maps = { there = ["x"] }\nunmapped = { there = "Both." }',
            r"code 1 \(M1\): maps.there: or unmapped.there",
        ),
        ('["x"] }', '["z"] }', r"code 1 \(M1\), maps: there: names no term"),
        ('["x"] }', "[] }", r"code 1 \(M1\), maps: there: names no term"),
        ('["x"] }', '["x"], nowhere = ["x"] }', r"code 1 \(M1\), maps: nowhere: is not a field here"),
        ('"Nothing to say."', '""', r"code 2 \(M0\), unmapped: there: is missing"),
        ("[axes]", "[axes", "mine-1.toml: this is not TOML"),
    ],
)
def test_a_bad_pack_is_refused_by_file_and_field(part: str, other: str, said: str) -> None:
    assert pack().codes[0].maps == {"there": ("x",)}
    with pytest.raises(BadSchemeError, match=said):
        pack(PACK.replace(part, other, 1))


def in_folder(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_a_folder_adds_schemes_and_vocabularies_without_code(tmp_path: Path) -> None:
    """A vocabulary of one's own asks something of every code, also of those that are shipped."""
    unmapped = "\n".join(f'{one.slug} = "Not said."' for one in SHIPPED.vocabularies)
    text = PACK.replace('maps = { there = ["x"] }', f"[codes.unmapped]\n{unmapped}")
    text = text.replace('unmapped = { there = "Nothing to say." }', f"[codes.unmapped]\n{unmapped}")
    found = read(in_folder(tmp_path, "mine-1.toml", text))
    assert found.named("M1").scheme == "mine-1"
    assert len(found.schemes) == len(SHIPPED.schemes) + 1
    in_folder(tmp_path / "vocabularies", "there.toml", 'vocabulary = "there"\nname = "There"\nterms = ["x"]\n')
    with pytest.raises(BadSchemeError, match=r"baseline-1.toml: code 1 \(A1\): maps.there: or unmapped.there"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('scheme = "baseline-1"', "scheme baseline-1: two files describe it"),
        ('code = "NONE"', "code NONE: baseline-1 and mine-1 do not agree whether it qualifies"),
    ],
)
def test_a_folder_cannot_change_what_is_known(tmp_path: Path, text: str, said: str) -> None:
    unmapped = ", ".join(f'{one.slug} = "Not said."' for one in SHIPPED.vocabularies)
    made = PACK.replace('maps = { there = ["x"] }', f"unmapped = {{ {unmapped} }}")
    made = made.replace('unmapped = { there = "Nothing to say." }', f"unmapped = {{ {unmapped} }}")
    made = made.replace('scheme = "mine-1"' if "scheme" in text else 'code = "M1"', text)
    with pytest.raises(BadSchemeError, match=said):
        read(in_folder(tmp_path, "mine-1.toml", made))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSchemeError, match="STAYDOWN_SCHEMES names no folder"):
        read(tmp_path / "missing")
    in_folder(tmp_path, "bad.toml", "").joinpath("bad.toml").write_bytes(b"\xff")
    with pytest.raises(BadSchemeError, match=r"bad\.toml: cannot be read as UTF-8"):
        read(tmp_path)
