"""Ports that are free at this moment on loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return one that the system gives out; it does not give the same one again soon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
