"""A batch over a real connection: sent and read at the same time, as far as the hub lives."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from packages.hub.tests.factories import report_body
from packages.hub.tests.integration.commands.running import RunningHub

_ANSWER_TIMEOUT_S = 60.0


def rows(name: str, *, count: int) -> bytes:
    """Return a batch of made-up files, a line each; every tenth has an assessment."""
    made = []
    for number in range(count):
        body = report_body(f"{name}-{number}", code=None if number % 10 else "TEST")
        made.append({**body, "sightings": body["sightings"] if number % 3 else [], "reference": f"{name}-{number}"})
    return b"".join(json.dumps(one).encode() + b"\n" for one in made)


def send_batch(
    hub: RunningHub, key: str, body: bytes, *, told: Callable[[dict[str, Any]], None] = lambda _answer: None
) -> list[dict[str, Any]]:
    """Send it and return the lines that came back before the hub ended the answer or its life; `told` hears each."""
    address = urlsplit(hub.web)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_ANSWER_TIMEOUT_S)
    answers: list[dict[str, Any]] = []
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.putrequest("POST", "/api/v1/reports/batch")
        for name, value in {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-ndjson",
            "Content-Length": str(len(body)),
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        sending = threading.Thread(target=_send, args=(connection, body), daemon=True)
        sending.start()
        answer = connection.getresponse()
        assert answer.status == 200
        while line := answer.readline():
            if line.endswith(b"\n"):
                answers.append(json.loads(line))
                told(answers[-1])
        sending.join(_ANSWER_TIMEOUT_S)
    return answers


def _send(connection: http.client.HTTPConnection, body: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.send(body)
