"""Receipts: this filter tells the hub how far it is, from a thread of its own, so that no entry waits for them."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from staydown_client.errors import HubError
from staydown_client.feed import Feed
from staydown_client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from staydown_client.errors import LogProblem
    from staydown_client.key import ApiKey

State: TypeAlias = Literal["live", "behind", "refused"]
LEAST_INTERVAL_S: Final = 3.0
LONGEST_INTERVAL_S: Final = 50.0
TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """How it stands: the last position in force (-1: none), and since when (seconds since 1970) it is live."""

    position: int
    state: State
    live_since_s: float | None = None
    problem: LogProblem | None = None

    def as_json(self, filter_id: str) -> Mapping[str, object]:
        """Return what is posted."""
        live = self.state == "live" and self.live_since_s is not None
        return {
            "filter": filter_id,
            "position": self.position,
            "live_since": _instant(self.live_since_s) if live and self.live_since_s is not None else None,
            "state": self.state,
            "problem": self.problem if self.state == "refused" else None,
        }


class Receipts:
    """Sends the newest receipt soon after it changed, and now and then when it did not; older ones are passed over."""

    def __init__(self, find_feed: Callable[[], str | None], key: ApiKey, *, list_name: str, filter_id: str) -> None:
        self._find_feed = find_feed
        self._key = key
        self._list = list_name
        self._filter_id = filter_id
        self._latest: Receipt | None = None
        self._sent: Receipt | None = None
        self._wake = threading.Condition()
        self._ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, name="staydown-receipts", daemon=True)
        self._thread.start()

    def note(self, receipt: Receipt) -> None:
        """Take the newest receipt; returns at once."""
        with self._wake:
            urgent = self._latest is None or (receipt.state, receipt.problem) != (
                self._latest.state,
                self._latest.problem,
            )
            self._latest = receipt
            if urgent:
                self._wake.notify()

    def stop(self) -> None:
        """Send what was not sent yet, if that is quick, and end."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(TIMEOUT_S)

    def send_now(self) -> None:
        """Send the newest receipt from the calling thread, once; a hub that does not take it is not asked again."""
        with self._wake:
            receipt = self._latest
        address = self._find_feed()
        if receipt is None or receipt == self._sent or address is None:
            return
        try:
            with Transport(address, self._key, read_timeout_s=TIMEOUT_S, deadline_s=TIMEOUT_S) as transport:
                Feed(transport, list_name=self._list).send_receipt(receipt.as_json(self._filter_id))
        except HubError:
            return
        self._sent = receipt

    def _run(self) -> None:
        sent_at = -LONGEST_INTERVAL_S
        is_ending = False
        while not is_ending:
            with self._wake:
                if not self._ending:
                    self._wake.wait(random.uniform(LEAST_INTERVAL_S, 2 * LEAST_INTERVAL_S))  # noqa: S311 - spreads load
                # Known before the newest receipt is looked at: what was noted before the end is sent, too.
                is_ending = self._ending
            if time.monotonic() - sent_at >= LONGEST_INTERVAL_S:
                self._sent = None
            if self._latest != self._sent:
                self.send_now()
                sent_at = time.monotonic()


def _instant(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
