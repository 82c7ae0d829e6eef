"""What the client's tests share: entries as the hub writes them, ordinary photographs, and a hub on loopback.

The hub here is a real HTTP server that speaks the contract, small enough to be told to break it. How the client gets on
with the real hub is shown in tests/contract.
"""

from __future__ import annotations

import io
import json
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from staydown_client.clock import moment_now
from staydown_client.entries import EntryReader
from staydown_client.folder import Folder, Settings, make_folder
from staydown_client.key import ApiKey
from staydown_match import fingerprint_bytes

from packages.client.tests.hostile_hub import BUNDLE, entries_event
from packages.client.tests.made_log import ORIGIN, MadeLog, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from staydown_client.clock import Moment
    from staydown_client.store_writer import StoreWriter
    from staydown_match import Fingerprints

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("staydown", deadline=None)
settings.load_profile("staydown")

HERE = Path(__file__).parent
LIST = "national"
KEY_TEXT = "sdk_abcdefgh_0123456789abcdefghijklmnopqrstuv"
KEY = ApiKey(KEY_TEXT, source="test")
HEARTBEAT_INTERVAL_S = 0.2

Body: TypeAlias = dict[str, Any]


def item_id(number: int) -> str:
    return str(uuid.UUID(int=number))


def exact(sha256: str) -> Body:
    return {"algorithm": "sha256", "value": sha256}


def near(bits: str, quality: int = 100) -> Body:
    return {"algorithm": "pdq", "value": bits, "quality": quality}


def admit(item: int, *fingerprints: Body, **changes: object) -> Body:
    return {
        "operation": "admit",
        "item": item_id(item),
        "kind": "picture",
        "fingerprints": list(fingerprints) or [exact(f"{item:064x}")],
        "categories": ["A1"],
        "advice": "block",
        "admitted_by": ["police", "support_centre"],
        "at": "2026-01-02T03:04:05.678901Z",
        **changes,
    }


def amend(item: int, *fingerprints: Body, **changes: object) -> Body:
    return admit(item, *fingerprints, operation="amend", **changes)


def withdraw(item: int) -> Body:
    return {"operation": "withdraw", "item": item_id(item), "at": "2026-01-02T03:04:05.678901Z"}


def wire(found: Fingerprints) -> list[Body]:
    digests = [{"algorithm": name, "value": getattr(found, name)} for name in ("md5", "sha1", "sha256")]
    return digests + [near(pdq.bits.hex(), pdq.quality) for pdq in found.pdq]


def photograph(name: str) -> Path:
    """Return where scikit-image or scikit-learn keeps one of the photographs that they ship."""
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            if (path := Path(location) / folder / name).exists():
                return path
    raise FileNotFoundError(name)


