"""A web host on loopback that answers as a test tells it to, and remembers what it was asked."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES = 20_000_000


@dataclass
class Asked:
    """One request as the host got it."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Host:
    """``answers`` says which status each method gets; an answer to GET has a large body."""

    port: int
    answers: dict[str, int] = field(default_factory=lambda: {"HEAD": 200, "GET": 200})
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    body_bytes_sent: int = 0

    def url(self, path: str = "/picture.jpg", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def web_host(*, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Host]:
    """Run a host while the context is open."""
    host = Host(0)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._begin()

        def do_GET(self) -> None:
            self._begin()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            chunk = bytes(1000)
            with suppress(OSError):  # the caller hangs up, as it should
                while host.body_bytes_sent < BODY_BYTES:
                    self.connection.sendall(chunk)
                    host.body_bytes_sent += len(chunk)

        def _begin(self) -> None:
            host.asked.append(Asked(self.command, self.path, dict(self.headers)))
            self.send_response(host.answers[self.command])
            for name, value in host.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing of callers that hang up."""

    with Server((address, 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        host.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield host
        server.shutdown()


@contextmanager
def raw_host(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a host that talks as it likes to each caller; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=_talk, args=(talk, caller), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _talk(talk: Callable[[socket.socket], None], caller: socket.socket) -> None:
    with caller, suppress(OSError):  # the caller hung up
        talk(caller)


def drip(line: bytes) -> Callable[[socket.socket], None]:
    """Give a talk that sends ``line``, and then a letter every few milliseconds for ever."""

    def talk(caller: socket.socket) -> None:
        caller.recv(10_000)
        caller.sendall(line)
        while True:
            caller.sendall(b"x")
            time.sleep(0.01)

    return talk


def say(answer: bytes) -> Callable[[socket.socket], None]:
    """Give a talk that sends this answer and hangs up."""

    def talk(caller: socket.socket) -> None:
        caller.recv(10_000)
        caller.sendall(answer)

    return talk
