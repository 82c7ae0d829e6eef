"""Histories of a list with what was done at each position, worked out simply; and what may become of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from packages.client.tests.conftest import admit, amend, item_id, withdraw
from packages.client.tests.made_log import MadeLog
from packages.client.tests.mischief import cut_short, failing, garbled, noise, truncated

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from staydown_client.view import ListView

    from packages.client.tests.hostile_hub import Mischief
    from packages.client.tests.made_log import Body

ITEMS = 6
OPERATIONS = ("admit", "amend", "withdraw", "redact")
BUNDLE = 4
"""So few records in a bundle that short histories have several."""


@dataclass
class History:
    """A log with what was done at each of its positions, worked out simply."""

    log: MadeLog = field(default_factory=MadeLog)
    done: list[tuple[str, int]] = field(default_factory=list)

    def in_force(self, size: int) -> set[int]:
        found: set[int] = set()
        for operation, item in self.done[:size]:
            if operation == "admit":
                found.add(item)
            elif operation != "amend":
                found.discard(item)
        return found

    def do(self, operation: str, item: int) -> None:
        """Do what the list's rules permit; pass over what they do not."""
        listed = item in self.in_force(len(self.done))
        texts = [n for n, (what, of) in enumerate(self.done) if of == item and what in {"admit", "amend"}]
        texts = [n for n in texts if self.log.records[n].body is not None]
        permitted = {"admit": not listed, "amend": listed, "withdraw": listed, "redact": bool(texts)}
        if not permitted[operation]:
            return
        if operation == "redact":
            self.log.redact(item_id(item), *texts)
        else:
            bodies: dict[str, Body] = {"admit": admit(item), "amend": amend(item), "withdraw": withdraw(item)}
            self.log.append(bodies[operation])
        self.done.append((operation, item))

    def fork(self, size: int, branch: int) -> History:
        size = min(size, len(self.done))
        return History(self.log.fork(size=size, branch=branch), self.done[:size])


def spoilt(kind: int, number: int) -> Mischief:
    return (garbled(number), truncated(1 + number), cut_short(number), noise(number * 7), failing())[kind]


def agreeing(histories: Sequence[History], verified: Sequence[tuple[int, bytes]]) -> list[History]:
    """Return the histories that all of these sizes and roots are on."""
    return [each for each in histories if all(n <= each.log.size and each.log.root(n) == root for n, root in verified)]


def found_in_force(view: ListView) -> tuple[int, set[int]]:
    """Return how many positions a reader knows, and which items it finds in force."""
    digests = [("sha256", item.to_bytes(32, "big")) for item in range(ITEMS)]
    looked = view.look_up(digests, np.zeros((0, 32), np.uint8))  # type: ignore[arg-type]  # a literal
    return looked.position + 1, {row for row, _ in looked.exact_hits}


def short_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client and the hub take so few records for a bundle."""
    for place in ("staydown_client.feed.BUNDLE_RECORDS", "staydown_client.download.BUNDLE_RECORDS"):
        monkeypatch.setattr(place, BUNDLE)
    monkeypatch.setattr("packages.client.tests.hostile_hub.BUNDLE", BUNDLE)
