"""Where a caller comes from, and whether a key may be used from there: one rule for the web and the feed process."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from; ``subject`` is that of the client certificate which a trusted proxy verified."""

    address: Address | None
    subject: str = ""


def read_address(text: str) -> Address | None:
    """Return an address, an IPv4 one also where it is written as IPv6; None when it is none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def read_network(text: str) -> str:
    """Return a network such as ``192.0.2.0/24`` as it is kept. Raises ValueError, which says what to write."""
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError("A network is written such as 192.0.2.0/24 or 2001:db8::/32.") from None


def is_within(address: Address | None, networks: Collection[Network]) -> bool:
    """Tell whether the address is in one of the networks."""
    return address is not None and any(address in network for network in networks)


def caller_behind(chain: str, *, trusted: Collection[Network]) -> Address | None:
    """Return the caller that an `X-Forwarded-For` names: the last address in it that is not a trusted proxy's.

    What stands before that was written by the caller itself and is worth nothing. None when it cannot be told.
    """
    for part in reversed(chain.split(",")):
        address = read_address(part)
        if address is None or not is_within(address, trusted):
            return address
    return None


def origin_of(peer: str, *, chain: str, subject: str, trusted: Collection[Network]) -> Origin:
    """Return where a request comes from; what headers say counts only where a trusted proxy sent them."""
    address = read_address(peer)
    if not is_within(address, trusted):
        return Origin(address)
    return Origin(caller_behind(chain, trusted=trusted) or address, subject)


def may_call_from(origin: Origin, *, networks: Sequence[str], subject: str) -> bool:
    """Tell whether a key that is bound to these networks and this subject (none: to nothing) may be used from here."""
    if subject and origin.subject != subject:
        return False
    return not networks or is_within(origin.address, [ip_network(one) for one in networks])
