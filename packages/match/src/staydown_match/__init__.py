"""Fingerprints of media, and near-match search among fingerprints."""

from staydown_match.fingerprint import fingerprint_bytes, fingerprint_file
from staydown_match.hamming_index import HammingIndex, IndexConflictError, IndexFileError, IndexStats
from staydown_match.index import BruteForceIndex, Matches
from staydown_match.limits import Limits
from staydown_match.pdq import pdq_from_grey, pdq_from_rgb
from staydown_match.rescan import scan_closer_on_hit
from staydown_match.types import (
    MAX_DISTANCE_BITS,
    MIN_QUALITY,
    ORIENTATIONS,
    Fingerprints,
    InvalidValueError,
    NotAFileError,
    PdqHash,
    Problem,
)
from staydown_match.variants import VariantMatch, find_variants
from staydown_match.video_match import VideoMatch, VideoPart, match_videos
from staydown_match.workers import ClosedError, FingerprintPool, StartError

__all__ = [
    "MAX_DISTANCE_BITS",
    "MIN_QUALITY",
    "ORIENTATIONS",
    "BruteForceIndex",
    "ClosedError",
    "FingerprintPool",
    "Fingerprints",
    "HammingIndex",
    "IndexConflictError",
    "IndexFileError",
    "IndexStats",
    "InvalidValueError",
    "Limits",
    "Matches",
    "NotAFileError",
    "PdqHash",
    "Problem",
    "StartError",
    "VariantMatch",
    "VideoMatch",
    "VideoPart",
    "find_variants",
    "fingerprint_bytes",
    "fingerprint_file",
    "match_videos",
    "pdq_from_grey",
    "pdq_from_rgb",
    "scan_closer_on_hit",
]
