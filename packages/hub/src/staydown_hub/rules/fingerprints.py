"""What a fingerprint is: an algorithm, a value of the right length, and for PDQ a quality."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

ExactAlgorithm = Literal["sha256", "sha1", "md5"]
Algorithm = Literal["sha256", "sha1", "md5", "pdq"]

ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)
# Strongest first: the order in which an item is looked for.
EXACT_ALGORITHMS: Final[tuple[ExactAlgorithm, ...]] = get_args(ExactAlgorithm)
VALUE_BYTES: Final[dict[Algorithm, int]] = {"sha256": 32, "sha1": 20, "md5": 16, "pdq": 32}

# PDQ's published matching threshold and the quality below which its hashes are not matched.
MAX_DISTANCE_BITS: Final = 31
MIN_QUALITY: Final = 50
MAX_QUALITY: Final = 100

# So many frames of a video are looked for, evenly chosen: the time that this takes grows with them.
_FRAMES_ASKED: Final = 64


class BadFingerprintError(ValueError):
    """A fingerprint that cannot be; ``field`` names the part of its wire form that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, order=True)
class Fingerprint:
    """One fingerprint: ``value`` is its raw bytes, ``quality`` 0-100 for PDQ and None otherwise."""

    algorithm: Algorithm
    value: bytes
    quality: int | None = None

    def __post_init__(self) -> None:
        if len(self.value) != VALUE_BYTES[self.algorithm]:
            raise BadFingerprintError(
                "value", f"A {self.algorithm} value is {2 * VALUE_BYTES[self.algorithm]} hex digits."
            )
        if (self.quality is not None) != (self.algorithm == "pdq"):
            raise BadFingerprintError("quality", "Give a quality for pdq, and for pdq only.")
        if self.quality is not None and not 0 <= self.quality <= MAX_QUALITY:
            raise BadFingerprintError("quality", "A quality is a whole number from 0 to 100.")

    def __repr__(self) -> str:
        """Leave the value out: a fingerprint never appears in a log or traceback."""
        return f"Fingerprint({self.algorithm})"

    @property
    def is_exact(self) -> bool:
        """Tell whether equal values mean equal files."""
        return self.algorithm != "pdq"

    def wire(self) -> dict[str, str | int]:
        """Return the JSON form used everywhere: lower-case hex, and the quality of a PDQ."""
        form: dict[str, str | int] = {"algorithm": self.algorithm, "value": self.value.hex()}
        return form if self.quality is None else {**form, "quality": self.quality}


def distance_bits(left: bytes, right: bytes) -> int:
    """Return the Hamming distance of two values of equal length, in bits."""
    return (int.from_bytes(left) ^ int.from_bytes(right)).bit_count()


@dataclass(frozen=True, slots=True)
class AskedNear:
    """What a file is looked for by when no exact fingerprint is known, and how much of it an item must be near to."""

    values: tuple[bytes, ...]
    least_near: int


def asked_near(kind: str, fingerprints: Collection[Fingerprint]) -> AskedNear:
    """Return the PDQs that a file of this kind is looked for by; none when no one of them is good enough.

    A picture is near an item when one of its hashes is; a video when at least half of its frames are: different videos
    share a title or a blank wall. The same one, or a clip of it, shares most of what it shows.
    """
    good = [one.value for one in fingerprints if one.quality is not None and one.quality >= MIN_QUALITY]
    values = tuple(dict.fromkeys(good))
    if kind != "video":
        return AskedNear(values, least_near=1)
    values = values[:: -(-len(values) // _FRAMES_ASKED) or 1]
    return AskedNear(values, least_near=-(-len(values) // 2))
