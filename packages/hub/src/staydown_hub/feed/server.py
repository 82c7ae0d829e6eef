"""Runs the feed on granian: one process, one event loop."""

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from staydown_hub.config.environment import Address
from staydown_hub.config.logs import server_logging_settings

# The server waits for open answers before it tells the application to stop, and streams are open-ended: so they are cut
# off after this, which is long for a page. Their followers come back with Last-Event-ID.
_STOP_TIMEOUT_S = 2


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
        log_level=LogLevels.warning,
        log_dictconfig=server_logging_settings("INFO"),
        workers_kill_timeout=_STOP_TIMEOUT_S,
    ).serve()
