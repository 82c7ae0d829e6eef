"""A follower that takes nothing is cut off, and nobody else."""

import asyncio
import time
from pathlib import Path

import pytest
from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database, ListRow
from staydown_hub.feed.logs import _cut_off_if_stuck
from staydown_hub.feed.served import Sealing, ServedLog
from staydown_hub.feed.streams import Stream
from staydown_hub.sealing.keys import FileKeys


@pytest.mark.parametrize(("sending_for_s", "is_cut"), [(None, False), (29.0, False), (31.0, True)])
def test_only_who_takes_nothing_is_cut_off(tmp_path: Path, sending_for_s: float | None, *, is_cut: bool) -> None:
    asyncio.run(_one(tmp_path, sending_for_s, is_cut=is_cut))


async def _one(folder: Path, sending_for_s: float | None, *, is_cut: bool) -> None:
    sealing = Sealing(FileKeys(folder, origin="a"), origin="a", signing_folder=folder, log_folder=folder)
    shared_list = ListRow(id=None, slug="main", audience_kinds=())  # type: ignore[arg-type]  # never asked for
    nobody = Database("", is_checked=False)
    log = ServedLog(shared_list, database=nobody, requests=nobody, changes=Changes(), sealing=sealing)
    stream = Stream(log, "prefix", -1)
    stream.pushing = asyncio.create_task(asyncio.sleep(10))
    stream.sending_since = None if sending_for_s is None else time.monotonic() - sending_for_s
    _cut_off_if_stuck(stream)
    await asyncio.sleep(0)
    assert stream.pushing.cancelled() == is_cut
    stream.pushing.cancel()
