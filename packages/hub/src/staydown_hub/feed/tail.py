"""The newest entries of each list, read once from the database for however many streams wait for them."""

import asyncio
from collections import defaultdict
from typing import Final

from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database, Entry, ListRow

PAGE_LENGTH: Final = 500
_KEPT_PAGES: Final = 4


class Tail:
    """Remembers a few pages of entries a list: entries never change, so a page once full is right for good."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._pages: defaultdict[str, dict[int, tuple[int, list[Entry]]]] = defaultdict(dict)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def entries(self, shared_list: ListRow, *, after: int) -> list[Entry]:
        """Return up to a page of the entries that follow position `after`; one query serves all who ask at once."""
        async with self._locks[shared_list.slug]:
            count = self._changes.count(shared_list.slug)
            pages = self._pages[shared_list.slug]
            read_at, page = pages.get(after, (-1, []))
            if len(page) < PAGE_LENGTH and read_at != count:
                page = await self._database.entries(shared_list, after=after, limit=PAGE_LENGTH)
                pages.pop(after, None)
                pages[after] = (count, page)
                while len(pages) > _KEPT_PAGES:
                    pages.pop(next(iter(pages)))
            return page
