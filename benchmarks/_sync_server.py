"""Serves a sealed list's files as a web server would, in the layout of the hub's feed: prints its address."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FEED = "/feed/v1/lists/bench/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ThreadingHTTPServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        folder = Path(sys.argv[1])
        if path == "/api/v1/me":
            organisation = {"slug": "bench", "name": "Bench", "kind": "platform"}
            address = f"http://127.0.0.1:{self.server.server_port}"
            self._answer(json.dumps({"organisation": organisation, "scopes": ["filter"], "feed_url": address}).encode())
        elif path in {f"{FEED}checkpoint", f"{FEED}tail"}:
            self._answer((folder / path.removeprefix(FEED)).read_bytes())
        elif path.startswith(f"{FEED}bundle/"):
            self._answer((folder / f"{path.removeprefix(FEED)}.zst").read_bytes(), encoding="zstd")
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _answer(self, data: bytes, *, encoding: str = "identity") -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
