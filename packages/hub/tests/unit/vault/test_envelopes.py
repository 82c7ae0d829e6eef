"""What is sealed opens for its own table, column and record, with its own ring, and for nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.vault.envelopes import Place, open_value, rewrap, seal
from staydown_hub.vault.errors import DoesNotOpenError, UnknownRingKeyError
from staydown_hub.vault.rings import FileRing

PLACE = Place("sighting", "1")
TEXT = "https://host.example/a.jpg"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> FileRing:
    made = FileRing(tmp_path_factory.mktemp("ring") / "ring")
    made.make()
    return made


@given(st.text(max_size=200))
def test_what_was_sealed_is_opened(ring: FileRing, text: str) -> None:
    sealed = seal(ring, PLACE, {"a": text, "b": "other"})
    assert open_value(ring, PLACE, key=sealed.key, column="a", value=sealed.values["a"]) == text
    assert text.encode() not in sealed.values["a"] or len(text) < 3


@pytest.mark.parametrize(
    ("place", "column"),
    [
        (Place("sighting", "2"), "a"),
        (Place("request", "1"), "a"),
        (PLACE, "b"),
        (Place("sighting", ""), "1"),
        (Place("sightin", "g1"), "a"),
    ],
)
def test_it_opens_nowhere_else(ring: FileRing, place: Place, column: str) -> None:
    sealed = seal(ring, PLACE, {"a": TEXT, "b": TEXT})
    with pytest.raises(DoesNotOpenError):
        open_value(ring, place, key=sealed.key, column=column, value=sealed.values["a"])


def test_another_records_key_does_not_open_it(ring: FileRing) -> None:
    sealed, other = seal(ring, PLACE, {"a": TEXT}), seal(ring, PLACE, {"a": TEXT})
    with pytest.raises(DoesNotOpenError):
        open_value(ring, PLACE, key=other.key, column="a", value=sealed.values["a"])


def test_any_bit_that_changed_is_noticed(ring: FileRing) -> None:
    sealed = seal(ring, PLACE, {"a": TEXT})
    value = sealed.values["a"]
    for place in range(len(value)):
        changed = bytes(byte ^ (at == place) for at, byte in enumerate(value))
        with pytest.raises(DoesNotOpenError):
            open_value(ring, PLACE, key=sealed.key, column="a", value=changed)
    for cut in (b"", value[:1], value[:13], value[:-1]):
        with pytest.raises(DoesNotOpenError):
            open_value(ring, PLACE, key=sealed.key, column="a", value=cut)
    for key in (b"", sealed.key[:5], sealed.key[:-1], b"\x02" + sealed.key[1:]):
        with pytest.raises(DoesNotOpenError):
            open_value(ring, PLACE, key=key, column="a", value=value)


def test_the_length_tells_little(ring: FileRing) -> None:
    lengths = {len(seal(ring, PLACE, {"a": "x" * count}).values["a"]) for count in range(64)}
    assert len(lengths) == 1


def test_the_same_text_is_never_sealed_alike(ring: FileRing) -> None:
    sealed = [seal(ring, PLACE, {"a": TEXT, "b": TEXT}) for _ in range(4)]
    assert len({value for one in sealed for value in (one.key, *one.values.values())}) == 12


def test_nothing_secret_is_printed(ring: FileRing) -> None:
    sealed = seal(ring, PLACE, {"a": TEXT})
    assert repr(sealed) == "Sealed()"
    assert repr(ring).startswith("FileRing(/")


def test_wrapped_anew_it_opens_with_the_new_key_alone(tmp_path: Path) -> None:
    ring = FileRing(tmp_path / "ring")
    ring.make()
    old = ring.newest
    sealed = seal(ring, PLACE, {"a": TEXT})
    fresh = ring.rotate()
    wrapped = rewrap(ring, PLACE, sealed.key)
    assert (sealed.key[1:5], wrapped[1:5]) == (old, fresh)
    (old_file,) = (tmp_path / "ring").glob(f"*-{old.hex()}.key")
    old_file.unlink()
    assert open_value(ring, PLACE, key=wrapped, column="a", value=sealed.values["a"]) == TEXT
    with pytest.raises(UnknownRingKeyError, match=old.hex()):
        open_value(ring, PLACE, key=sealed.key, column="a", value=sealed.values["a"])
