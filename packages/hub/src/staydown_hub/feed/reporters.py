"""Who may send receipts about which list, remembered for a moment: hundreds of filters of one key ask all the time."""

import hashlib
import time
from typing import TYPE_CHECKING, Final

from staydown_hub.feed.access import Asking, authenticated, list_for
from staydown_hub.feed.database import Database, KeyRow, ListRow

if TYPE_CHECKING:
    from staydown_hub.rules.callers import Origin

# A key that was revoked can send receipts for so long; they say something of its own filters only.
_REMEMBERED_S: Final = 2.0
_MAX_REMEMBERED: Final = 10_000

_Found = tuple[KeyRow, ListRow]


class Reporters:
    """Remembers who was let in, never who was refused: each refusal is looked up and put on record."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: dict[tuple[bytes, Origin, str], tuple[float, _Found]] = {}

    async def admitted(self, asking: Asking, slug: str) -> _Found:
        """Return the key and the list. Raises RefusedError as the other routes do."""
        asked = hashlib.sha256((asking.authorization or "").encode()).digest(), asking.origin, slug
        until_s, found = self._found.get(asked, (0.0, None))
        if found is not None and time.monotonic() < until_s:
            return found
        key = await authenticated(self._database, asking)
        fresh = key, await list_for(self._database, key, slug)
        if len(self._found) >= _MAX_REMEMBERED:
            self._found.clear()
        self._found[asked] = time.monotonic() + _REMEMBERED_S, fresh
        return fresh
