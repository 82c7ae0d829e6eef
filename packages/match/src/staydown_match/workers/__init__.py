"""Decoding in processes of its own, so that a hostile file costs its own result and nothing else."""

from staydown_match.workers.places import ClosedError
from staydown_match.workers.pool import FingerprintPool
from staydown_match.workers.processes import StartError

__all__ = ["ClosedError", "FingerprintPool", "StartError"]
