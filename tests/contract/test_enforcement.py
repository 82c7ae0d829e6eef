"""A real filter's receipts at the real hub: how many of a platform's filters enforce an entry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.members import Cast, Uploads

PATIENCE_S = 60


def enforcing(cast: Cast, position: int) -> int:
    """Return how many of the platform's filters have this entry; the filters of other tests have stopped before it."""
    address = f"{cast.police.hub.url}/api/v1/lists/main/enforcement?position={position}"
    status, told = cast.police.call("GET", address)
    assert status == 200, told
    return sum(one["enforcing"] for one in told["entry"]["organisations"] if one["organisation"] == "platform")


def test_the_hub_knows_that_a_filter_enforces_an_entry(uploads: Uploads, cast: Cast, picture: Path) -> None:
    cast.centre.report(picture)
    [entry] = cast.police.assess(picture)["standing"]["entries"]
    until = time.monotonic() + PATIENCE_S
    while not enforcing(cast, entry["position"]):
        assert time.monotonic() < until, "a receipt says that the filter has the entry"
        time.sleep(0.2)
    assert enforcing(cast, entry["position"]) == 1
    assert uploads.check(picture)["action"] == "block"
