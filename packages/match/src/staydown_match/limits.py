"""How much of anything one file may take: every limit that decoding keeps to, as one value with safe defaults."""

from dataclasses import dataclass, fields

from staydown_match.types import InvalidValueError

SHARE_OF_TIME_TO_DECODE = 0.8
"""Videos and animations end by themselves after this share of the time, so that what they have is not lost."""

MOST_SECONDS = 1_000_000
"""Longer than any file is waited for, and still a time that every system call takes."""

_MOST = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may take. A number that is not over 0, or over 10^18 (seconds: 10^6), raises InvalidValueError.

    Kept to wherever a file is decoded; what is over them is left unread and said so in a problem "limit":

    max_pixels: of one picture or one frame. One of 100 million takes up to 1.5 GB of memory.
    max_picture_bytes: size of a picture file; some decoders hold the whole file in memory. Videos are read bit by bit.
    max_frames: pictures of one animation, pages of one document, frames of one video.
    max_hashes_per_minute: hashed frames of a video that are kept for each of its minutes.
    max_nesting: how deep boxes may lie in one another in the containers that are built of boxes (MP4, MOV, HEIC, AVIF,
        MKV, WebM, AVI, WebP). Real files have at most 11.
    time_s: seconds by the clock. Videos and animations stop by themselves after four fifths of them.

    Kept to by FingerprintPool only, whose workers the system kills when they go over one:

    time_s: a worker that has not answered by then is killed, whatever it is doing.
    cpu_s: seconds of processor time; reached before `time_s` only by a decoder that uses several cores at once.
    memory_bytes: what a worker may take beyond what it has before its first file.
    """

    max_pixels: int = 100_000_000
    max_picture_bytes: int = 1 << 30
    max_frames: int = 250_000
    max_hashes_per_minute: int = 1500
    max_nesting: int = 16
    time_s: float = 120.0
    cpu_s: int = 120
    memory_bytes: int = 2 << 30

    def __post_init__(self) -> None:
        for field in fields(self):
            value, most = getattr(self, field.name), MOST_SECONDS if field.name.endswith("_s") else _MOST
            if not value > 0:
                raise InvalidValueError(f"{field.name}: give a number over 0, not {value}")
            if value > most:
                raise InvalidValueError(f"{field.name}: give at most {most}, not {value}")

    @property
    def stop_after_s(self) -> float:
        """After how many seconds a video or an animation takes no further frame."""
        return self.time_s * SHARE_OF_TIME_TO_DECODE


DEFAULT_LIMITS = Limits()
