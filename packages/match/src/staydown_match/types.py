"""The values that fingerprinting gives: immutable, comparable, checked when they are made."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

MAX_DISTANCE_BITS = 31
"""Two PDQ hashes at most this many bits apart are a match: the distance their makers advise."""

MIN_QUALITY = 50
"""A PDQ hash of lower quality says too little about its picture to be matched."""

PDQ_BYTES = 32
MAX_QUALITY = 100

Kind: TypeAlias = Literal["picture", "video"]
Mode: TypeAlias = Literal["publish", "scan", "scan-every-frame"]
Orientation: TypeAlias = Literal[
    "upright",
    "rotated_90",
    "rotated_180",
    "rotated_270",
    "mirrored",
    "flipped",
    "transposed",
    "transversed",
]
Variant: TypeAlias = Literal["whole", "trimmed"]
ProblemCode: TypeAlias = Literal["empty", "unsupported", "damaged", "truncated", "limit", "crashed", "busy"]


ORIENTATIONS: tuple[Orientation, ...] = get_args(Orientation)
"""The eight ways to see a picture: as it is, turned clockwise, mirrored left to right, upside down, at a diagonal."""


class InvalidValueError(ValueError):
    """A value given to this package is not what it takes; the message names the parameter and says what it takes."""


class NotAFileError(OSError):
    """What was to be fingerprinted is a device, a pipe or a socket."""

    def __init__(self) -> None:
        super().__init__("not a regular file: give a file, or read it yourself and use fingerprint_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class PdqHash:
    """A PDQ hash: 256 bits of which most stay the same when the picture is re-encoded or resized.

    `bits` is 32 bytes, the most significant first: `bits.hex()` is PDQ's official text of 64 digits. `quality` is 0 for
    a flat picture, at most 100. `variant` says whether the whole picture was hashed or what is left without its uniform
    borders and bars. `at_s` is the frame's time in a video or animation, in seconds; None for a picture.

    `orientations` is the hash of the picture in each of ORIENTATIONS, 32 bytes for each; empty when only the bits are
    known. It serves searches and is no part of the value: hashes of the same bits are equal.
    """

    bits: bytes
    quality: int
    variant: Variant = "whole"
    at_s: float | None = None
    orientations: bytes = field(default=b"", repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.bits) != PDQ_BYTES:
            raise InvalidValueError(f"bits: give {PDQ_BYTES} bytes, not {len(self.bits)}")
        if not 0 <= self.quality <= MAX_QUALITY:
            raise InvalidValueError(f"quality: give a number from 0 to {MAX_QUALITY}, not {self.quality}")
        if len(self.orientations) not in {0, PDQ_BYTES * len(ORIENTATIONS)}:
            wanted = PDQ_BYTES * len(ORIENTATIONS)
            raise InvalidValueError(f"orientations: give {wanted} bytes or none, not {len(self.orientations)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that kept a file from being read whole. `detail` is for people; it holds no path and no hash.

    empty: the file has no bytes. unsupported: no decoder here takes it. damaged: its content contradicts its format.
    truncated: it ends too early. limit: something in it was left unread because it is larger than we decode, or takes
    longer. crashed: the process that decoded it died. busy: it was not looked at, for too many others were waiting.
    """

    code: ProblemCode
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """All that is known of a file's content: its exact hashes, always, and its PDQ hashes where it could be decoded.

    `kind` and `media_type` are None when the content is of no type that is decoded here. The hashes are lower-case
    hexadecimal. `width` and `height` are pixels as the picture is meant to be seen (turned upright), None when it was
    not decoded. What was not read is in `problems`; who ignores them takes "could not look" for "found nothing".
    """

    kind: Kind | None
    media_type: str | None
    md5: str
    sha1: str
    sha256: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    pdq: tuple[PdqHash, ...] = ()
    problems: tuple[Problem, ...] = ()
