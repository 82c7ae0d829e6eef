"""A child process of `up`: started, looked after, asked whether it serves, and stopped."""

import http.client
import os
import subprocess
import sys
import time
from typing import Final, Self

from staydown_hub.commands.lifeline import end_with_parent
from staydown_hub.config.environment import Address

_STOP_TIMEOUT_S: Final = 15.0
# A child that dies this often in so short a time will not live: restarting it again would only hide that.
_MAX_RESTARTS: Final = 5
_RESTARTS_WITHIN_S: Final = 60.0
_ASK_TIMEOUT_S: Final = 5.0


class ChildFailedError(Exception):
    """A child that cannot be kept alive; the message names it."""


class Child:
    """One process, `staydown-hub WORD`, that is started again when it dies."""

    def __init__(self, word: str) -> None:
        self.word = word
        self._deaths: list[float] = []
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The process as it is now."""
        return self._process.pid

    def __enter__(self) -> Self:
        """Return the child; leaving stops it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the child."""
        self.stop()

    def revive(self) -> bool:
        """Start the process again if it died; tell whether it had. Raises ChildFailedError when that is too often."""
        status = self._process.poll()
        if status is None:
            return False
        now = time.monotonic()
        self._deaths = [one for one in self._deaths if now - one < _RESTARTS_WITHIN_S] + [now]
        if len(self._deaths) > _MAX_RESTARTS:
            raise ChildFailedError(f"`{self.word}` ends again and again (status {status}); what it said stands above.")
        self._process = self._start()
        return True

    def stop(self) -> None:
        """Ask the process to end, wait for it, and end it by force if it does not."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        parent = os.getpid()
        # Signals of the terminal go to its whole foreground group; a session of its own leaves the order to us.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "staydown_hub", self.word],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: end_with_parent(parent),  # noqa: PLW1509 -- this process has no other thread
        )


def answers(address: Address, path: str) -> bool:
    """Tell whether a child answers with 200 there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 -- compared, not bound
    connection = http.client.HTTPConnection(host, address.port, timeout=_ASK_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
