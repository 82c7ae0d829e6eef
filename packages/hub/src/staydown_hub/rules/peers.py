"""Peer observations: whose machine shared an item. Who may see them, and what one looks like."""

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from staydown_hub.rules.addresses import SightingKind

MAX_PEERS_OF_ONE_REPORT: Final = 100
MAX_PORT: Final = 65535
_SHARED_BY_PEERS: Final[frozenset[SightingKind]] = frozenset({"infohash_v1", "infohash_v2", "ed2k"})


class BadPeerError(ValueError):
    """What cannot be a peer; the message never repeats it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One observation: when, and the machine's address (in one spelling) and port."""

    at: datetime
    address: str = field(repr=False)
    port: int = field(repr=False)

    @property
    def text(self) -> str:
        """The observation as it is sealed: ``2026-01-02T03:04:05+00:00 [2001:db8::1]:6881``."""
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.at.astimezone(UTC).isoformat(timespec='seconds')} {place}:{self.port}"


def may_see_peers(kind: str) -> bool:
    """Tell whether an organisation of this kind may see whose machines shared an item."""
    return kind == "police"


def has_peers(kind: SightingKind) -> bool:
    """Tell whether such a sighting is shared by peers at all."""
    return kind in _SHARED_BY_PEERS


def parse_peer(*, at: datetime, address: str, port: int) -> Peer:
    """Check an observation. Raises BadPeerError."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise BadPeerError("A peer's address is an IPv4 or IPv6 address.") from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id:
            raise BadPeerError("A peer's address has no zone: leave out what follows the %.")
        found = found.ipv4_mapped or found
    if not 0 < port <= MAX_PORT:
        raise BadPeerError("A peer's port is a number from 1 to 65535.")
    return Peer(at=at, address=found.compressed, port=port)
