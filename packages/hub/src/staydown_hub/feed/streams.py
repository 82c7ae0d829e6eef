"""One follower's stream: what it has not received yet, then each signed batch as it comes, with a heartbeat between."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from staydown_hub.feed.served import ServedLog

if TYPE_CHECKING:
    import asyncio

HEARTBEAT: Final = b": you have all there is\n\n"


@dataclass(slots=True, eq=False)
class Stream:
    """Yields the bytes of one follower's events until it falls behind, may no longer follow, or the process stops.

    It holds a position, not a queue: a slow follower costs no memory, and is told to catch up from tiles and bundles.
    """

    log: ServedLog
    key_prefix: str
    position: int
    is_ended: bool = False
    pushing: "asyncio.Task[None] | None" = None
    sending_since: float | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield events and, whenever there are none, one comment a heartbeat, the first at once."""
        beats, cosigned = -1, 0
        while not self.is_ended and self.log.state == "serving":
            found = self.log.recent.since(self.position)
            if found is None:
                yield _behind(self.log.recent.size)
                return
            data, self.position = found
            if data:
                yield data
            elif cosigned != self.log.cosigning.version:
                cosigned = self.log.cosigning.version
                if checkpoint := self.log.cosigning.newest():
                    yield _cosigned(checkpoint)
            elif beats != self.log.beats:
                beats = self.log.beats
                yield HEARTBEAT
            else:
                await self.log.news.wait()


def _cosigned(checkpoint: str) -> bytes:
    return b"event: checkpoint\ndata: %s\n\n" % json.dumps({"checkpoint": checkpoint}, ensure_ascii=False).encode()


def _behind(size: int) -> bytes:
    return b"event: behind\ndata: %s\n\n" % json.dumps({"size": size}, separators=(",", ":")).encode()
