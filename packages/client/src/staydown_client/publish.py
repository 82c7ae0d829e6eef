"""What leaves this machine when a file is reported or assessed: its fingerprints in wire form, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.errors import StaydownError

if TYPE_CHECKING:
    from staydown_match import Fingerprints

    from staydown_client.hub import WireFingerprint


class NotPublishableError(StaydownError):
    """The file's fingerprints would mislead, or the hub has no place for them yet; nothing was sent."""


def wire_fingerprints(fingerprints: Fingerprints) -> list[WireFingerprint]:
    """Return every fingerprint in the form that the hub takes: exact ones first, each PDQ hash once."""
    exact: list[WireFingerprint] = [
        {"algorithm": "md5", "value": fingerprints.md5},
        {"algorithm": "sha1", "value": fingerprints.sha1},
        {"algorithm": "sha256", "value": fingerprints.sha256},
    ]
    best: dict[str, int] = {}
    for pdq in fingerprints.pdq:
        best[pdq.bits.hex()] = max(pdq.quality, best.get(pdq.bits.hex(), 0))
    return exact + [{"algorithm": "pdq", "value": value, "quality": quality} for value, quality in best.items()]


def publishable(fingerprints: Fingerprints) -> list[WireFingerprint]:
    """Return the wire form of a picture that was read whole; raise `NotPublishableError` for anything else."""
    if fingerprints.problems:
        problem = fingerprints.problems[0]
        raise NotPublishableError(f"{problem.code}: {problem.detail}; nothing was sent. Give a copy that opens whole.")
    if fingerprints.kind != "picture":
        raise NotPublishableError("not a picture: the hub takes pictures only; nothing was sent.")
    return wire_fingerprints(fingerprints)