def copy_of(path: Path, *, scale: float = 0.6, quality: int = 70) -> bytes:
    """Return the picture made smaller and saved as JPEG: other bytes, the same to the eye."""
    with Image.open(path) as picture:
        smaller = picture.convert("RGB").resize((int(picture.width * scale), int(picture.height * scale)))
    buffer = io.BytesIO()
    smaller.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def flat_picture() -> bytes:
    """Return a picture with nothing in it: PDQ gives it a quality of 0."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((80, 100, 3), 200, dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class LoopbackHub(ThreadingHTTPServer):
    """A hub on loopback; `answers` replaces what it says at a path by something else."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.log = MadeLog()
        self.changed = threading.Condition()
        self.lists = [LIST]
        self.requests: list[Recorded] = []
        self.answers: dict[str, Callable[[_Handler], None]] = {}
        self.standing: Body = {"status": "waiting", "entries": []}
        self.closing = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def publish(self, *entries: Body) -> None:
        with self.changed:
            self.log.append(*entries)
            self.changed.notify_all()

    def wait_for_news(self, position: int) -> tuple[int, bytes]:
        """Return the size that is reached and the event that leads there; no bytes when nothing came for a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.log.size > position, HEARTBEAT_INTERVAL_S)
            size = min(self.log.size, position + BUNDLE)
            news = entries_event(self.log, position, size, self.log.checkpoint(size)) if size > position else b""
            return size, news

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is part of many tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoopbackHub

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(Recorded(self.command, self.path, dict(self.headers), body))
        path = urlsplit(self.path).path
        if path in self.server.answers:
            self.server.answers[path](self)
        elif self.headers.get("Authorization") != f"Bearer {KEY_TEXT}":
            self.answer({"error": "unauthorised", "message": "Unknown key: ask for another.", "fields": []}, status=401)
        else:
            self.answer_as_agreed(path)

    def answer_as_agreed(self, path: str) -> None:
        feed = f"/feed/v1/lists/{LIST}/"
        if path == "/api/v1/me":
            organisation = {"slug": "platform", "name": "Platform", "kind": "platform"}
            self.answer({"organisation": organisation, "scopes": ["filter"], "feed_url": self.server.url})
        elif path == "/api/v1/lists":
            keys = [key.public.vkey for key in self.server.log.keys]
            found = [
                {"slug": slug, "name": slug, "size": 0, "origin": ORIGIN, "keys": keys} for slug in self.server.lists
            ]
            self.answer({"lists": found})
        elif path.startswith(feed):
            self._answer_of_feed(path.removeprefix(feed))
        elif path == "/api/v1/matches":
            sent = json.loads(self.server.requests[-1].body)["matches"]
            self.answer({"accepted": len(sent), "known": 0})
        elif path in {"/api/v1/reports", "/api/v1/assessments"}:
            self.answer({"item": item_id(7), "known": False, "standing": self.server.standing, "sightings": 1})
        else:
            self.answer({"error": "not_found", "message": "There is nothing here.", "fields": []}, status=404)

    def answer(self, value: object, *, status: int = 200) -> None:
        self.answer_bytes(json.dumps(value).encode(), status=status)

    def answer_bytes(self, data: bytes, *, status: int = 200, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_chunks(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _answer_of_feed(self, name: str) -> None:
        log = self.server.log
        query = {key: int(values[0]) for key, values in parse_qs(urlsplit(self.path).query).items()}
        if name == "checkpoint":
            self.answer_bytes(log.checkpoint().encode(), content_type="text/plain")
        elif name == "keys":
            keys = [{"vkey": key.public.vkey, "endorsement": None} for key in log.keys]
            self.answer({"origin": ORIGIN, "keys": keys, "witnesses": []})
        elif name.startswith("bundle/"):
            data = log.bundle(BUNDLE * int(name.removeprefix("bundle/")), BUNDLE)
            self.answer_bytes(data, content_type="application/octet-stream")
        elif name == "tail":
            self.answer_bytes(log.bundle(query["after"] + 1, query["limit"]), content_type="application/octet-stream")
        elif name == "events":
            self._answer_events(query["after"] + 1)
        elif name == "receipts":
            self.answer_bytes(b"", status=204)
        else:  # tiles are the other hub's to serve: hostile_hub.py
            self.answer({"error": "not_found", "message": "There is nothing here.", "fields": []}, status=404)

    def _answer_events(self, position: int) -> None:
        self.begin_chunks("text/event-stream")
        while not self.server.closing:
            position, news = self.server.wait_for_news(position)
            self.chunk(news or b": alive\n\n")


Handler: TypeAlias = _Handler


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    server = LoopbackHub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.closing = True
    server.shutdown()
    server.server_close()
    thread.join()


def apply_to(store: StoreWriter, *bodies: Body, confirmed: Moment | None = None) -> None:
    """Apply entries that go on where the store's list ends, as if they had been verified."""
    reader = EntryReader()
    runs = [reader.read([canonical(body) for body in bodies], first=store.state.size)] if bodies else []
    store.apply(runs, reader.labels, tree=store.state.tree, note="none", confirmed=confirmed or moment_now())


@dataclass
class Told:
    """Keeps what a sync tells."""

    progress: list[object] = field(default_factory=list)

    def __call__(self, progress: object) -> None:
        self.progress.append(progress)


@pytest.fixture
def folder(tmp_path: Path, hub: LoopbackHub) -> Folder:
    """Make a filter's folder, never synced."""
    return make_folder(tmp_path / "filter", settings=Settings(hub=hub.url, list=LIST, log=hub.log.trust), key=KEY)


@pytest.fixture(scope="session")
def cat() -> Path:
    return photograph("chelsea.png")


@pytest.fixture(scope="session")
def cat_wire(cat: Path) -> list[Body]:
    return wire(fingerprint_bytes(cat.read_bytes()))


@pytest.fixture(scope="session")
def cat_pdq(cat_wire: list[Body]) -> list[Body]:
    """Return the photograph's perceptual hash alone: no exact fingerprint can hit."""
    return [fingerprint for fingerprint in cat_wire if fingerprint["algorithm"] == "pdq"]
