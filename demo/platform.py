"""A platform: a small web server that asks its filter before it keeps an upload."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from staydown_client import Filter

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_MAX_UPLOAD_BYTES = 20_000_000
_STATUS = {"allow": 201, "hold": 202, "block": 403, "unchecked": 503}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform said to one upload; `verdict` as its filter gave it."""

    status: int
    verdict: dict[str, Any]

    @property
    def action(self) -> str:
        """allow, hold, block or unchecked."""
        return str(self.verdict["action"])


class Platform:
    """One platform's upload door on loopback, behind a filter that follows the list while the context is open."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.filter = Filter.open(folder)
        self._web = _UploadServer(("127.0.0.1", 0), _UploadHandler)
        self._web.filter = self.filter

    @property
    def list_position(self) -> int | None:
        """The newest entry that this platform's filter has in force."""
        return self.filter.check(b"").list_position

    def upload(self, picture: Path) -> Answer:
        """Send the file as a user would, over HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self._web.server_port, timeout=30)
        try:
            connection.request("POST", "/upload", body=picture.read_bytes())
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()))
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._following = self.filter.follow()
        threading.Thread(target=self._web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.shutdown()
        self._web.server_close()
        self._following.stop()
        self.filter.close()


class _UploadServer(http.server.ThreadingHTTPServer):
    filter: Filter


class _UploadHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the base class's hook
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= _MAX_UPLOAD_BYTES:
            self.send_error(413)
            return
        verdict = cast("_UploadServer", self.server).filter.check(self.rfile.read(length))
        body = json.dumps(verdict.as_json()).encode()
        self.send_response(_STATUS[verdict.action])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing: the story is told elsewhere."""
