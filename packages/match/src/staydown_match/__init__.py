"""Fingerprints of media, and near-match search among fingerprints."""

from staydown_match.index import BruteForceIndex, Matches
from staydown_match.pdq import pdq_from_grey, pdq_from_rgb
from staydown_match.types import MAX_DISTANCE_BITS, MIN_QUALITY, Fingerprints, InvalidValueError, PdqHash, Problem

__all__ = [
    "MAX_DISTANCE_BITS",
    "MIN_QUALITY",
    "BruteForceIndex",
    "Fingerprints",
    "InvalidValueError",
    "Matches",
    "PdqHash",
    "Problem",
    "pdq_from_grey",
    "pdq_from_rgb",
]
