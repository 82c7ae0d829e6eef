"""What a fingerprint can be, and how it is written."""

import pytest
from staydown_hub.rules.fingerprints import Algorithm, BadFingerprintError, Fingerprint, distance_bits


@pytest.mark.parametrize(("algorithm", "length"), [("md5", 16), ("sha1", 20), ("sha256", 32), ("pdq", 32)])
def test_a_value_has_its_algorithms_length(algorithm: Algorithm, length: int) -> None:
    quality = 50 if algorithm == "pdq" else None
    assert Fingerprint(algorithm, bytes(length), quality).wire()["value"] == "00" * length
    for wrong in (0, length - 1, length + 1):
        with pytest.raises(BadFingerprintError, match="hex digits") as caught:
            Fingerprint(algorithm, bytes(wrong), quality)
        assert caught.value.field == "value"


@pytest.mark.parametrize("quality", [-1, 101, None])
def test_a_pdq_has_a_quality_from_0_to_100(quality: int | None) -> None:
    with pytest.raises(BadFingerprintError) as caught:
        Fingerprint("pdq", bytes(32), quality)
    assert caught.value.field == "quality"


def test_an_exact_fingerprint_has_no_quality() -> None:
    with pytest.raises(BadFingerprintError, match="pdq only"):
        Fingerprint("md5", bytes(16), 50)


def test_the_wire_form() -> None:
    assert Fingerprint("md5", bytes(range(16))).wire() == {"algorithm": "md5", "value": bytes(range(16)).hex()}
    assert Fingerprint("pdq", b"\xab" * 32, 70).wire() == {"algorithm": "pdq", "value": "ab" * 32, "quality": 70}


def test_a_fingerprint_is_not_printed() -> None:
    assert repr(Fingerprint("pdq", b"\xab" * 32, 70)) == "Fingerprint(pdq)"


def test_distance_counts_differing_bits() -> None:
    assert distance_bits(bytes(32), bytes(32)) == 0
    assert distance_bits(bytes(32), b"\xff" * 32) == 256
    assert distance_bits(b"\x0f" + bytes(31), b"\xf0" + bytes(31)) == 8
