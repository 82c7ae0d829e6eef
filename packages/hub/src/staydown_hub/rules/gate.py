"""The benign gate: what is known to be harmless, or says too little, goes on no list before people have looked.

A list that refuses a well-known picture or a blank page silences everybody. Two organisations can be wrong at once:
about the file that they sent, about a picture that looks alike, or about a page that has no features at all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from staydown_hub.rules.fingerprints import MIN_QUALITY, Fingerprint

MINIMUM_OVERRULERS: Final = 2


@dataclass(frozen=True, slots=True)
class Near:
    """A fingerprint that would be listed is, or is within 31 bits of, this row of the safe corpus."""

    fingerprint: Fingerprint
    safe: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Why the gate stops an admission: rows of the safe corpus, or that no fingerprint says enough."""

    hits: frozenset[int] = frozenset()
    low_quality: bool = False

    @property
    def stops(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.hits) or self.low_quality

    def beyond(self, overruled: Collection["Finding"]) -> "Finding":
        """Return what people have not overruled."""
        hits = frozenset(hit for one in overruled for hit in one.hits)
        return Finding(self.hits - hits, self.low_quality and not any(one.low_quality for one in overruled))


def finding(
    *, kind: str, listed: Collection[Fingerprint], near: Collection[Near], known: Collection[Fingerprint]
) -> Finding:
    """Return what the gate finds in an entry that would list ``listed``, of an item with the fingerprints ``known``.

    Of a video the hits by PDQ count only when half of its frames are safe ones: videos share titles and blank walls.
    Quality is low when the item has PDQs and none of them is good enough to be compared.
    """
    frames = {one.value for one in listed if not one.is_exact}
    safe_frames = {one.fingerprint.value for one in near if not one.fingerprint.is_exact}
    counts = kind == "picture" or (bool(frames) and 2 * len(safe_frames) >= len(frames))
    qualities = [one.quality or 0 for one in known if not one.is_exact]
    return Finding(
        hits=frozenset(one.safe for one in near if one.fingerprint.is_exact or counts),
        low_quality=bool(qualities) and max(qualities) < MIN_QUALITY,
    )


def is_overruled(overrulers: Collection[tuple[object, object]]) -> bool:
    """Tell whether enough people, each of another organisation, overrule a stop; each is given with theirs."""
    return len({organisation for _, organisation in overrulers}) >= MINIMUM_OVERRULERS
