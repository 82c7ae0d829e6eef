"""Runs the feed on granian: one process, one event loop."""

from granian.constants import Interfaces
from granian.server import Server

from staydown_hub.config.environment import Address

_STOP_TIMEOUT_S = 5


def serve(address: Address) -> None:
    """Serve until SIGTERM or SIGINT; DATABASE_URL names the database."""
    Server(
        "staydown_hub.feed.application:application",
        address=address.host,
        port=address.port,
        interface=Interfaces.ASGI,
        workers=1,
        factory=True,
        websockets=False,
        log_access=False,
        # Streams are open-ended: those that have not ended by themselves by then are cut off.
        workers_kill_timeout=_STOP_TIMEOUT_S,
    ).serve()
