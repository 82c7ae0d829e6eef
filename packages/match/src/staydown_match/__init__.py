"""Fingerprints of media, and near-match search among fingerprints."""

from staydown_match.decode import MAX_PIXELS
from staydown_match.fingerprint import fingerprint_bytes, fingerprint_file
from staydown_match.hamming_index import HammingIndex, IndexConflictError, IndexFileError, IndexStats
from staydown_match.index import BruteForceIndex, Matches
from staydown_match.pdq import pdq_from_grey, pdq_from_rgb
from staydown_match.types import (
    MAX_DISTANCE_BITS,
    MIN_QUALITY,
    Fingerprints,
    InvalidValueError,
    NotAFileError,
    PdqHash,
    Problem,
)

__all__ = [
    "MAX_DISTANCE_BITS",
    "MAX_PIXELS",
    "MIN_QUALITY",
    "BruteForceIndex",
    "Fingerprints",
    "HammingIndex",
    "IndexConflictError",
    "IndexFileError",
    "IndexStats",
    "InvalidValueError",
    "Matches",
    "NotAFileError",
    "PdqHash",
    "Problem",
    "fingerprint_bytes",
    "fingerprint_file",
    "pdq_from_grey",
    "pdq_from_rgb",
]
